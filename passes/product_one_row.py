"""Large products with one row."""

from __future__ import annotations

from functools import partial

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import either, i64, when
from tapec.passes.product_names import BLOCK, BY_INNER, CHUNK, COLUMNS
from tapec.passes.product_part import PartText, Range
from tapec.passes.product_row import row_by_columns, row_by_inner
from tapec.passes.text_loops import counted


class OneRowText:
    """Writes the product of one row and one matrix.

    Args:
        part: the function that it becomes part of.
    """

    def __init__(self, part: PartText) -> None:
        self.part = part
        self.row_by_columns = part.helper(row_by_columns(part.name("row_by_columns"), part.dtype, part.vector_bits))
        self.row_by_inner = part.helper(row_by_inner(part.name("row_by_inner"), part.dtype, part.vector_bits))

    def write(self, a: Reg, b: Reg, c: Reg, columns: Range) -> None:
        """The columns of a range."""
        f = self.part.f
        by_inner = f.icmp("eq", self.part.read_b, i64(BY_INNER))
        either(f, by_inner, lambda: self._by_inner(a, b, c, columns), lambda: self._by_columns(a, b, c, columns))

    def _by_inner(self, a: Reg, b: Reg, c: Reg, columns: Range) -> None:
        """All of a few columns before the next: memory is read in order, not a block of each column at a time."""
        f, part = self.part.f, self.part
        ahead, several = part.value("ahead"), f.icmp("sgt", part.k, i64(BLOCK))
        self._places(i64(0), f.intrinsic("smin", part.k, i64(BLOCK)), i64(1))
        with counted(f, columns.stop, start=columns.start, step=COLUMNS) as j0:
            count = f.intrinsic("smin", f.sub(columns.stop, j0), i64(COLUMNS))
            part.fill(part.column_offsets, j0, count, "column", "b")
            part.repeat_last(count)
            with counted(f, part.k, step=BLOCK) as p0:
                steps = f.intrinsic("smin", f.sub(part.k, p0), i64(BLOCK))
                when(f, several, partial(self._places, p0, steps, i64(1)))
                start = f.element_pointer(b, f.load(part.right_offsets, "i64"), part.element)
                with counted(f, count, step=part.width) as j:
                    offsets = f.element_pointer(part.column_offsets, j, "i64")
                    out = f.element_pointer(c, f.add(j0, j), part.element)
                    some = f.intrinsic("smin", f.sub(count, j), i64(part.width))
                    fresh = f.icmp("eq", p0, i64(0))
                    operands = (steps, a, part.left_offsets, start, offsets, out, some, fresh, ahead)
                    part.call(self.row_by_inner, *operands)

    def _by_columns(self, a: Reg, b: Reg, c: Reg, columns: Range) -> None:
        f, part = self.part.f, self.part
        with counted(f, part.k, step=BLOCK) as p0:
            steps = f.intrinsic("smin", f.sub(part.k, p0), i64(BLOCK))
            self._places(p0, steps, steps)
            with counted(f, columns.stop, start=columns.start, step=CHUNK) as j:
                count = f.intrinsic("smin", f.sub(columns.stop, j), i64(CHUNK))
                first = part.at_columns(b, j, i64(1))
                out = f.element_pointer(c, j, part.element)
                fresh = f.icmp("eq", p0, i64(0))
                operands = (steps, a, part.left_offsets, first, part.right_offsets, out, count, fresh)
                part.call(self.row_by_columns, *operands)

    def _places(self, first: Reg, left: Reg, right: Reg) -> None:
        """Fills the tables of the inner index, from a step on, for so many steps of either operand."""
        self.part.fill(self.part.left_offsets, first, left, "inner", "a")
        self.part.fill(self.part.right_offsets, first, right, "inner", "b")
