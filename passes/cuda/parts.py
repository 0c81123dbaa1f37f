"""Plans that read or write a part of an array where it lies: what an eager program does again and again.

Addresses say where a part begins, and no kernel has that in its text, so that one program serves all parts of a shape:
a loop over rows compiles once.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import indexing
from tapec.passes.collapse import collapse
from tapec.passes.cuda.gathers import out_of_range
from tapec.passes.cuda.grids import grid_kernel, operands_of
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.line_updates import LineUpdate, distinct_items
from tapec.passes.cuda.nests import nest_kernels
from tapec.passes.cuda.plan import Launch, LaunchPlan
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.llvm_text import Reg
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
    update, written = LineUpdate.of(step), distinct_items(step)
    if not update.length:
        return [out_of_range(step, workspace)]

    def look(thread: Thread, number: Reg) -> None:
        update.index(thread, number)

    def write(thread: Thread, number: Reg) -> None:
        when(thread.f, thread.fine(), lambda: written.item(thread, number))

    _, indices, new = operands_of(step)
    kernels = [grid_kernel(workspace.name("look"), update.count, (indices,), (), look)]
    if written.count:
        kernels.append(grid_kernel(workspace.name("put"), written.count, (indices, new), step.results, write))
    return kernels
