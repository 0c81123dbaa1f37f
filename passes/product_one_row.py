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
            with counted(f, columns.stop, start=columns.start, step=COLUMNS) as j:
                count = f.intrinsic("smin", f.sub(columns.stop, j), i64(COLUMNS))
                self.part.fill(self.part.column_offsets, j, count, "column", "b")
                self.part.repeat_last(count, COLUMNS)
                out = f.element_pointer(c, j, self.part.element)
                self.part.call(
                    self.row_by_inner,
                    steps,
                    a,
                    self.part.left_offsets,
                    start,
                    self.part.column_offsets,
                    out,
                    count,
                    fresh,
                )
            f.branch(end)
            f.label(outer)
            with counted(f, columns.stop, start=columns.start, step=CHUNK) as j:
                count = f.intrinsic("smin", f.sub(columns.stop, j), i64(CHUNK))
                first = self.part.at_columns(b, j, i64(1))
                out = f.element_pointer(c, j, self.part.element)
                self.part.call(
                    self.row_by_columns,
                    steps,
                    a,
                    self.part.left_offsets,
                    first,
                    self.part.right_offsets,
                    out,
                    count,
                    fresh,
                )
            f.branch(end)
            f.label(end)
