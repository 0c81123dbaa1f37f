"""Large products with several rows: blocks of rows and of the inner index, panels of columns, tiles."""

from __future__ import annotations

from functools import partial

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.product_left import left_rows, left_slivers
from tapec.passes.product_names import BLOCK, BY_COLUMNS, BY_INNER, COPY_ROWS, IN_PLACE, KEEP, ROWS, SLIVERS
from tapec.passes.product_pack import (
    GROUP,
    right_by_columns,
    right_by_element,
    right_by_inner,
    right_group,
)
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
        self.panels = f.alloca(part.element, GROUP * part.width * BLOCK)
        read_a = part.value("read_a")
        self.copied = f.icmp("ne", read_a, i64(KEEP))
        self.by_rows, self.by_slivers = (f.icmp("eq", read_a, i64(x)) for x in (COPY_ROWS, SLIVERS))
        self.sliver_rows = part.table("sliver_rows", range(ROWS))
        self.copied_rows = part.table("copied_rows", range(0, BLOCK * ROWS, BLOCK))
        self.copied_steps = part.table("copied_steps", range(BLOCK))
        self.sliver_steps = part.table("sliver_steps", range(0, BLOCK * ROWS, ROWS))
        self.copy_rows = part.helper(left_rows(part.name("rows"), dtype, bits))
        self.copy_slivers = part.helper(left_slivers(part.name("slivers"), dtype))
        self.pack_group = part.helper(right_group(part.name("group"), dtype, bits))
        self.pack_by_columns = part.helper(right_by_columns(part.name("by_columns"), dtype, bits))
        self.pack_by_inner = part.helper(right_by_inner(part.name("by_inner"), dtype, bits))
        self.pack_by_element = part.helper(right_by_element(part.name("by_element"), dtype, bits))
        self.tile, self.low_tile, self.row_tile = (
            part.helper(tile_function(part.name(f"tile{rows}"), dtype, bits, rows)) for rows in (ROWS, FEW_ROWS, 1)
        )

    def write(self, a: Reg, b: Reg, c: Reg, rows: Range, columns: Range) -> None:
        """The rows and columns of some ranges."""
        f = self.part.f
        with counted(f, rows.stop, start=rows.start, step=self.height) as i0:
            count = f.intrinsic("smin", f.sub(rows.stop, i0), i64(self.height))
            self.part.fill(self.part.row_offsets, i0, count, "row", "a")
            with counted(f, self.part.k, step=BLOCK) as p0:
                steps = f.intrinsic("smin", f.sub(self.part.k, p0), i64(BLOCK))
                self.part.fill(self.part.left_offsets, p0, steps, "inner", "a")
                self.part.fill(self.part.right_offsets, p0, steps, "inner", "b")
                source = (self.left, a, self.part.row_offsets, count, self.part.left_offsets, steps)
                when(f, self.by_rows, partial(self.part.call, self.copy_rows, *source))
                when(f, self.by_slivers, partial(self.part.call, self.copy_slivers, *source))
                fresh = f.icmp("eq", p0, i64(0))
                with counted(f, columns.stop, start=columns.start, step=GROUP * self.part.width) as g0:
                    width = f.intrinsic("smin", f.sub(columns.stop, g0), i64(GROUP * self.part.width))
                    whole = f.icmp("eq", width, i64(GROUP * self.part.width))
                    grouped = f.binary("and", whole, f.icmp("eq", self.part.read_b, i64(BY_COLUMNS)))
                    when(f, grouped, partial(self._group, b, g0, steps))
                    with counted(f, width, step=self.part.width) as j:
                        j0 = f.add(g0, j)
                        across = f.intrinsic("smin", f.sub(width, j), i64(self.part.width))
                        panel, panel_step = self._right(b, j0, across, steps, grouped, j)
                        corner = f.element_pointer(c, f.add(f.mul(i0, self.part.n), j0), self.part.element)
                        self._tiles(a, panel, panel_step, corner, count, across, steps, fresh)

    def _group(self, b: Reg, column: Reg, steps: Reg) -> None:
        """Several panels of the right operand, from a column on."""
        start = self.part.at_columns(b, column, i64(1))
        self.part.call(self.pack_group, self.panels, start, self.part.right_offsets, steps)

    def _right(self, b: Reg, j0: Reg, across: Reg, steps: Reg, grouped: Reg, position: Reg) -> tuple[Reg, Reg]:
        """A panel of the right operand, and how far apart its steps are."""
        f = self.part.f
        names = ("ready_made", "single", "direct", "copied", "by_columns", "turned", "by_inner", "by_element", "ready")
        ready_made, single, direct, copied, by_columns, turned, by_inner, by_element, ready = map(f.fresh, names)
        f.branch_if(grouped, ready_made, single)
        f.label(ready_made)
        mine = f.element_pointer(self.panels, f.mul(position, i64(BLOCK)), self.part.element)
        f.branch(ready)
        f.label(single)
        self.part.fill(self.part.column_offsets, j0, across, "column", "b")
        self.part.repeat_last(across)
        args = (self.panels, b, self.part.column_offsets, self.part.right_offsets, steps)
        whole = f.icmp("eq", across, i64(self.part.width))
        in_place = f.binary("and", whole, f.icmp("eq", self.part.read_b, i64(IN_PLACE)))
        f.branch_if(in_place, direct, copied)
        f.label(direct)
        first = f.load(self.part.right_offsets, "i64")
        start = f.element_pointer(b, f.add(first, f.load(self.part.column_offsets, "i64")), self.part.element)
        step = self.part.value("inner_b2")
        f.branch(ready)
        f.label(copied)
        plain = f.binary(
            "or", f.icmp("eq", self.part.read_b, i64(BY_COLUMNS)), f.icmp("eq", self.part.read_b, i64(IN_PLACE))
        )
        f.branch_if(plain, by_columns, turned)
        f.label(by_columns)
        self.part.call(self.pack_by_columns, *args, across)
        f.branch(ready)
        f.label(turned)
        f.branch_if(f.icmp("eq", self.part.read_b, i64(BY_INNER)), by_inner, by_element)
        f.label(by_inner)
        self.part.call(self.pack_by_inner, *args)
        f.branch(ready)
        f.label(by_element)
        self.part.call(self.pack_by_element, *args)
        f.branch(ready)
        f.label(ready)
        packed = [(self.panels.text, x) for x in (by_columns, by_inner, by_element)]
        steps_of = [(str(self.part.width), x) for x in (ready_made, by_columns, by_inner, by_element)]
        panel = f.phi("ptr", [(start.text, direct), (mine.text, ready_made), *packed])
        return panel, f.phi("i64", [(step.text, direct), *steps_of])

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
