"""Common subexpression elimination: of ops that compute the same, the first stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ops import elementwise as ew
from tapec.ops.rows import STORED_ROWS
from tapec.passes.graph_pass import Rebuild
from tapec.passes.scalar.costs import cost

_CHEAP: Final = 2  # vector instructions


@final
@dataclass(frozen=True, slots=True)
class CommonSubexpressionElimination:
    """Merges ops of the same primitive, operands, attributes and regions; in regions as well.

        %0 = "tapec.add"(%arg0, %arg1)
        %1 = "tapec.add"(%arg1, %arg0)      ->      %0 = "tapec.add"(%arg0, %arg1)
        %2 = "tapec.mul"(%0, %1)                    %1 = "tapec.mul"(%0, %0)

    Commutative operands match in either order: it changes no bit but those of a NaN's payload. Ops without results
    (guards) all stay, since the compiled function hands back one value for each.

    A cheap op of a forward pass is done again in the backward pass, on what is kept for it anyway: memory would hold
    its result for longer than the two instructions take. So `1 - y * y`, which both passes of a Hessian-vector product
    need of each `tanh`, is never stored. Loops and branches read the first one all the same: a loop that begins with a
    value done again would not be found to be the same loop (`merge_loops`), and run twice.
    """

    name: ClassVar[str] = "cse"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        first: dict[tuple[Any, ...], Op] = {}
        same: dict[Value, Value] = {}  # for each value done again the one that was there first
        for op in graph.ops:
            moved = rebuild.moved(op)
            if moved.regions:
                moved.operands = tuple([same.get(v, v) for v in moved.operands])
            if op.results and op.primitive.family is not STORED_ROWS:  # rows are for one op
                key = _key(moved, same)
                original = first.setdefault(key, moved)
                kept = first.setdefault((*key, op.phase), moved) if _is_cheap(moved) else original
                same.update(zip(kept.results, [same.get(v, v) for v in original.results], strict=True))
            else:
                kept = moved
            if kept is moved:
                rebuild.graph.ops.append(moved)
            rebuild.mapping.update(zip(op.results, kept.results, strict=True))
        return rebuild.finish()


def _is_cheap(op: Op) -> bool:
    primitive = op.primitive
    if primitive.family is not ew.ELEMENTWISE or "effect" in primitive.traits or not op.results[0].shape:
        return False
    return cost(primitive, op.operands[-1].type.dtype) <= _CHEAP


def _key(op: Op, same: dict[Value, Value]) -> tuple[Any, ...]:
    operands: tuple[Value, ...] | frozenset[Value] = tuple([same.get(v, v) for v in op.operands])
    if "commutative" in op.primitive.traits:
        operands = frozenset(operands)  # both kinds of key hold every operand: a set of one stands for x, x
    regions = tuple([graph_key(region) for region in op.regions])
    return op.primitive, operands, attributes_key(op.attributes), regions
