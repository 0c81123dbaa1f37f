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

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.passes.repetition import find_runs
from tapec.passes.roles import WINDOWED, Place, Segment, assign_roles
from tapec.passes.rolling import Rolling

_LOOPS_IN_LOOPS = 4  # how deep nested Python loops are re-rolled, from the inside out


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
        return self.run_and_map(graph)[0]

    def run_and_map(self, graph: Graph) -> tuple[Graph, dict[Value, Value]]:
        """The new graph, and what became of the old graph's values; those that only exist inside loops are missing."""
        mapping: dict[Value, Value] | None = None
        for _ in range(_LOOPS_IN_LOOPS):
            rolling = self._once(graph)
            if rolling is None:
                break
            graph = rolling.run()
            step = rolling.out.mapping
            mapping = step if mapping is None else {old: step[new] for old, new in mapping.items() if new in step}
        return graph, _itself(graph) if mapping is None else mapping

    def _once(self, graph: Graph) -> Rolling | None:
        """How to roll the innermost loops that are left; None if there are none."""
        if len(graph.ops) < self.least_ops:
            return None
        runs = find_runs([_shape_of(op) for op in graph.ops], self.least_rounds, self.least_ops)
        places: dict[Value, Place] = {}
        for number, run in enumerate(runs):
            for k in range(run.count):
                first = run.start + k * run.period
                for position, op in enumerate(graph.ops[first : first + run.period]):
                    for i, value in enumerate(op.results):
                        places[value] = Place(number, position + i * run.period, k)
        segments: dict[int, Segment] = {}
        for number, run in enumerate(runs):
            segment = assign_roles(graph.ops, run, number, places, segments)
            if segment is not None and segment.rounds >= self.least_rounds:
                segments[number] = segment
        return Rolling(graph, segments, places) if segments else None


def _itself(graph: Graph) -> dict[Value, Value]:
    return {v: v for v in (*graph.inputs, *(r for op in graph.ops for r in op.results))}


def _shape_of(op: Op) -> Hashable:
    """What must agree for two ops to be the same op of two rounds; starts of windows may move."""
    if not op.results:
        return object()  # a guard equals nothing, so that no run holds one
    types = tuple([v.type for v in op.operands])
    if not op.attributes and not op.regions:
        return op.primitive, types, op.phase
    attributes: dict[str, Any] = op.attributes
    if op.primitive in WINDOWED:
        attributes = {name: value for name, value in attributes.items() if name != "start"}
    regions = tuple([graph_key(region) for region in op.regions])
    return op.primitive, attributes_key(attributes), types, op.phase, regions
