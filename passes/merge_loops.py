"""Loops over the same rounds that compute the same carries become one.

Reverse mode runs a loop forward once more to stack what its derivative reads, and forward mode runs it once more beside
the tangents. In a program that also needs the loop itself both are one loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op
from tapec.ops import control
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.graph_pass import Rebuild
from tapec.passes.loop_merging import Merged, merged, moved_before, view_of

_LOOPS = frozenset({control.scan, control.while_loop})


@final
@dataclass(frozen=True, slots=True)
class MergeLoops:
    """Merges two scans of one length and direction, or two while loops, if each carry of one is one of the other.

        %0 = "tapec.scan"(%init, %xs) ({ ... return(%next) }) ...              the loop itself
        %1:2 = "tapec.scan"(%init, %xs) ({ ... return(%next, %residual) }) ...
                    ->      %0:2 = "tapec.scan"(%init, %xs) ({ ... return(%next, %residual) }) ...

    The ops of both bodies go through `cse`, and loops in them are merged in turn.
    """

    name: ClassVar[str] = "merge_loops"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        if not any(op.regions for op in graph.ops):
            return graph
        rebuild = Rebuild(graph, self.run)
        for op in graph.ops:
            rebuild.copy(op)
        graph = rebuild.finish()
        while (found := self._pair(graph)) is not None:
            graph = _replaced(graph, *found)
        return graph

    def _pair(self, graph: Graph) -> tuple[Op, Op, Merged, list[Op]] | None:
        """The first two loops that can be merged, and what must move before the first one."""
        place = {op: i for i, op in enumerate(graph.ops)}
        for i, first in enumerate(graph.ops):
            if first.primitive in _LOOPS:
                for second in graph.ops[i + 1 :]:
                    # The loop that replaces both stands where the first one does.
                    if _same_rounds(first, second):
                        early = moved_before(place, first, second.operands)
                        one = None if early is None else merged(view_of(first), view_of(second), self._clean)
                        if early is not None and one is not None:
                            return first, second, one, early
        return None

    def _clean(self, graph: Graph) -> Graph:
        cse = CommonSubexpressionElimination()
        return cse.run(self.run(cse.run(graph)))


def _same_rounds(first: Op, second: Op) -> bool:
    """Whether two loops may run the same rounds; the conditions of while loops are compared later."""
    return first.primitive is second.primitive and all(
        first.attributes.get(name) == second.attributes.get(name) for name in ("length", "reverse")
    )


def _replaced(graph: Graph, first: Op, second: Op, one: Merged, early: list[Op]) -> Graph:
    """`graph` with one loop in the place of `first`, and without `second`."""
    view = one.view
    rebuild = Rebuild(graph)
    attributes: dict[str, Any] = {**first.attributes, "consts": len(view.consts)}
    regions = (view.body,) if view.condition is None else (view.condition, view.body)
    if view.condition is None:
        attributes["carries"] = len(view.inits)
    for op in graph.ops:
        if op is first:
            for moved in early:
                rebuild.copy(moved)
            operands = tuple([rebuild.mapping[v] for v in (*view.consts, *view.inits, *view.xs)])
            made = emit(rebuild.graph, first.primitive, operands, attributes, op.location, op.phase, regions)
            for old, positions in zip((first, second), one.positions, strict=True):
                results = [made.results[i] for i in positions]
                if view.condition is not None:
                    results.append(made.results[-1])
                rebuild.mapping.update(zip(old.results, results, strict=True))
        elif op is not second and op not in early:
            rebuild.copy(op)
    return rebuild.finish()
