"""Windows of an array that are replaced or added to, in the memory of the old version or in that of a copy."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tapec.ops import elementwise as ew
from tapec.ops import update
from tapec.passes.library.lines import address, copy_bytes
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, exact_vector_loop, i64
from tapec.passes.places import Surroundings
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import LibraryStep
from tapec.passes.views import dense_strides

_LANES = 8


def begin_with_x(f: FunctionText, step: LibraryStep, around: Surroundings) -> Reg:
    """Address of the result, which holds the first operand; it is copied unless it lies there."""
    x = step.operands[0]
    assert step.result is not None
    result = around.pointer(step.result)
    if x.buffer is not step.result:
        copy_bytes(f, result, address(f, x, around), prod(x.shape) * x.buffer.dtype.itemsize)
    return result


def add_into(f: FunctionText, step: LibraryStep, slot: Reg, addend: Reg, width: int) -> None:
    """Adds the element, or vector, at `addend` to that at `slot`."""
    dtype = step.operands[0].buffer.dtype
    element = memory_element(dtype)
    old, new = f.load(slot, element, width), f.load(addend, element, width)
    f.store(ROWS[ew.add](f, dtype, (old, new), {}), slot)


def write_window(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`slice_set` and `slice_add`."""
    new = step.operands[1]
    base = begin_with_x(f, step, around)
    if not all(new.shape):
        return
    element = memory_element(new.buffer.dtype)
    strides = dense_strides(step.shape)
    offset = sum(first * stride for first, stride in zip(step.attributes["start"], strides, strict=True))
    moves = [by * stride for by, stride in zip(step.attributes["step"], strides, strict=True)]
    extents, moves = _merged(new.shape, moves)
    run, lines = (extents[-1], extents[:-1]) if extents and moves[-1] == 1 else (1, extents)
    source = address(f, new, around)

    def line(to: Reg, read: Reg) -> None:
        target, part = f.element_pointer(base, to, element), f.element_pointer(source, read, element)
        if step.primitive is update.slice_add:
            exact_vector_loop(
                f, run, _LANES,
                lambda i, width: add_into(
                    f, step, f.element_pointer(target, i, element), f.element_pointer(part, i, element), width
                ),
            )  # fmt: skip
        elif run == 1:
            f.store(f.load(part, element), target)
        else:
            copy_bytes(f, target, part, run * new.buffer.dtype.itemsize)

    _each(f, lines, moves, run, i64(offset), i64(0), line)


def _merged(extents: tuple[int, ...], moves: list[int]) -> tuple[list[int], list[int]]:
    """Axes that one stride walks through as one, those of extent 1 left out; the operand beside them is dense."""
    merged: list[tuple[int, int]] = []
    for extent, move in zip(extents, moves, strict=True):
        if extent == 1:
            continue
        if merged and merged[-1][1] == extent * move:
            merged[-1] = (merged[-1][0] * extent, move)
        else:
            merged.append((extent, move))
    return [n for n, _ in merged], [m for _, m in merged]


def _each(
    f: FunctionText,
    extents: list[int],
    moves: list[int],
    run: int,
    to: Reg,
    read: Reg,
    body: Callable[[Reg, Reg], None],
) -> None:
    """`body` at the first element of each line, in the array and in the dense operand."""
    if not extents:
        body(to, read)
        return
    dense = prod(extents[1:]) * run

    def one(i: Reg) -> None:
        inner_to, inner_read = f.add(to, f.mul(i, i64(moves[0]))), f.add(read, f.mul(i, i64(dense)))
        _each(f, extents[1:], moves[1:], run, inner_to, inner_read, body)

    count_loop(f, i64(0), i64(extents[0]), 1, one)
