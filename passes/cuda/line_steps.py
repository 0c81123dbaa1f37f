"""Steps that walk an axis in order: a thread for each line, so that sums come in the CPU's order."""

from __future__ import annotations

from math import prod

from tapec.ops import reduction
from tapec.passes.cuda.grids import grid_kernel, operands_of
from tapec.passes.cuda.items import Items
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import lines
from tapec.passes.library.scans import extreme_of_line, running_sum
from tapec.passes.llvm_text import Reg
from tapec.passes.steps import LibraryStep


def line_items(step: LibraryStep) -> Items:
    """Running sums, or the position of an extreme, along an axis."""
    shape = step.operands[0].shape
    axis: int = step.attributes["axis"]
    extents = (prod(shape[:axis]), prod(shape[axis + 1 :]))

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        source = lines(f, step.operands[0], axis, around)
        outer, i = positions(f, number, extents, prod(extents))
        if step.primitive is reduction.cumsum:
            running_sum(f, step, around, source, outer, i, 1)
        else:
            extreme_of_line(f, step, around, source, outer, i)

    return Items(prod(extents) if prod(shape) else 0, item)


def line_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """The kernel."""
    items = line_items(step)
    name = workspace.name(step.primitive.name)
    return [grid_kernel(name, items.count, operands_of(step), step.results, items.item)] if items.count else []
