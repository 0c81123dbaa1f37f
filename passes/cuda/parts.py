"""Plans that read or write a part of an array where it lies: what an eager program does again and again.

Addresses say where a part begins, and no kernel has that in its text, so that one program serves all parts of a shape:
a loop over rows compiles once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import indexing
from tapec.passes.collapse import collapse
from tapec.passes.cuda.gathers import out_of_range
from tapec.passes.cuda.grids import grid_kernel
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.nests import nest_kernels
from tapec.passes.cuda.plan import Launch, LaunchPlan
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import checked_index, lines
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import when
from tapec.passes.loops import Access, Buffer, Load, Nest, Store
from tapec.passes.steps import LibraryStep, Operand, Program, Step
from tapec.passes.views import dense_strides

Shape = tuple[int, ...]


def copy_plan(dtype: DType, shape: Shape, source: Shape | None, to: Shape | None) -> LaunchPlan:
    """Elements from memory to other memory.

    Args:
        dtype: of the elements.
        shape: of what is copied; not empty.
        source: strides, in elements, with which it is read from anywhere in an array on; None for a dense array.
        to: likewise for what is written.
    """
    kind, dense = tensor_type(dtype, shape), dense_strides(shape)
    read, written = _memory("source", kind, source is not None), _memory("result", kind, to is not None)
    body = (
        Load(0, Access(read, 0, dense if source is None else source)),
        Store(0, Access(written, 0, dense if to is None else to)),
    )
    nest = collapse(Nest(shape, (False,) * len(shape), body, False, "copy"))
    return _plan("copy", (read,), written, nest_kernels(nest, _workspace()), nest)


def put_plan(x: TensorType, where: TensorType, new: TensorType, axis: int) -> LaunchPlan:
    """`put`, of indices of which none comes twice, in the memory of x; one out of range, and nothing is written.

    Args:
        x: the array.
        where: indices along the axis, one at least.
        new: the elements.
        axis: the axis.
    """
    kinds = {"x": x, "indices": where, "new": new}
    memory = {name: _memory(name, kind, False) for name, kind in kinds.items()}
    operands = tuple([Operand(memory[name], 0, kind.shape, ()) for name, kind in kinds.items()])
    step = LibraryStep(indexing.put, operands, (memory["x"],), (), x.shape, {"axis": axis}, None)
    return _plan("put", (memory["indices"], memory["new"]), memory["x"], _put_kernels(step, _workspace()), step)


def _memory(name: str, kind: TensorType, part: bool) -> Buffer:
    """An array, or part of one, which may begin anywhere."""
    return Buffer(name, kind.dtype, kind.size, "slice" if part else "input", value=Graph(name).add_input(kind))


def _workspace() -> Workspace:
    made = Workspace()
    made.begin("step0")
    return made


def _plan(name: str, reads: tuple[Buffer, ...], written: Buffer, kernels: Sequence[Kernel], step: Step) -> LaunchPlan:
    program = Program(name, reads, (written,), {}, frozenset(), 0, (step,), 0)
    return LaunchPlan(program, tuple([Launch(kernel) for kernel in kernels]), {}, 0)


def _put_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """One that looks at the indices, and one that writes if all are in range."""
    x, indices, new = step.operands
    axis: int = step.attributes["axis"]
    outer, length, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    count = prod(indices.shape)
    if not length:
        return [out_of_range(step, workspace)]

    def element(thread: Thread, buffer: Buffer, number: Reg) -> Reg:
        return thread.f.element_pointer(thread.pointer(buffer), number, memory_element(buffer.dtype))

    def index(thread: Thread, number: Reg) -> Reg:
        at = element(thread, indices.buffer, number)
        return checked_index(thread.f, at, indices, length, thread.around, step.location)

    def look(thread: Thread, number: Reg) -> None:
        index(thread, number)

    def write(thread: Thread, number: Reg) -> None:
        f = thread.f

        def store() -> None:
            o, j, i = positions(f, number, (outer, count, inner), outer * count * inner)
            target = lines(f, x, axis, thread.around)
            value = f.load(element(thread, new.buffer, number), target.element)
            f.store(value, target.at(f, o, index(thread, j), i))

        when(f, thread.fine(), store)

    reads = (indices.buffer, new.buffer)
    kernels = [grid_kernel(workspace.name("look"), count, reads[:1], (), look)]
    if outer * inner:
        kernels.append(grid_kernel(workspace.name("put"), outer * count * inner, reads, step.results, write))
    return kernels
