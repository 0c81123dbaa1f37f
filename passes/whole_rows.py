"""Whole rows of a reduction, one alone or several in step, which take a vector of each in turn."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.reducing import LANES, ROW_BLOCK, Tree
from tapec.passes.row_loops import RowText
from tapec.passes.row_streams import is_cheap


def whole(row: RowText) -> list[Reg]:
    """The results of a row."""
    n = row.extent
    if isinstance(n, str) or n > ROW_BLOCK:
        return row.blocks(i64(0), i64(n))
    if n < LANES or is_cheap(row.body.nest):
        return side_by_side([row])[0]
    return row.block(i64(0), i64(n))


def side_by_side(rows: Sequence[RowText]) -> list[list[Reg]]:
    """The results of rows of one known length, which have cheap bodies or fewer than 16 elements."""
    first = rows[0]
    f, n = first.f, int(first.extent)
    if n < LANES:
        return [row.short() for row in rows]
    if n <= ROW_BLOCK:
        return _block_of_each(rows, i64(0), n)
    tree = Tree([reducer for row in rows for reducer in row.reducers], 1)
    tree.reset()

    def block(start: Reg, length: int) -> None:
        tree.push([value for values in _block_of_each(rows, start, length) for value in values])

    whole = n - n % ROW_BLOCK
    count_loop(f, i64(0), i64(whole), ROW_BLOCK, lambda start: block(start, ROW_BLOCK))
    if whole < n:
        block(i64(whole), n - whole)
    results, each = tree.result(), len(first.reducers)
    return [results[i : i + each] for i in range(0, len(results), each)]


def _block_of_each(rows: Sequence[RowText], start: Reg, length: int) -> list[list[Reg]]:
    """What so many elements of each row give; a vector has at most 16."""
    f, rest = rows[0].f, length % LANES
    for row in rows:
        row.reset()

    def step(distance: Reg) -> None:
        for row in rows:
            row.take(f.add(start, distance))

    if length > rest:
        count_loop(f, i64(0), i64(length - rest), rows[0].width, step)
    if rest:
        for row in rows:
            row.take_few(f.add(start, i64(length - rest)), rest)
    return [row.results() for row in rows]
