"""The launch plan: what a GPU is asked to do for one run of a program, in order."""

from __future__ import annotations

from dataclasses import dataclass

from tapec.errors import UnsupportedOnDeviceError
from tapec.ops import contraction, creation
from tapec.passes.arena import buffers_of
from tapec.passes.arena import plan as place
from tapec.passes.cuda.block_choice import control_kernel
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.libraries import LIBRARIES
from tapec.passes.cuda.nests import nest_kernels
from tapec.passes.cuda.products import is_own_product
from tapec.passes.cuda.row_groups import group_kernel, row_group
from tapec.passes.cuda.steps import STEPS
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.loops import Buffer, LibraryStep, Nest, Operand, Program, Step, Tiles


@dataclass(frozen=True, slots=True)
class Launch:
    """One kernel."""

    kernel: Kernel


@dataclass(frozen=True, slots=True)
class Call:
    """One step that a library of NVIDIA's does.

    Args:
        library: its name.
        step: the step.
    """

    library: str
    step: LibraryStep


@dataclass(frozen=True, slots=True)
class Report:
    """A guard: the host gets the value, and discards the run if it is not the expected one."""

    value: Operand
    expected: int


Item = Launch | Call | Report


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """Everything for one run.

    Args:
        program: the loops that it was made from.
        items: in order, on one stream.
        offsets: byte offset in the arena of each temporary, workspace of kernels among them.
        arena_bytes: size of the arena.
    """

    program: Program
    items: tuple[Item, ...]
    offsets: dict[Buffer, int]
    arena_bytes: int

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels, in order."""
        return tuple([item.kernel for item in self.items if isinstance(item, Launch)])


def launch_plan(program: Program) -> LaunchPlan:
    """The plan of a program.

    Raises:
        UnsupportedOnDeviceError: a step has no kernel and no library.
    """
    items: list[Item] = []
    workspace = Workspace()
    number = 0
    while number < len(program.steps):
        workspace.begin(f"step{number}")
        group = row_group(program.steps[number:])
        if group is None:
            items += _items(program.steps[number], workspace)
            number += 1
            continue
        others = [*program.steps[:number], *program.steps[number + group.steps :]]
        outside = {b for step in others for b in buffers_of(step)}
        label = "+".join(nest.label for nest in group.nests)
        items.append(Launch(group_kernel(workspace.name(label), group, outside)))
        number += group.steps
    offsets, arena = place(program.steps)
    return LaunchPlan(program, tuple(items), offsets | workspace.offsets(arena), arena + workspace.nbytes)


def _items(step: Step, workspace: Workspace) -> list[Item]:
    if isinstance(step, Nest):
        return [Launch(kernel) for kernel in nest_kernels(step, workspace)]
    if isinstance(step, LibraryStep):
        return _library(step, workspace)
    kernel = control_kernel(step, workspace.name(type(step).__name__.lower())) if not isinstance(step, Tiles) else None
    if kernel is None:
        raise UnsupportedOnDeviceError(f"no kernel does the control flow of a {type(step).__name__}")
    return [Launch(kernel)]


def _library(step: LibraryStep, workspace: Workspace) -> list[Item]:
    if step.primitive is creation.guard:
        return [Report(step.operands[0], int(step.attributes["expected"]))]
    kernels = STEPS.get(step.primitive)
    if kernels is not None and (step.primitive is not contraction.matmul or is_own_product(step)):
        return [Launch(kernel) for kernel in kernels(step, workspace)]
    library = LIBRARIES.get(step.primitive)
    if library is None:
        raise UnsupportedOnDeviceError(f"neither a kernel nor a library of the GPU does `{step.primitive.name}`")
    return [Call(library, step)]
