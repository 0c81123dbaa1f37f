"""From a program to its launch plan: which kernels do its steps, and what is left to the host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tapec.errors import UnsupportedOnDeviceError
from tapec.ops import creation
from tapec.ops import elementwise as ew
from tapec.passes.arena import buffers_of
from tapec.passes.arena import plan as place
from tapec.passes.cuda.block_choice import control_kernels
from tapec.passes.cuda.host_steps import HOST_STEPS
from tapec.passes.cuda.nests import nest_kernels
from tapec.passes.cuda.plan import Control, HostStep, Item, Launch, LaunchPlan, Report
from tapec.passes.cuda.row_groups import RowGroup, group_kernel, row_group
from tapec.passes.cuda.steps import STEPS
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.loops import Buffer, Nest
from tapec.passes.steps import Branch, LibraryStep, Loop, Program, Step, Sweeps, Tiles, While


def launch_plan(program: Program) -> LaunchPlan:
    """The plan of a program, which `lower` has made without tiling and without updates in place.

    Raises:
        UnsupportedOnDeviceError: a step has no kernel, and is not left to the host either.
    """
    planner = _Planner()
    items, moments = planner.steps(program.steps, None)
    offsets, arena = place(moments)
    workspace = planner.workspace
    return LaunchPlan(program, tuple(items), offsets | workspace.offsets(arena), arena + workspace.nbytes)


def _at_once(buffers: Iterable[Buffer]) -> LibraryStep:
    """A step for the planning of memory that touches all of these at one moment.

    Blocks of threads of one kernel are at different steps at one time, so that no two arrays may share memory.
    """
    return LibraryStep(ew.barrier, (), tuple(sorted(buffers, key=lambda b: b.name)), (), (), {}, None)


class _Planner:
    def __init__(self) -> None:
        self.workspace = Workspace()

    def steps(self, steps: Sequence[Step], own: frozenset[Buffer] | None) -> tuple[list[Item], list[Step]]:
        """What steps become, and the moments at which they touch memory.

        Args:
            steps: of the program or of a body.
            own: the temporaries that die in each round of a body; None outside loops.
        """
        items: list[Item] = []
        moments: list[Step] = []
        number = 0
        while number < len(steps):
            if own is None:
                self.workspace.begin(f"step{number}")
            group = row_group(steps[number:])
            if group is None:
                made, moment = self._step(steps[number])
                number += 1
            else:
                others = (*steps[:number], *steps[number + group.steps :])
                made, moment = self._group(group, others, own)
                number += group.steps
            items += made
            moments.append(moment)
        return items, moments

    def _group(self, group: RowGroup, others: Sequence[Step], own: frozenset[Buffer] | None) -> tuple[list[Item], Step]:
        inside = {b for nest in group.nests for b in buffers_of(nest)}
        outside = {b for step in others for b in buffers_of(step)}
        if own is not None:
            outside |= inside - own
        label = "+".join(nest.label for nest in group.nests)
        return [Launch(group_kernel(self.workspace.name(label), group, outside))], _at_once(inside)

    def _step(self, step: Step) -> tuple[list[Item], Step]:
        if isinstance(step, Nest):
            return [Launch(kernel) for kernel in nest_kernels(step, self.workspace)], step
        if isinstance(step, LibraryStep):
            return self._library(step), step
        assert not isinstance(step, Tiles)
        kernels = control_kernels(step, self.workspace)
        if kernels is None:
            return self._control(step)
        return [Launch(kernel) for kernel in kernels], step if kernels[-1].grid == 1 else _at_once(buffers_of(step))

    def _library(self, step: LibraryStep) -> list[Item]:
        if step.primitive is creation.guard:
            return [Report(step.operands[0], int(step.attributes["expected"]))]
        kernels = STEPS.get(step.primitive)
        if kernels is not None:
            return [Launch(kernel) for kernel in kernels(step, self.workspace)]
        if step.primitive not in HOST_STEPS:
            raise UnsupportedOnDeviceError(f"neither a kernel of the GPU nor the host does `{step.primitive.name}`")
        return [HostStep(step)]

    def _control(self, step: Loop | While | Branch | Sweeps) -> tuple[list[Item], Step]:
        """A loop or a branch of the host's."""
        if isinstance(step, Branch):
            made = [self.steps(case, step.local) for case in step.cases]
            moment: Step = replace(step, cases=tuple([tuple(moments) for _, moments in made]))
            return [Control(step, tuple([tuple(items) for items, _ in made]))], moment
        own = step.local - {b for c in step.carries for b in (c.current, c.next)}
        if isinstance(step, Loop):
            body, moments = self.steps(step.body, own)
            return [Control(step, (tuple(body),))], replace(step, body=tuple(moments))
        if isinstance(step, While):
            own -= {step.condition}
            test, before = self.steps(step.test, own)
            body, moments = self.steps(step.body, own)
            moment = replace(step, test=tuple(before), body=tuple(moments))
            return [Control(step, (tuple(test), tuple(body)))], moment
        made = [self.steps(sweep.body, own) for sweep in step.sweeps]
        pairs = zip(step.sweeps, made, strict=True)
        sweeps = tuple([replace(sweep, body=tuple(moments)) for sweep, (_, moments) in pairs])
        return [Control(step, tuple([tuple(items) for items, _ in made]))], replace(step, sweeps=sweeps)
