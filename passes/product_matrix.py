"""Large products with several rows: blocks of rows and of the inner index, panels of columns, tiles."""

from __future__ import annotations

from functools import partial

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.product_left import left_rows, left_slivers
from tapec.passes.product_names import BLOCK, COPY_ROWS, KEEP, ROWS, SLIVERS
from tapec.passes.product_panels import PanelsText
from tapec.passes.product_part import PartText, Range
from tapec.passes.product_tile import tile_function
from tapec.passes.text_loops import counted

FEW_ROWS = 4  # a tile of its own for what is left below the last whole one


class MatrixText:
    """Writes the product of one pair of matrices.

    Args:
        part: the function that it becomes part of.
        height: rows of a block of the left operand.
    """

    def __init__(self, part: PartText, height: int) -> None:
        f, dtype, bits = part.f, part.dtype, part.vector_bits
        self.part = part
        self.height = height
        self.left = f.alloca(part.element, height * BLOCK)
        self.panels = PanelsText(part)
        read_a = part.value("read_a")
        self.copied = f.icmp("ne", read_a, i64(KEEP))
        self.by_rows, self.by_slivers = (f.icmp("eq", read_a, i64(x)) for x in (COPY_ROWS, SLIVERS))
        self.sliver_rows = part.table("sliver_rows", range(ROWS))
        self.copied_rows = part.table("copied_rows", range(0, BLOCK * ROWS, BLOCK))
        self.copied_steps = part.table("copied_steps", range(BLOCK))
        self.sliver_steps = part.table("sliver_steps", range(0, BLOCK * ROWS, ROWS))
        self.copy_rows = part.helper(left_rows(part.name("rows"), dtype, bits))
        self.copy_slivers = part.helper(left_slivers(part.name("slivers"), dtype))
        self.tile, self.low_tile, self.row_tile = (
            part.helper(tile_function(part.name(f"tile{rows}"), dtype, bits, rows)) for rows in (ROWS, FEW_ROWS, 1)
        )

    def write(self, a: Reg, b: Reg, c: Reg, rows: Range, columns: Range) -> None:
        """The rows and columns of some ranges."""
        f, part = self.part.f, self.part
        self.panels.begin(columns, f.icmp("sgt", f.sub(rows.stop, rows.start), i64(self.height)))
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
                self._left(a, i0, count, steps)
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
                        self._tiles(a, panel, panel_step, corner, count, across, steps, fresh)
        self.panels.end()

    def _left(self, a: Reg, row: Reg, count: Reg, steps: Reg) -> None:
        """A block of the left operand: where its rows lie, and a copy if it is read from one."""
        f, part = self.part.f, self.part
        part.fill(part.row_offsets, row, count, "row", "a")
        source = (self.left, a, part.row_offsets, count, part.left_offsets, steps)
        when(f, self.by_rows, partial(part.call, self.copy_rows, *source))
        when(f, self.by_slivers, partial(part.call, self.copy_slivers, *source))

    def _tiles(
        self, a: Reg, panel: Reg, panel_step: Reg, corner: Reg, count: Reg, across: Reg, steps: Reg, fresh: Reg
    ) -> None:
        """All tiles of a panel."""
        f = self.part.f
        with counted(f, count, step=ROWS) as i:
            rows = f.intrinsic("smin", f.sub(count, i), i64(ROWS))
            sliver = f.element_pointer(self.left, f.mul(i, i64(BLOCK)), self.part.element)
            in_place = f.element_pointer(self.part.row_offsets, i, "i64")
            left = f.select(self.copied, sliver, a)
            row_offsets, inner_offsets = (
                f.select(self.by_slivers, slivers, f.select(self.by_rows, rows_of, plain))
                for slivers, rows_of, plain in (
                    (self.sliver_rows, self.copied_rows, in_place),
                    (self.sliver_steps, self.copied_steps, self.part.left_offsets),
                )
            )
            out = f.element_pointer(corner, f.mul(i, self.part.n), self.part.element)
            args = (steps, left, row_offsets, inner_offsets, panel, panel_step, out, self.part.n, rows, across, fresh)
            high, lower, low, single, end = (f.fresh(x) for x in ("high", "lower", "low", "single", "end"))
            f.branch_if(f.icmp("sgt", rows, i64(FEW_ROWS)), high, lower)
            f.label(lower)
            f.branch_if(f.icmp("sgt", rows, i64(1)), low, single)
            f.label(single)
            self.part.call(self.row_tile, *args)
            f.branch(end)
            f.label(high)
            self.part.call(self.tile, *args)
            f.branch(end)
            f.label(low)
            self.part.call(self.low_tile, *args)
            f.branch(end)
            f.label(end)
