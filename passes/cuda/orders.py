"""Positions in ascending order: a stable sort whose keys are positions, compared by the elements there."""

from __future__ import annotations

from math import prod

from tapec.ops import elementwise as ew
from tapec.passes.cuda.grids import grid_kernel
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.sorting import Sort
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import Lines, lines
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import LibraryStep


def argsort_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """Positions in ascending order along an axis; equal elements keep theirs, NaN come last."""
    (x,) = step.operands
    assert step.result is not None
    result_buffer, dtype = step.result, x.buffer.dtype
    axis: int = step.attributes["axis"]
    outer, length, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    if not prod(x.shape):
        return []
    sources = (outer, inner)

    def before(thread: Thread, line: Reg, a: Reg, b: Reg) -> Reg:
        f = thread.f
        o, i = positions(f, line, sources, outer * inner)
        source = lines(f, x, axis, thread.around)
        first, second = (f.load(source.at(f, o, at, i), source.element) for at in (a, b))
        if dtype.kind == "b":
            first, second = (f.convert("trunc", v, "i1") for v in (first, second))
        less, greater = (comes_first(f, first, second), comes_first(f, second, first))
        return f.binary("or", less, f.select(greater, Reg("false", "i1"), f.icmp("slt", a, b)))

    def comes_first(f: FunctionText, a: Reg, b: Reg) -> Reg:
        less = ROWS[ew.lt](f, dtype, (a, b), {})
        if dtype.is_float:
            less = f.binary("or", less, f.binary("and", f.fcmp("uno", b, b), f.fcmp("ord", a, a)))
        return less

    sort = Sort(outer * inner, length, _position, before, (x.buffer,), workspace)

    def item(thread: Thread, number: Reg) -> None:
        f = thread.f
        o, position, i = positions(f, number, (outer, length, inner), prod(x.shape))
        line = f.add(f.mul(o, Reg(str(inner), "i64")), i)
        at = f.add(f.mul(line, Reg(str(sort.length), "i64")), position)
        found = f.load(f.element_pointer(thread.pointer(sort.keys), at, "i64"), "i64")
        result = Lines(thread.pointer(result_buffer), "i64", outer, length, inner)
        f.store(found, result.at(f, o, position, i))

    result = grid_kernel(workspace.name("order"), prod(x.shape), (sort.keys,), step.results, item)
    return [*sort.kernels(), result]


def _position(_thread: Thread, _line: Reg, position: Reg) -> Reg:
    return position
