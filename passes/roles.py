"""What each operand of a repeated segment is, seen over its rounds: the question whose answer makes a loop of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import creation, movement, update
from tapec.passes.repetition import Run


class Place(NamedTuple):
    """A value that segment `segment` makes in round `round`.

    `position` is that of the op in the segment's body, for its first result; further ones count on from the period.
    """

    segment: int
    position: int
    round: int


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


# How far back an operand may reach: a recurrence of this order.
_LONGEST_DELAY = 4

Role = Inside | Before | Fixed | Stacked | Counted


@dataclass(frozen=True, slots=True)
class Moving:
    """A window of extent 1 on `axis`, whose start there is `first + step * k`."""

    axis: int
    first: int
    step: int


# Ops with a window that may move, and the operand that has its size; None is the result.
WINDOWED: dict[Primitive, int | None] = {movement.slice_: None, update.slice_set: 1, update.slice_add: 1}


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
    ops: list[Op], run: Run, number: int, places: Mapping[Value, Place], segments: Mapping[int, Segment]
) -> Segment | None:
    """The segment of a run, over the longest stretch of rounds in which all operands keep their roles; None if none do.

    Args:
        ops: all ops of the graph.
        run: equal ops.
        number: the segment's number, under which `places` knows its values.
        places: where values of all runs are made.
        segments: earlier segments, whose values may be read stacked.
    """
    middle = run.count // 2
    checks = _Checks(run.count)
    roles: list[tuple[Role, ...]] = []
    moving: list[Moving | None] = []
    for position in range(run.period):
        rounds = [ops[run.start + k * run.period + position] for k in range(run.count)]
        window = _window(rounds, middle)
        if window == "different":
            return None
        assert window is None or isinstance(window, Moving)
        moving.append(window)
        checks.note(0, [_fits_window(op, rounds[middle], window, k) for k, op in enumerate(rounds)])
        row: list[Role] = []
        for slot in range(len(rounds[0].operands)):
            values = [op.operands[slot] for op in rounds]
            role = _role(values, middle, number, places)
            if role is None:
                return None
            row.append(role)
            delay = role.delay if isinstance(role, Before) else 0
            checks.note(delay, [_holds(role, v, k, number, places, segments) for k, v in enumerate(values)])
        roles.append(tuple(row))
    low, high = checks.stretch(middle)
    # The last round stays outside, so that what only it hands on needs no stack of all rounds.
    return Segment(run, low, high - 1, tuple(roles), tuple(moving)) if high - 1 > middle else None


class _Checks:
    """In which rounds all operands keep their roles, by how many rounds back they reach."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.good: dict[int, list[bool]] = {}

    def note(self, delay: int, holds: list[bool]) -> None:
        """Adds an operand; in the first `delay` rounds of the loop it may be anything."""
        known = self.good.get(delay)
        self.good[delay] = holds if known is None else [a and b for a, b in zip(known, holds, strict=True)]

    def stretch(self, middle: int) -> tuple[int, int]:
        """The longest stretch of rounds around `middle` that can be a loop, as (first, behind the last)."""

        def all_good(k: int) -> bool:
            return all(holds[k] for holds in self.good.values())

        high = middle
        while high < self.count and all_good(high):
            high += 1
        low = middle
        while low > 0 and all(holds[low - 1 + d] for d, holds in self.good.items() if low - 1 + d < high):
            low -= 1
        return low, high


def _role(values: list[Value], middle: int, number: int, places: Mapping[Value, Place]) -> Role | None:
    here, following = values[middle], values[middle + 1]
    place, next_place = places.get(here), places.get(following)
    if place is not None and place.segment == number:
        if place.round == middle:
            return Inside(place.position)
        delay = middle - place.round
        return Before(place.position, delay) if 0 < delay <= _LONGEST_DELAY else None
    if here is following:
        return Fixed(here)
    if place is not None and next_place is not None:
        step = next_place.round - place.round
        if (place.segment, place.position) == (next_place.segment, next_place.position) and step in (1, -1):
            return Stacked(place.segment, place.position, step, place.round - step * middle)
    a, b = _integer(here), _integer(following)
    if a is not None and b is not None:
        return Counted(a - (b - a) * middle, b - a, here.type.dtype.name)
    return None


def _integer(value: Value) -> int | None:
    if value.op is None or value.op.primitive is not creation.constant or value.type.dtype.kind not in "iu":
        return None
    number = value.op.attributes["value"]
    assert isinstance(number, int)
    return number


def _holds(
    role: Role, value: Value, k: int, number: int, places: Mapping[Value, Place], segments: Mapping[int, Segment]
) -> bool:
    place = places.get(value)
    if isinstance(role, Inside):
        return place == (number, role.position, k)
    if isinstance(role, Before):
        return place == (number, role.position, k - role.delay)
    if isinstance(role, Fixed):
        return value is role.value
    if isinstance(role, Counted):
        return _integer(value) == role.first + role.step * k
    source = segments.get(role.segment)
    at = role.step * k + role.first
    return source is not None and place == (role.segment, role.position, at) and source.low <= at < source.high


def _window(rounds: list[Op], middle: int) -> Moving | str | None:
    here, following = rounds[middle], rounds[middle + 1]
    if here.attributes == following.attributes:
        return None
    if here.primitive not in WINDOWED:
        return "different"
    a: Any = here.attributes["start"]
    b: Any = following.attributes["start"]
    measured = WINDOWED[here.primitive]
    size = (here.result if measured is None else here.operands[measured]).shape
    axes = [axis for axis, (m, n) in enumerate(zip(a, b, strict=True)) if m != n]
    if len(axes) != 1 or size[axes[0]] != 1:
        return "different"
    (axis,) = axes
    step = b[axis] - a[axis]
    return Moving(axis, a[axis] - step * middle, step)


def _fits_window(op: Op, pattern: Op, window: Moving | None, k: int) -> bool:
    if window is None:
        return op.attributes == pattern.attributes
    start: Any = pattern.attributes["start"]
    expected = (*start[: window.axis], window.first + window.step * k, *start[window.axis + 1 :])
    return op.attributes["start"] == expected
