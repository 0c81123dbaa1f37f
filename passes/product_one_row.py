"""Large products with one row."""

from __future__ import annotations

from functools import partial

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.product_names import BLOCK, CHUNK, COLUMNS
from tapec.passes.product_part import PartText, Range
from tapec.passes.text_loops import counted


def row_by_inner_text(part: PartText, a: Reg, b: Reg, c: Reg, _: Range, columns: Range) -> None:
    """Writes the columns of a range, along each of which the inner index is contiguous.

    All of a few columns before the next: memory is read in order, not a block of each column at a time.
    """
    f = part.f
    ahead, row, several = part.value("ahead"), part.function("row"), f.icmp("sgt", part.k, i64(BLOCK))
    _places(part, i64(0), f.intrinsic("smin", part.k, i64(BLOCK)), i64(1))
    with counted(f, columns.stop, start=columns.start, step=COLUMNS) as j0:
        count = f.intrinsic("smin", f.sub(columns.stop, j0), i64(COLUMNS))
        part.fill(part.column_offsets, j0, count, "column", "b")
        part.repeat_last(count)
        with counted(f, part.k, step=BLOCK) as p0:
            steps = f.intrinsic("smin", f.sub(part.k, p0), i64(BLOCK))
            when(f, several, partial(_places, part, p0, steps, i64(1)))
            start = f.element_pointer(b, f.load(part.right_offsets, "i64"), part.element)
            with counted(f, count, step=part.width) as j:
                offsets = f.element_pointer(part.column_offsets, j, "i64")
                out = f.element_pointer(c, f.add(j0, j), part.element)
                some = f.intrinsic("smin", f.sub(count, j), i64(part.width))
                fresh = f.icmp("eq", p0, i64(0))
                part.call(row, steps, a, part.left_offsets, start, offsets, out, some, fresh, ahead)


def row_by_columns_text(part: PartText, a: Reg, b: Reg, c: Reg, _: Range, columns: Range) -> None:
    """Writes the columns of a range, which are neighbours."""
    f, row = part.f, part.function("row")
    with counted(f, part.k, step=BLOCK) as p0:
        steps = f.intrinsic("smin", f.sub(part.k, p0), i64(BLOCK))
        _places(part, p0, steps, steps)
        with counted(f, columns.stop, start=columns.start, step=CHUNK) as j:
            count = f.intrinsic("smin", f.sub(columns.stop, j), i64(CHUNK))
            first = part.at_columns(b, j, i64(1))
            out = f.element_pointer(c, j, part.element)
            fresh = f.icmp("eq", p0, i64(0))
            part.call(row, steps, a, part.left_offsets, first, part.right_offsets, out, count, fresh)


def _places(part: PartText, first: Reg, left: Reg, right: Reg) -> None:
    """Fills the tables of the inner index, from a step on, for so many steps of either operand."""
    part.fill(part.left_offsets, first, left, "inner", "a")
    part.fill(part.right_offsets, first, right, "inner", "b")
