"""From a program to its launch plan: which kernels, libraries and loops of the host do its steps."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.errors import UnsupportedOnDeviceError
from tapec.ops import contraction, creation
from tapec.passes.arena import buffers_of
from tapec.passes.arena import plan as place
from tapec.passes.cuda.block_choice import control_kernel
from tapec.passes.cuda.libraries import LIBRARIES
from tapec.passes.cuda.nests import nest_kernels
from tapec.passes.cuda.plan import Call, Control, Item, Launch, LaunchPlan, Report
from tapec.passes.cuda.products import is_own_product
from tapec.passes.cuda.row_groups import group_kernel, row_group
from tapec.passes.cuda.steps import STEPS
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.loops import Branch, Buffer, LibraryStep, Loop, Nest, Program, Step, Sweeps, Tiles, While


def launch_plan(program: Program) -> LaunchPlan:
    """The plan of a program, which `lower` has made without tiling and without updates in place.

    Raises:
        UnsupportedOnDeviceError: a step has no kernel and no library.
    """
    planner = _Planner()
    items = planner.top(program.steps)
    offsets, arena = place(program.steps)
    workspace = planner.workspace
    return LaunchPlan(program, tuple(items), offsets | workspace.offsets(arena), arena + workspace.nbytes)


class _Planner:
    def __init__(self) -> None:
        self.workspace = Workspace()

    def top(self, steps: Sequence[Step]) -> list[Item]:
        """The items of a program's steps."""
        items: list[Item] = []
        number = 0
        while number < len(steps):
            self.workspace.begin(f"step{number}")
            made, count = self._next(steps, number, None)
            items += made
            number += count
        return items

    def _inside(self, steps: Sequence[Step], own: frozenset[Buffer]) -> tuple[Item, ...]:
        """The items of a body; `own` are the temporaries that die in each round."""
        items: list[Item] = []
        number = 0
        while number < len(steps):
            made, count = self._next(steps, number, own)
            items += made
            number += count
        return tuple(items)

    def _next(self, steps: Sequence[Step], number: int, own: frozenset[Buffer] | None) -> tuple[list[Item], int]:
        """The items of the next step, or of the next few."""
        group = row_group(steps[number:])
        if group is None:
            return self._items(steps[number]), 1
        outside = {b for step in (*steps[:number], *steps[number + group.steps :]) for b in buffers_of(step)}
        if own is not None:
            outside |= {b for nest in group.nests for b in buffers_of(nest)} - own
        label = "+".join(nest.label for nest in group.nests)
        return [Launch(group_kernel(self.workspace.name(label), group, outside))], group.steps

    def _items(self, step: Step) -> list[Item]:
        if isinstance(step, Nest):
            return [Launch(kernel) for kernel in nest_kernels(step, self.workspace)]
        if isinstance(step, LibraryStep):
            return self._library(step)
        if isinstance(step, Tiles):
            raise UnsupportedOnDeviceError("tiles are for processors with large caches; lower the program without them")
        kernel = control_kernel(step, self.workspace.name(type(step).__name__.lower()))
        return [self._control(step) if kernel is None else Launch(kernel)]

    def _library(self, step: LibraryStep) -> list[Item]:
        if step.primitive is creation.guard:
            return [Report(step.operands[0], int(step.attributes["expected"]))]
        kernels = STEPS.get(step.primitive)
        if kernels is not None and (step.primitive is not contraction.matmul or is_own_product(step)):
            return [Launch(kernel) for kernel in kernels(step, self.workspace)]
        library = LIBRARIES.get(step.primitive)
        if library is None:
            raise UnsupportedOnDeviceError(f"neither a kernel nor a library of the GPU does `{step.primitive.name}`")
        return [Call(library, step)]

    def _control(self, step: Loop | While | Branch | Sweeps) -> Control:
        if isinstance(step, Branch):
            return Control(step, tuple([self._inside(case, step.local) for case in step.cases]))
        carried = {b for c in step.carries for b in (c.current, c.next)}
        if isinstance(step, Loop):
            return Control(step, (self._inside(step.body, step.local - carried),))
        if isinstance(step, While):
            own = step.local - carried - {step.condition}
            return Control(step, (self._inside(step.test, own), self._inside(step.body, own)))
        return Control(step, tuple([self._inside(sweep.body, step.local - carried) for sweep in step.sweeps]))
