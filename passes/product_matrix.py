"""Large products with several rows: blocks of rows and of the inner index, panels of columns, tiles."""

from __future__ import annotations

from functools import partial

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.product_names import BLOCK, COPY_ROWS, KEEP, LOW_ROWS, ROWS, SLIVERS
from tapec.passes.product_panels import PanelsText
from tapec.passes.product_part import PartText, Range
from tapec.passes.text_loops import counted

LEFT_BYTES = 192 * 1024  # of the left operand that wait in the second-level cache while panels pass


class MatrixText:
    """Writes the product of one pair of matrices.

    Args:
        part: the function that it becomes part of.
    """

    def __init__(self, part: PartText) -> None:
        f = part.f
        self.part = part
        self.height = LEFT_BYTES // (BLOCK * part.dtype.itemsize) // (2 * ROWS) * (2 * ROWS)
        self.left = f.alloca(part.element, self.height * BLOCK)
        self.row_offsets = f.alloca("i64", self.height)
        self.panels = PanelsText(part)
        read_a = part.value("read_a")
        self.copied = f.icmp("ne", read_a, i64(KEEP))
        by_rows, by_slivers = (f.icmp("eq", read_a, i64(x)) for x in (COPY_ROWS, SLIVERS))
        self.copy, self.tile, self.narrow_tile, self.low_tile = (
            part.function(name) for name in ("copy_left", "tile", "narrow_tile", "low_tile")
        )
        # Where a tile's rows begin, how far behind those of the tile before, and where its steps are.
        self.rows, self.inner = (
            f.select(
                by_slivers, part.table(f"sliver_{what}", slivers), f.select(by_rows, part.table(what, rows), plain)
            )
            for what, slivers, rows, plain in (
                ("rows", range(ROWS), range(0, BLOCK * ROWS, BLOCK), self.row_offsets),
                ("steps", range(0, BLOCK * ROWS, ROWS), range(BLOCK), part.left_offsets),
            )
        )
        self.rows_apart, self.apart = (f.select(self.copied, i64(x), i64(y)) for x, y in ((0, 1), (BLOCK, 0)))

    def write(self, a: Reg, b: Reg, c: Reg, rows: Range, columns: Range) -> None:
        """The rows and columns of some ranges."""
        f, part = self.part.f, self.part
        self.panels.begin(columns, f.icmp("sgt", f.sub(rows.stop, rows.start), i64(self.height)))
        left = f.select(self.copied, self.left, a)
        with (
            counted(f, columns.stop, start=columns.start, step=self.panels.columns) as c0,
            counted(f, part.k, step=BLOCK) as p0,
        ):
            behind = f.intrinsic("smin", f.add(c0, i64(self.panels.columns)), columns.stop)
            steps = f.intrinsic("smin", f.sub(part.k, p0), i64(BLOCK))
            part.fill(part.left_offsets, p0, steps, "inner", "a")
            part.fill(part.right_offsets, p0, steps, "inner", "b")
            fresh = f.icmp("eq", p0, i64(0))
            with counted(f, rows.stop, start=rows.start, step=self.height) as i0:
                count = f.intrinsic("smin", f.sub(rows.stop, i0), i64(self.height))
                part.fill(self.row_offsets, i0, count, "row", "a")
                source = (self.left, a, self.row_offsets, count, part.left_offsets, steps)
                when(f, self.copied, partial(part.call, self.copy, *source))
                missing = self.panels.missing(f.icmp("eq", i0, rows.start))
                out = f.element_pointer(c, f.mul(i0, part.n), part.element)
                with counted(f, behind, start=c0, step=self.panels.together) as g0:
                    width = f.intrinsic("smin", f.sub(behind, g0), i64(self.panels.together))
                    panels, ready = self.panels.group(b, g0, f.sub(g0, c0), width, steps, missing)
                    with counted(f, width, step=part.width) as j:
                        j0 = f.add(g0, j)
                        across = f.intrinsic("smin", f.sub(width, j), i64(part.width))
                        place = f.element_pointer(panels, f.mul(j, i64(BLOCK)), part.element)
                        panel, panel_step = self.panels.panel(b, j0, across, steps, place, ready)
                        corner = f.element_pointer(out, j0, part.element)
                        self._tiles(left, panel, panel_step, corner, count, across, steps, fresh)
        self.panels.end()

    def _tiles(
        self, left: Reg, panel: Reg, panel_step: Reg, corner: Reg, count: Reg, across: Reg, steps: Reg, fresh: Reg
    ) -> None:
        """All tiles of a panel."""
        f, n = self.part.f, self.part.n
        high_tile = f.select(f.icmp("sle", across, i64(self.part.width // 2)), self.narrow_tile, self.tile)
        with counted(f, count, step=ROWS) as i:
            rows = f.intrinsic("smin", f.sub(count, i), i64(ROWS))
            a = f.element_pointer(left, f.mul(i, self.apart), self.part.element)
            row_offsets = f.element_pointer(self.rows, f.mul(i, self.rows_apart), "i64")
            out = f.element_pointer(corner, f.mul(i, n), self.part.element)
            tile = f.select(f.icmp("sgt", rows, i64(LOW_ROWS)), high_tile, self.low_tile)
            self.part.call(tile, steps, a, row_offsets, self.inner, panel, panel_step, out, n, rows, across, fresh)
