"""Common subexpression elimination: of ops that compute the same, the first stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.passes.graph_pass import Rebuild


@final
@dataclass(frozen=True, slots=True)
class CommonSubexpressionElimination:
    """Merges ops of the same primitive, operands, attributes and regions; in regions as well.

        %0 = "tapec.add"(%arg0, %arg1)
        %1 = "tapec.add"(%arg1, %arg0)      ->      %0 = "tapec.add"(%arg0, %arg1)
        %2 = "tapec.mul"(%0, %1)                    %1 = "tapec.mul"(%0, %0)

    Commutative operands match in either order: it changes no bit but those of a NaN's payload. Ops without results
    (guards) all stay, since the compiled function hands back one value for each.
    """

    name: ClassVar[str] = "cse"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        first: dict[tuple[Any, ...], Op] = {}
        for op in graph.ops:
            moved = rebuild.moved(op)
            kept = first.setdefault(_key(moved), moved) if op.results else moved
            if kept is moved:
                rebuild.graph.ops.append(moved)
            rebuild.mapping.update(zip(op.results, kept.results, strict=True))
        return rebuild.finish()


def _key(op: Op) -> tuple[Any, ...]:
    operands: tuple[Value, ...] | frozenset[Value] = op.operands
    if "commutative" in op.primitive.traits:
        operands = frozenset(operands)  # both kinds of key hold every operand: a set of one stands for x, x
    regions = tuple([graph_key(region) for region in op.regions])
    return op.primitive, operands, attributes_key(op.attributes), regions
