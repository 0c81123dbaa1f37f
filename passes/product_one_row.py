"""Large products with one row."""

from __future__ import annotations

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64
from tapec.passes.product_names import BLOCK, BY_INNER
from tapec.passes.product_part import COLUMNS, PartText, Range
from tapec.passes.product_row import CHUNK, row_by_columns, row_by_inner
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
        self.part.fill(self.part.row_offsets, i64(0), i64(1), "row", "a")
        ahead = self.part.value("ahead")
        by_inner = f.icmp("eq", self.part.read_b, i64(BY_INNER))
        with counted(f, self.part.k, step=BLOCK) as p0:
            steps = f.intrinsic("smin", f.sub(self.part.k, p0), i64(BLOCK))
            fresh = f.icmp("eq", p0, i64(0))
            self.part.fill(self.part.left_offsets, p0, steps, "inner", "a")
            self.part.fill(self.part.right_offsets, p0, steps, "inner", "b")
            inner, outer, end = f.fresh("by_inner"), f.fresh("by_columns"), f.fresh("end")
            f.branch_if(by_inner, inner, outer)
            f.label(inner)
            start = f.element_pointer(b, f.load(self.part.right_offsets, "i64"), self.part.element)
            with counted(f, columns.stop, start=columns.start, step=COLUMNS) as j0:
                count = f.intrinsic("smin", f.sub(columns.stop, j0), i64(COLUMNS))
                self.part.fill(self.part.column_offsets, j0, count, "column", "b")
                self.part.repeat_last(count)
                with counted(f, count, step=self.part.width) as j:
                    offsets = f.element_pointer(self.part.column_offsets, j, "i64")
                    out = f.element_pointer(c, f.add(j0, j), self.part.element)
                    several = f.intrinsic("smin", f.sub(count, j), i64(self.part.width))
                    operands = (steps, a, self.part.left_offsets, start, offsets, out, several, fresh, ahead)
                    self.part.call(self.row_by_inner, *operands)
            f.branch(end)
            f.label(outer)
            with counted(f, columns.stop, start=columns.start, step=CHUNK) as j:
                count = f.intrinsic("smin", f.sub(columns.stop, j), i64(CHUNK))
                first = self.part.at_columns(b, j, i64(1))
                out = f.element_pointer(c, j, self.part.element)
                operands = (steps, a, self.part.left_offsets, first, self.part.right_offsets, out, count, fresh)
                self.part.call(self.row_by_columns, *operands)
            f.branch(end)
            f.label(end)
