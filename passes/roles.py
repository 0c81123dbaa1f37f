"""What each operand of a repeated segment is, seen over its rounds: the question whose answer makes a loop of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tapec.ir.graph import Value
from tapec.ir.op_table import Numbers
from tapec.ops import creation
from tapec.passes.numbering import Numbering, Place, Places
from tapec.passes.repetition import Run
from tapec.passes.windows import WINDOWED, Moving, fits, stands_still, window_of


@dataclass(frozen=True, slots=True)
class Inside:
    """Made earlier in the same round."""

    position: int


@dataclass(frozen=True, slots=True)
class Before:
    """Made `delay` rounds before; in the first `delay` rounds something from outside."""

    position: int
    delay: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same value in every round."""

    value: Value


@dataclass(frozen=True, slots=True)
class Stacked:
    """Made by another segment, in its round `step * k + first` for round k; `step` is 1 or -1."""

    segment: int
    position: int
    step: int
    first: int


@dataclass(frozen=True, slots=True)
class Counted:
    """An integer constant `first + step * k`."""

    first: int
    step: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A constant of its own in each round of the run; `data` has their bytes, one round after another."""

    data: bytes
    dtype: str
    shape: tuple[int, ...] = ()


Constants: TypeAlias = Mapping[Value, np.ndarray[Any, Any]]

# How far back an operand may reach: a recurrence of this order.
_LONGEST_DELAY = 4

Role = Inside | Before | Fixed | Stacked | Counted | Listed


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of which rounds `low` to `high` become a loop.

    Attributes:
        run: where it stands in the graph.
        low: first round of the loop.
        high: the round behind its last.
        roles: for each op of the body, the role of each operand.
        moving: for each op of the body, how its window moves; None if its attributes do not change.
    """

    run: Run
    low: int
    high: int
    roles: tuple[tuple[Role, ...], ...]
    moving: tuple[Moving | None, ...]

    @property
    def rounds(self) -> int:
        """How often the loop runs."""
        return self.high - self.low

    def op_index(self, position: int, round: int) -> int:
        """Where the op at a position of the body stands in the graph."""
        return self.run.start + round * self.run.period + position


def assign_roles(
    numbers: Numbering, places: Places, number: int, segments: dict[int, Segment], constants: Constants | None
) -> Segment | None:
    """The segment of a run, over the longest stretch of rounds in which all operands keep their roles; None if none do.

    Args:
        numbers: the graph.
        places: where values of all runs are made.
        number: which run.
        segments: earlier segments, whose values may be read stacked.
        constants: arrays of inputs that never change; None if nothing may be read from a table.
    """
    run = places.bodies[number].run
    middle = run.count // 2
    checks = _Checks(run.count)
    moving = _windows(numbers, run, middle, checks, tables=constants is not None)
    if moving is None:
        return None
    begin, end = numbers.begin[run.start], numbers.begin[run.start + run.period]
    width = int(end - begin)
    matrix = numbers.operands[begin : begin + width * run.count].reshape(run.count, width)
    finder = _Finder(numbers, places, number, segments, matrix, middle, constants)
    roles: list[tuple[Role, ...]] = []
    slot = 0
    for op in numbers.ops[run.start : run.start + run.period]:
        row: list[Role] = []
        for _ in op.operands:
            found = finder.find(slot)
            if found is None:
                return None
            role, holds = found
            checks.note(role.delay if isinstance(role, Before) else 0, holds)
            row.append(role)
            slot += 1
        roles.append(tuple(row))
    low, high = checks.stretch(middle)
    # The last round stays outside, so that what only it hands on needs no stack of all rounds.
    return Segment(run, low, high - 1, tuple(roles), tuple(moving)) if high - 1 > middle else None


def _windows(numbers: Numbering, run: Run, middle: int, checks: _Checks, *, tables: bool) -> list[Moving | None] | None:
    """For each op of the body how its window moves; None if one moves as no loop can follow."""
    moving: list[Moving | None] = []
    for first in range(run.start, run.start + run.period):
        if numbers.ops[first].primitive not in WINDOWED:
            moving.append(None)
            continue
        rounds = numbers.attributes(first, run.stop, run.period)
        if all(attributes is rounds[0] for attributes in rounds):
            moving.append(None)
            continue
        starts = np.array([attributes["start"] for attributes in rounds], np.int64)
        window = window_of(numbers.ops[first + middle * run.period], starts, middle)
        known = None if isinstance(window, str) else window
        if known is None and not stands_still(window):
            return None
        if known is not None and not tables and (not known.even or known.size != 1):
            return None
        moving.append(known)
        checks.note(0, fits(starts, known, middle))
    return moving


class _Checks:
    """In which rounds all operands keep their roles, by how many rounds back they reach."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.good: dict[int, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}

    def note(self, delay: int, holds: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Adds an operand; in the first `delay` rounds of the loop it may be anything."""
        known = self.good.get(delay)
        self.good[delay] = holds if known is None else known & holds

    def stretch(self, middle: int) -> tuple[int, int]:
        """The longest stretch of rounds around `middle` that can be a loop, as (first, behind the last)."""
        every = np.logical_and.reduce(list(self.good.values())) if self.good else np.ones(self.count, bool)
        wrong = np.flatnonzero(~every[middle:])
        high = middle + int(wrong[0]) if wrong.size else self.count
        low = middle
        while low > 0 and all(holds[low - 1 + d] for d, holds in self.good.items() if low - 1 + d < high):
            low -= 1
        return low, high


class _Finder:
    """Finds the role of one operand of the body after the other.

    Args:
        numbers: the graph.
        places: where values of runs are made.
        number: which run.
        segments: those whose values may be read stacked.
        matrix: per round the numbers of all operands.
        middle: the round that roles are read off.
        constants: see `assign_roles`.
    """

    def __init__(
        self,
        numbers: Numbering,
        places: Places,
        number: int,
        segments: dict[int, Segment],
        matrix: Numbers,
        middle: int,
        constants: Constants | None,
    ) -> None:
        self.numbers = numbers
        self.places = places
        self.number = number
        self.segments = segments
        self.matrix = matrix
        self.middle = middle
        self.constants = constants
        self.rounds = np.arange(len(matrix))
        self.delta = matrix[middle + 1] - matrix[middle]
        # Whatever the role, an operand's number grows evenly: by nothing, or by what a round makes.
        self.even = matrix == matrix[middle] + (self.rounds - middle)[:, None] * self.delta

    def find(self, slot: int) -> tuple[Role, np.ndarray[tuple[int], np.dtype[np.bool_]]] | None:
        """The role of the operand in a column of `matrix`, and in which rounds it has that role."""
        here, delta, even = int(self.matrix[self.middle, slot]), int(self.delta[slot]), self.even[:, slot]
        place = self.places.of_number(here)
        if place is not None and place.segment == self.number:
            delay = self.middle - place.round
            if delta != self.places.bodies[self.number].results or not 0 <= delay <= _LONGEST_DELAY:
                return None
            # What reaches back from the first rounds reaches in front of the run.
            inside = even & (self.rounds >= delay)
            return (Before(place.position, delay) if delay else Inside(place.position)), inside
        if delta == 0:
            return Fixed(self.numbers.value(here)), even
        if place is not None:
            return self._stacked(place, delta, even)
        return self._number(slot)

    def _stacked(
        self, place: Place, delta: int, even: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> tuple[Role, np.ndarray[tuple[int], np.dtype[np.bool_]]] | None:
        results = self.places.bodies[place.segment].results
        source = self.segments.get(place.segment)
        if delta not in (results, -results) or source is None:
            return None
        step = 1 if delta > 0 else -1
        role = Stacked(place.segment, place.position, step, place.round - step * self.middle)
        at = role.step * self.rounds + role.first
        return role, even & (source.low <= at) & (at < source.high)

    def _number(self, slot: int) -> tuple[Role, np.ndarray[tuple[int], np.dtype[np.bool_]]] | None:
        """The role of an operand that is another constant in each round."""
        found = [self._constant(self.numbers.value(n)) for n in self.matrix[:, slot].tolist()]
        here, following = found[self.middle], found[self.middle + 1]
        if here is None or following is None:
            return None
        type_ = self.numbers.value(int(self.matrix[self.middle, slot])).type
        kind = type_.dtype
        if kind.kind in "iu" and not type_.shape:
            a, step = int(here), int(following) - int(here)
            counted = np.array([n is not None and int(n) == a + step * (k - self.middle) for k, n in enumerate(found)])
            if self.constants is None or counted[max(self.middle - 2, 0) : self.middle + 3].all():
                return Counted(a - step * self.middle, step, kind.name), counted
        if self.constants is None:
            return None
        nothing = np.zeros(type_.shape, kind.numpy)
        data = np.array([nothing if n is None else n for n in found], kind.numpy)
        return Listed(data.tobytes(), kind.name, type_.shape), np.array([n is not None for n in found])

    def _constant(self, value: Value) -> Any:
        """The number or the array that a value always is; None if it may be another."""
        if value.op is None:
            return None if self.constants is None else self.constants.get(value)
        return value.op.attributes["value"] if value.op.primitive is creation.constant else None
