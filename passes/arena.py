"""Planning the arena: temporaries that never live at the same time share bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tapec.passes.loops import Buffer, Load, Nest, Reduce, Store
from tapec.passes.steps import Branch, LibraryStep, Loop, Step, Sweeps, Tiles, While, inner_steps

ALIGNMENT = 64


def buffers_of(step: Step) -> set[Buffer]:
    """Every buffer that a step touches, at any depth; of slices, the buffers that they are part of."""
    return {owner(b) for b in _named(step)}


def buffers_around(step: Step) -> set[Buffer]:
    """Every buffer that a step touches, at any depth, as those around it know them.

    Of slices that loops of the step go through these are the buffers that they are part of; slices that a loop around
    the step goes through are themselves.
    """
    inside = {part for loop in _loops(step) for part in loop.slices}
    found = set()
    for buffer in _named(step):
        while buffer in inside and buffer.base is not None:
            buffer = buffer.base
        found.add(buffer)
    return found


def _loops(step: Step) -> Iterator[Loop]:
    if isinstance(step, Loop):
        yield step
    for inner in inner_steps(step):
        yield from _loops(inner)


def owner(buffer: Buffer) -> Buffer:
    """The buffer that a slice is part of; any other is its own."""
    while buffer.base is not None:
        buffer = buffer.base
    return buffer


def _named(step: Step) -> set[Buffer]:
    if isinstance(step, Nest):
        return {i.access.buffer for i in step.body if isinstance(i, Load | Store | Reduce)}
    if isinstance(step, Tiles):
        return set(step.partials).union(*map(_named, step.members))
    if isinstance(step, LibraryStep):
        return {o.buffer for o in step.operands} | {*step.results, *step.scratch}
    named = {b for inner in inner_steps(step) for b in _named(inner)} | step.local
    if isinstance(step, Branch):
        return named | {step.index.buffer}
    for carry in step.carries:
        named |= {carry.initial.buffer, carry.current, carry.next, carry.result}
    if isinstance(step, Sweeps):
        return named | {step.rounds.buffer}
    if isinstance(step, While):
        return named | {step.condition, step.trips} | ({step.memory} if step.memory is not None else set())
    return named | set(step.slices)


@dataclass(slots=True)
class _Clock:
    """Steps in the order in which they run, loop bodies once."""

    now: int = 0
    spans: dict[Buffer, tuple[int, int]] = field(default_factory=dict)

    def touch(self, buffer: Buffer, first: int, last: int) -> None:
        known = self.spans.get(buffer, (first, last))
        self.spans[buffer] = (min(known[0], first), max(known[1], last))

    def run(self, step: Step) -> None:
        start = self.now
        self.now += 1
        if isinstance(step, Nest | Tiles | LibraryStep):
            for buffer in buffers_of(step):
                self.touch(buffer, start, start)
            return
        for inner in inner_steps(step):
            self.run(inner)
        # The next iteration begins where this one ends: only what is written anew in each may die inside.
        own = set() if isinstance(step, Branch) else {b for c in step.carries for b in (c.current, c.next)}
        if isinstance(step, While):
            own.add(step.condition)
        for buffer in buffers_of(step) - (step.local - own):
            self.touch(buffer, start, self.now)
        self.now += 1


def lifetimes(steps: Sequence[Step]) -> dict[Buffer, tuple[int, int]]:
    """First and last moment at which each temporary is in use."""
    clock = _Clock()
    for step in steps:
        clock.run(step)
    return {b: span for b, span in clock.spans.items() if b.kind == "temporary"}


def plan(
    steps: Sequence[Step], elsewhere: Collection[Buffer] = (), always: Collection[Buffer] = ()
) -> tuple[dict[Buffer, int], int]:
    """Byte offset of each temporary that does not lie `elsewhere`, and the arena's size; `always` are alive all along.

    Buffers are placed largest first at the lowest offset that no buffer alive at the same time covers.
    """
    spans = {b: span for b, span in lifetimes(steps).items() if b not in elsewhere}
    end = max((last for _, last in spans.values()), default=0)
    spans.update({b: (0, end) for b in spans if b in always})
    order = sorted(spans, key=lambda b: (-b.size * b.dtype.itemsize, spans[b][0], b.name))
    placed = _Placed(len(order))
    offsets: dict[Buffer, int] = {}
    for buffer in order:
        length = -(-max(buffer.size * buffer.dtype.itemsize, 1) // ALIGNMENT) * ALIGNMENT
        offsets[buffer] = placed.place(length, *spans[buffer])
    return offsets, placed.total


class _Placed:
    """Buffers that have their place, ordered by it.

    All of them are looked at in one go for each that follows: a long program has tens of thousands.
    """

    def __init__(self, room: int) -> None:
        self.total = 0
        self._count = 0
        self._table = np.empty((4, room), np.int64)  # start, end, first and last moment of each

    def place(self, length: int, first: int, last: int) -> int:
        """The lowest offset with `length` free bytes during these moments, which are then taken."""
        n = self._count
        starts, ends, firsts, lasts = self._table[:, :n]
        alive = (firsts <= last) & (lasts >= first)
        # Below each of them memory is free down to the highest end of those before it.
        covered = np.concatenate([[0], np.maximum.accumulate(ends[alive])])
        gaps = np.flatnonzero(starts[alive] - covered[:-1] >= length)
        at = int(covered[gaps[0] if gaps.size else -1])
        i = int(np.searchsorted(starts, at))
        self._table[:, i + 1 : n + 1] = self._table[:, i:n]
        self._table[:, i] = at, at + length, first, last
        self._count = n + 1
        self.total = max(self.total, at + length)
        return at
