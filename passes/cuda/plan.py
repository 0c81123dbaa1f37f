"""The launch plan: what a GPU is asked to do for one run of a program, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tapec.passes.cuda.kernel import Kernel
from tapec.passes.loops import Buffer
from tapec.passes.steps import Branch, LibraryStep, Loop, Operand, Program, Sweeps, While


@dataclass(frozen=True, slots=True)
class Launch:
    """One kernel."""

    kernel: Kernel


@dataclass(frozen=True, slots=True)
class HostStep:
    """One step that the host does: its operands are copied there, and its results back."""

    step: LibraryStep


@dataclass(frozen=True, slots=True)
class Report:
    """A guard: the host gets the value, and discards the run if it is not the expected one."""

    value: Operand
    expected: int


@dataclass(frozen=True, slots=True)
class Control:
    """A loop or a branch that is too large for one kernel: the host asks for what is inside, again and again.

    Args:
        step: what it means.
        bodies: the items of a loop's body; of a `While` those of its test and of its body; of a `Branch` those of each
            case; of `Sweeps` those of each of its loops.
    """

    step: Loop | While | Branch | Sweeps
    bodies: tuple[tuple[Item, ...], ...]


Item = Launch | HostStep | Report | Control


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """Everything for one run.

    Args:
        program: the loops that it was made from.
        items: in order, on one stream.
        offsets: byte offset in the arena of each temporary, workspace of kernels among them.
        arena_bytes: size of the arena.

    Attributes:
        segments: the items in order, cut where the host has something to do, each with whether it is kernels only.
    """

    program: Program
    items: tuple[Item, ...]
    offsets: dict[Buffer, int]
    arena_bytes: int
    segments: tuple[tuple[bool, tuple[Item, ...]], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = groupby(self.items, lambda item: isinstance(item, Launch))
        object.__setattr__(self, "segments", tuple([(kernels, tuple(part)) for kernels, part in parts]))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels, those inside loops and branches once."""
        return tuple([item.kernel for item in _leaves(self.items) if isinstance(item, Launch)])

    @property
    def host_steps(self) -> tuple[LibraryStep, ...]:
        """What the host does, inside loops and branches once."""
        return tuple([item.step for item in _leaves(self.items) if isinstance(item, HostStep)])

    @property
    def arguments(self) -> tuple[Buffer, ...]:
        """The inputs and outputs of the program."""
        return (*self.program.inputs, *self.program.outputs)

    def __str__(self) -> str:
        memory = sum(b.nbytes for b in self.arguments)
        head = [
            f"launch plan of {self.program.name}: {len(self.kernels)} kernels",
            f"  arena: {self.arena_bytes} bytes; inputs and outputs: {memory} bytes",
        ]
        return "\n".join(head + [f"  {line}" for item in self.items for line in self._lines(item)]) + "\n"

    def _lines(self, item: Item) -> list[str]:
        if isinstance(item, Launch):
            return self._launch(item.kernel)
        if isinstance(item, HostStep):
            operands = ", ".join(f"{o.buffer.name}{list(o.shape)}" for o in item.step.operands)
            results = ", ".join(b.name for b in item.step.results)
            return [f"on the host: {results} = {item.step.primitive.name}({operands})"]
        if isinstance(item, Report):
            return [f"report {item.value.buffer.name}+{item.value.offset}, expecting {item.expected}"]
        inside = [[f"  {line}" for each in body for line in self._lines(each)] for body in item.bodies]
        head = f"on the host: {_meaning(item.step)}"
        return [head, *[line for i, body in enumerate(inside) for line in ([f"  part {i}"] if i else []) + body]]

    def _launch(self, kernel: Kernel) -> list[str]:
        shared = f", {kernel.shared_bytes} bytes shared" if kernel.shared_bytes else ""
        places = [f"{b.name}@{self.offsets[b]}" if b in self.offsets else b.name for b in kernel.buffers]
        reads, writes = places[: len(kernel.reads)], places[len(kernel.reads) :]
        head = f"kernel {kernel.name}<<<{kernel.grid}, {kernel.block}>>>{shared}"
        return [head, f"  reads {', '.join(reads) or 'nothing'}; writes {', '.join(writes) or 'nothing'}"]


def _meaning(step: Loop | While | Branch | Sweeps) -> str:
    if isinstance(step, Loop):
        return f"{step.count} times{', backwards' if step.reverse else ''}"
    if isinstance(step, While):
        return f"while {step.condition.name}, which it reads in each round"
    if isinstance(step, Branch):
        return f"one of {len(step.cases)} parts, by {step.index.buffer.name}, which it reads"
    return f"loops of {step.rounds.buffer.name} rounds, which it reads"


def _leaves(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Control):
            for body in item.bodies:
                yield from _leaves(body)
        else:
            yield item
