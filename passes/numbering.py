"""A graph's ops and values as arrays of numbers, so that questions about many of them are asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ops import creation
from tapec.passes.repetition import Run

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Numbering:
    """The ops of a graph.

    Attributes:
        ops: in order.
        number: of each value that an op makes, counted over all results; equal constants have that of the first.
        first: for each op the number of its first result, and one entry behind the last op.
        begin: for each op where its operands begin in `operands`, and one entry behind the last.
        operands: numbers of all operands, op after op; `-1 - i` for `outside[i]`.
        outside: operands that no op makes.
    """

    ops: list[Op]
    number: dict[Value, int]
    first: Numbers
    begin: Numbers
    operands: Numbers
    outside: list[Value]

    def value(self, number: int) -> Value:
        """The value that has a number."""
        if number < 0:
            return self.outside[-1 - number]
        at = int(np.searchsorted(self.first, number, side="right")) - 1
        return self.ops[at].results[number - int(self.first[at])]


def numbering(graph: Graph) -> Numbering:
    """The numbers of a graph's ops, in time linear in their number."""
    ops = graph.ops
    number: dict[Value, int] = {}
    constants: dict[tuple[Any, ...], int] = {}
    made = 0
    for op in ops:
        if op.primitive is creation.constant:
            number[op.results[0]] = constants.setdefault(attributes_key(op.attributes), made)
            made += 1
            continue
        for value in op.results:
            number[value] = made
            made += 1
    outside: dict[Value, int] = {}
    operands = [
        number[v] if v in number else outside.setdefault(v, -1 - len(outside)) for op in ops for v in op.operands
    ]
    return Numbering(
        ops,
        number,
        _begins([len(op.results) for op in ops]),
        _begins([len(op.operands) for op in ops]),
        np.array(operands, np.int64),
        list(outside),
    )


def _begins(lengths: list[int]) -> Numbers:
    return np.concatenate(([0], np.cumsum(np.array(lengths, np.int64)))).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Place:
    """A value that segment `segment` makes in round `round`.

    `position` is that of the op in the segment's body, for its first result; further ones count on from the period.
    """

    segment: int
    position: int
    round: int


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What the rounds of one run make.

    Attributes:
        run: the run.
        first: number of its first result.
        results: how many values each round makes.
        positions: of these, as in `Place`.
    """

    run: Run
    first: int
    results: int
    positions: list[int]


class Places:
    """Where values of runs are made.

    Args:
        numbers: the graph.
        runs: in order, without overlap.
    """

    def __init__(self, numbers: Numbering, runs: Sequence[Run]) -> None:
        self._numbers = numbers
        self.bodies: list[Body] = []
        for run in runs:
            first, behind = int(numbers.first[run.start]), int(numbers.first[run.start + run.period])
            body = numbers.ops[run.start : run.start + run.period]
            counted = [p + i * run.period for p, op in enumerate(body) for i in range(len(op.results))]
            self.bodies.append(Body(run, first, behind - first, counted))
        self._firsts = np.array([b.first for b in self.bodies], np.int64)

    def of(self, value: Value) -> Place | None:
        """The place of a value; None if no run makes it."""
        number = self._numbers.number.get(value)
        return None if number is None else self.of_number(number)

    def of_number(self, number: int) -> Place | None:
        """The place of the value that has a number."""
        at = int(np.searchsorted(self._firsts, number, side="right")) - 1
        if number < 0 or at < 0:
            return None
        body = self.bodies[at]
        round_, within = divmod(number - body.first, body.results)
        return Place(at, body.positions[within], round_) if round_ < body.run.count else None
