"""Gathers: a thread for each element of the result, or for 16 bytes of them where lines are contiguous."""

from __future__ import annotations

from math import prod

from tapec.ops import indexing
from tapec.passes.cuda.grids import grid_kernel, operands_of
from tapec.passes.cuda.items import Items
from tapec.passes.cuda.kernel import ALIGNMENT, Kernel
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import Lines, address, checked_index, lines
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.steps import LibraryStep, Operand


def line_width(inner: int, *operands: Operand) -> int:
    """Elements of 16 bytes, if a line of `inner` elements of each operand begins at a multiple of so many; else 1."""
    width = ALIGNMENT // operands[0].buffer.dtype.itemsize
    dense = all(o.offset % width == 0 and o.buffer.kind != "slice" for o in operands)
    return width if inner % width == 0 and dense else 1


def out_of_range(step: LibraryStep, workspace: Workspace) -> Kernel:
    """A kernel that reports an index out of range, where every index is."""
    name = workspace.name(step.primitive.name)
    return grid_kernel(name, 1, (), (), lambda t, _: t.around.fault(Reg("true", "i1"), step.location))


def take_items(step: LibraryStep) -> Items:
    """`out[o, j, :] = x[o, indices[j], :]`, 16 bytes at a time."""
    x, indices = step.operands
    assert step.result is not None
    result_buffer = step.result
    axis: int = step.attributes["axis"]
    outer, length, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    count = prod(indices.shape)
    width = line_width(inner, x)
    extents = (outer, count, inner // width)
    align = width * x.buffer.dtype.itemsize

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        source = lines(f, x, axis, around)
        result = Lines(around.pointer(result_buffer), source.element, outer, count, inner)
        o, j, vector = positions(f, number, extents, prod(extents))
        at = f.element_pointer(address(f, indices, around), j, memory_element(indices.buffer.dtype))
        index = checked_index(f, at, indices, length, around, step.location)
        i = f.mul(vector, i64(width))
        value = f.load(source.at(f, o, index, i), source.element, width, align)
        f.store(value, result.at(f, o, j, i), align)

    return Items(prod(extents), item)


def take_along_items(step: LibraryStep) -> Items:
    """`out[o, j, i] = x[o, indices[o, j, i], i]`."""
    x, indices = step.operands
    assert step.result is not None
    result_buffer = step.result
    axis: int = step.attributes["axis"]
    length, count = x.shape[axis], prod(indices.shape)
    extents = (prod(x.shape[:axis]), indices.shape[axis], prod(x.shape[axis + 1 :]))

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        source, where = lines(f, x, axis, around), lines(f, indices, axis, around)
        result = Lines(around.pointer(result_buffer), source.element, *extents)
        o, j, i = positions(f, number, extents, count)
        index = checked_index(f, where.at(f, o, j, i), indices, length, around, step.location)
        f.store(f.load(source.at(f, o, index, i), source.element), result.at(f, o, j, i))

    return Items(count, item)


def gather_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """The kernel of either."""
    x = step.operands[0]
    axis: int = step.attributes["axis"]
    items = (take_items if step.primitive is indexing.take else take_along_items)(step)
    if not items.count:
        return []
    if not x.shape[axis]:
        return [out_of_range(step, workspace)]
    return [grid_kernel(workspace.name(step.primitive.name), items.count, operands_of(step), step.results, items.item)]
