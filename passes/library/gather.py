"""Gathers and scatters. Scatters add in the row-major order of the updates."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tapec.passes.library.lines import Lines, address, checked_index, copy_bytes, lines
from tapec.passes.library.update import add_into, begin_with_x
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, exact_vector_loop, i64
from tapec.passes.places import Surroundings
from tapec.passes.steps import LibraryStep

_LANES = 8


def _result_lines(step: LibraryStep, axis: int, positions: int, source: Lines, around: Surroundings) -> Lines:
    assert step.result is not None
    return Lines(around.pointer(step.result), source.element, source.outer, positions, source.inner)


def _nothing_to_read(f: FunctionText, source: Lines, count: int, around: Surroundings) -> bool:
    """Whether the loops would run over an empty axis: any index is then outside it."""
    if source.length == 0 and count > 0:
        around.fault(Reg("true", "i1"), None)
    return source.length == 0 or count == 0


def take(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out[o, j, :] = x[o, indices[j], :]`."""
    x, indices = step.operands
    axis: int = step.attributes["axis"]
    source = lines(f, x, axis, around)
    count = prod(indices.shape)
    if _nothing_to_read(f, source, count, around):
        return
    index_base, index_element = address(f, indices, around), memory_element(indices.buffer.dtype)
    result = _result_lines(step, axis, count, source, around)
    itemsize = x.buffer.dtype.itemsize

    def one(outer: Reg, j: Reg) -> None:
        at = f.element_pointer(index_base, j, index_element)
        index = checked_index(f, at, indices, source.length, around, step.location)
        _move(f, result.at(f, outer, j, i64(0)), source.at(f, outer, index, i64(0)), source, itemsize)

    _over(f, source.outer, count, one)


def _move(f: FunctionText, to: Reg, part: Reg, lines: Lines, itemsize: int) -> None:
    """Copies the elements of one position of a line."""
    if lines.inner == 1:
        f.store(f.load(part, lines.element), to)
    else:
        copy_bytes(f, to, part, lines.inner * itemsize)


def _over(f: FunctionText, outer: int, count: int, body: Callable[[Reg, Reg], None]) -> None:
    count_loop(f, i64(0), i64(outer), 1, lambda o: count_loop(f, i64(0), i64(count), 1, lambda j: body(o, j)))


def scatter_add(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out = x; out[o, indices[j], :] += updates[o, j, :]`."""

    def add(result: Lines, updates: Lines, outer: Reg, j: Reg, index: Reg) -> None:
        def piece(i: Reg, width: int) -> None:
            add_into(f, step, result.at(f, outer, index, i), updates.at(f, outer, j, i), width)

        exact_vector_loop(f, result.inner, _LANES, piece)

    _write_lines(f, step, around, add)


def put(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out = x; out[o, indices[j], :] = new[o, j, :]`, in this order."""
    itemsize = step.operands[0].buffer.dtype.itemsize

    def move(result: Lines, new: Lines, outer: Reg, j: Reg, index: Reg) -> None:
        _move(f, result.at(f, outer, index, i64(0)), new.at(f, outer, j, i64(0)), result, itemsize)

    _write_lines(f, step, around, move)


def _write_lines(
    f: FunctionText,
    step: LibraryStep,
    around: Surroundings,
    write: Callable[[Lines, Lines, Reg, Reg, Reg], None],
) -> None:
    """`out = x`, then `write(out, given, o, j, indices[j])` for each line `given[o, j, :]`, in order."""
    x, indices, given = step.operands
    source = lines(f, x, step.attributes["axis"], around)
    result = Lines(begin_with_x(f, step, around), source.element, source.outer, source.length, source.inner)
    count = prod(indices.shape)
    if _nothing_to_read(f, source, count, around):
        return
    index_base, index_element = address(f, indices, around), memory_element(indices.buffer.dtype)
    parts = Lines(address(f, given, around), source.element, source.outer, count, source.inner)

    def one(outer: Reg, j: Reg) -> None:
        at = f.element_pointer(index_base, j, index_element)
        write(result, parts, outer, j, checked_index(f, at, indices, source.length, around, step.location))

    _over(f, source.outer, count, one)


def take_along(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out[o, j, i] = x[o, indices[o, j, i], i]`."""
    x, indices = step.operands
    axis: int = step.attributes["axis"]
    source, where = lines(f, x, axis, around), lines(f, indices, axis, around)
    if _nothing_to_read(f, source, prod(indices.shape), around):
        return
    result = _result_lines(step, axis, where.length, source, around)

    def one(outer: Reg, j: Reg) -> None:
        def element(i: Reg) -> None:
            at = where.at(f, outer, j, i)
            index = checked_index(f, at, indices, source.length, around, step.location)
            f.store(f.load(source.at(f, outer, index, i), source.element), result.at(f, outer, j, i))

        count_loop(f, i64(0), i64(source.inner), 1, element)

    _over(f, source.outer, where.length, one)


def scatter_add_along(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out = x; out[o, indices[o, j, i], i] += updates[o, j, i]`."""
    x, indices, updates = step.operands
    axis: int = step.attributes["axis"]
    source, where, addends = (lines(f, operand, axis, around) for operand in (x, indices, updates))
    result = Lines(begin_with_x(f, step, around), source.element, source.outer, source.length, source.inner)
    if _nothing_to_read(f, source, prod(indices.shape), around):
        return

    def one(outer: Reg, j: Reg) -> None:
        def element(i: Reg) -> None:
            at = where.at(f, outer, j, i)
            index = checked_index(f, at, indices, source.length, around, step.location)
            add_into(f, step, result.at(f, outer, index, i), addends.at(f, outer, j, i), 1)

        count_loop(f, i64(0), i64(source.inner), 1, element)

    _over(f, source.outer, where.length, one)
