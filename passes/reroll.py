"""Re-rolling: a segment of a graph that repeats becomes a `scan`, so that what is compiled does not grow with it.

A Python loop of N equal rounds records N equal segments, and the adjoint of the loop another N that run backwards and
read what the first ones made. Equality is exact: primitives, attributes, types, and how operands are connected. The ops
of a round stay the same ops in the same order, so no bit changes.

    %1 = "tapec.mul"(%0, %arg1)
    %2 = "tapec.sin"(%1)                              %1, %2 = "tapec.scan"(%arg1, %0) ({
    %3 = "tapec.mul"(%2, %arg1)         ->              ^bb0(%a, %x): mul, sin, return
    %4 = "tapec.sin"(%3)                              }) {consts = 1, carries = 1, length = ...}
    ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from tapec.ir.graph import Graph, Value
from tapec.passes.activity import active_values
from tapec.passes.merge_rows import MergeRows
from tapec.passes.numbering import Flags, GraphNumbering, Numbering, Places
from tapec.passes.repetition import Run, find_runs
from tapec.passes.roles import Constants, Segment, Stacked, assign_roles
from tapec.passes.rolling import Rolling
from tapec.passes.round_starts import lightest
from tapec.passes.summation_order import SummationOrder
from tapec.passes.tangent_starts import TangentStarts

_LOOPS_IN_LOOPS = 4  # how deep nested Python loops are re-rolled, from the inside out


@dataclass(frozen=True, slots=True, eq=False)
class Rerolled:
    """What `Reroll` makes of a graph.

    Attributes:
        graph: its inputs are the old one's, then `tables`.
        mapping: what became of the old graph's values; those that only exist inside loops are missing.
        tables: arrays of numbers that loops read round by round.
    """

    graph: Graph
    mapping: dict[Value, Value]
    tables: list[np.ndarray[Any, Any]]


@final
@dataclass(frozen=True, slots=True)
class Reroll:
    """Makes loops of repeated segments.

    Args:
        least_ops: segments of fewer ops in all stay as they are.
        least_rounds: fewer repetitions stay as they are.
    """

    name: ClassVar[str] = "reroll"

    least_ops: int
    least_rounds: int = 8

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        found = self.rerolled(GraphNumbering(graph))
        return graph if found is None else found.graph

    def rerolled(
        self,
        numbers: Numbering,
        constants: Constants | None = None,
        active: Flags | None = None,
        order: type[SummationOrder | TangentStarts] = SummationOrder,
    ) -> Rerolled | None:
        """The new graph, with what became of the old one's values; None if it has nothing that repeats.

        Args:
            numbers: of the old graph.
            constants: inputs whose arrays never change. If it is given, what is another constant in each round, or
                begins elsewhere by no rule, may come from tables: new inputs behind the old ones.
            active: by their places (`Numbering.places`), the values that a derivative will reach. Segments whose
                derivative would have other bits when they are loops stay as they are.
            order: what says so of segments, for the mode of the derivative.
        """
        mapping: dict[Value, Value] | None = None
        read: list[np.ndarray[Any, Any]] = []
        graph = numbers.graph
        for _ in range(_LOOPS_IN_LOOPS):
            rolling = self._once(numbers, order(numbers, active), constants)
            if rolling is None:
                break
            merged = MergeRows().rebuilt(rolling.run())
            graph = merged.finish()
            read += rolling.tables
            step = {old: merged.mapping[new] for old, new in rolling.out.mapping.items()}
            if constants:
                constants = {step[v]: array for v, array in constants.items()}
            mapping = step if mapping is None else {old: step[new] for old, new in mapping.items() if new in step}
            following = GraphNumbering(graph)
            if active is not None:
                places = [(numbers.place(old), new) for old, new in step.items()]
                reached = [new for place, new in places if place is not None and active[place]]
                active = following.flags(active_values(graph, reached)[0])
            numbers = following
        return None if mapping is None else Rerolled(graph, mapping, read)

    def _once(
        self, numbers: Numbering, order: SummationOrder | TangentStarts, constants: Constants | None
    ) -> Rolling | None:
        """How to roll the innermost loops that are left; None if there are none."""
        if len(numbers.ops) < self.least_ops:
            return None
        runs = find_runs(numbers.codes, self.least_rounds, self.least_ops)
        if not runs:
            return None
        moved = lightest(numbers, runs, self.least_rounds)
        rolling = self._rolling(numbers, moved, order, constants)
        if moved == runs or (rolling is not None and len(rolling.segments) == len(runs)):
            return rolling
        # A loop that carries less may be one that adds up cotangents in another order.
        other = self._rolling(numbers, runs, order, constants)
        return max((rolling, other), key=lambda made: 0 if made is None else len(made.segments))

    def _rolling(
        self,
        numbers: Numbering,
        runs: Sequence[Run],
        order: SummationOrder | TangentStarts,
        constants: Constants | None,
    ) -> Rolling | None:
        """How to roll those of the runs that can be; None if none can."""
        places = Places(numbers, runs)
        segments: dict[int, Segment] = {}
        for number in range(len(runs)):
            segment = assign_roles(numbers, places, number, segments, constants)
            if segment is not None and segment.rounds >= self.least_rounds:
                segments[number] = segment
        while segments:
            rolling = Rolling(numbers, segments, places)
            spoiled = {n for n, segment in segments.items() if not order.keeps(segment, rolling.wanted[n])}
            if not spoiled:
                return rolling
            segments = {n: s for n, s in segments.items() if n not in spoiled and not _reads_from(s, spoiled)}
        return None


def _reads_from(segment: Segment, numbers: set[int]) -> bool:
    return any(isinstance(role, Stacked) and role.segment in numbers for row in segment.roles for role in row)
