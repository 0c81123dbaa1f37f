"""A graph's ops and values as arrays of numbers, so that questions about many of them are asked at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np

from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.op_table import Numbers
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType
from tapec.ops import creation
from tapec.passes.repetition import Run
from tapec.passes.windows import WINDOWED

Flags = np.ndarray[Any, np.dtype[np.bool_]]


class Numbering(ABC):
    """The ops of a graph but for its constants, which stand outside as inputs do.

    Attributes:
        graph: its name, inputs and outputs; no ops.
        ops: in order.
        codes: for each op a number that the same op of two rounds has; starts of windows may move.
        first: for each op the number of its first result, and one entry behind the last op. Numbers count results.
        begin: for each op where its operands begin in `operands`, and one entry behind the last.
        operands: numbers of all operands, op after op; `-1 - i` for `outside[i]`.
        outside: operands and outputs that no op makes; equal constants are one.
    """

    graph: Graph
    ops: Sequence[Op]
    codes: Numbers
    first: Numbers
    begin: Numbers
    operands: Numbers
    outside: list[Value]

    @abstractmethod
    def value(self, number: int) -> Value:
        """The value that has a number."""

    @abstractmethod
    def number(self, value: Value) -> int | None:
        """The number of a value; None for one that neither an op nor an output reads."""

    @abstractmethod
    def attributes(self, position: int, stop: int, step: int) -> list[dict[str, Any]]:
        """The attributes of every `step`-th op."""

    @property
    def made(self) -> int:
        """How many values ops make."""
        return int(self.first[-1])

    def places(self, numbers: Numbers) -> Numbers:
        """Numbers as places in an array that has the values that ops make first, and then those from outside."""
        return np.where(numbers < 0, self.made - 1 - numbers, numbers)

    def place(self, value: Value) -> int | None:
        """The place of a value in such an array; None for one that neither an op nor an output reads."""
        number = self.number(value)
        return number if number is None or number >= 0 else self.made - 1 - number

    def flags(self, values: AbstractSet[Value]) -> Flags:
        """By place, which values are among `values`."""
        found = np.zeros(self.made + len(self.outside), bool)
        found[[place for v in values if (place := self.place(v)) is not None]] = True
        return found


@final
class GraphNumbering(Numbering):
    """The numbers of a graph, in time linear in the number of its ops."""

    def __init__(self, graph: Graph) -> None:
        self.graph = Graph(graph.name, graph.inputs, outputs=graph.outputs)
        # Constants stand where a program first uses them, which need not be the same place in every round.
        ops = self.ops = [op for op in graph.ops if op.primitive is not creation.constant]
        self._numbers: dict[Value, int] = {}
        made = 0
        for op in ops:
            for value in op.results:
                self._numbers[value] = made
                made += 1
        self.outside = []
        constants: dict[Hashable, int] = {}
        for op in graph.ops:
            if op.primitive is creation.constant:
                self._numbers[op.results[0]] = constants.setdefault(attributes_key(op.attributes), ~len(self.outside))
                if constants[attributes_key(op.attributes)] == ~len(self.outside):
                    self.outside.append(op.results[0])
        self.operands = np.array([self._number(v) for op in ops for v in op.operands], np.int64)
        for value in graph.outputs:
            self._number(value)
        self.first = begins([len(op.results) for op in ops])
        self.begin = begins([len(op.operands) for op in ops])
        known: dict[Hashable, int] = {}
        self.codes = np.array([known.setdefault(likeness(op), len(known)) for op in ops], np.int64)

    def _number(self, value: Value) -> int:
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = ~len(self.outside)
            self.outside.append(value)
        return found

    def value(self, number: int) -> Value:
        """See `Numbering.value`."""
        if number < 0:
            return self.outside[~number]
        at = int(np.searchsorted(self.first, number, side="right")) - 1
        return self.ops[at].results[number - int(self.first[at])]

    def number(self, value: Value) -> int | None:
        """See `Numbering.number`."""
        return self._numbers.get(value)

    def attributes(self, position: int, stop: int, step: int) -> list[dict[str, Any]]:
        """See `Numbering.attributes`."""
        return [op.attributes for op in self.ops[position:stop:step]]


class OpLike(Protocol):
    """An op, or a kind of op."""

    @property
    def primitive(self) -> Primitive:
        """See `Op`."""

    @property
    def attributes(self) -> dict[str, Any]:
        """See `Op`."""

    @property
    def phase(self) -> str:
        """See `Op`."""

    @property
    def regions(self) -> tuple[Graph, ...]:
        """See `Op`."""


def likeness(op: Op) -> Hashable:
    """What must agree for two ops to be the same op of two rounds; starts of windows may move."""
    if not op.results:
        return object()  # a guard equals nothing, so that no run holds one
    operands = op.operands
    if not op.attributes and not op.regions:
        if len(operands) == 2:  # spelled out, as most ops are
            return op.primitive, operands[0].type, operands[1].type, op.phase
        return op.primitive, op.phase, *[v.type for v in operands]
    return likeness_of(op, [v.type for v in operands])


def likeness_of(op: OpLike, types: Iterable[TensorType]) -> Hashable:
    """`likeness` of an op, or of a kind of op, that has results."""
    attributes = op.attributes
    if op.primitive in WINDOWED:
        attributes = {name: value for name, value in attributes.items() if name != "start"}
    regions = tuple([graph_key(region) for region in op.regions])
    return op.primitive, attributes_key(attributes), tuple(types), op.phase, regions


def begins(lengths: Sequence[int] | Numbers) -> Numbers:
    """Where stretches of these lengths begin that lie one behind another, and where the last one ends."""
    return np.concatenate(([0], np.cumsum(np.asarray(lengths, np.int64)))).astype(np.int64)


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
        number = self._numbers.number(value)
        return None if number is None else self.of_number(number)

    def of_number(self, number: int) -> Place | None:
        """The place of the value that has a number."""
        at = int(np.searchsorted(self._firsts, number, side="right")) - 1
        if number < 0 or at < 0:
            return None
        body = self.bodies[at]
        round_, within = divmod(number - body.first, body.results)
        return Place(at, body.positions[within], round_) if round_ < body.run.count else None
