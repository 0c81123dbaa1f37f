"""Dead code elimination: ops that no output and no effect needs go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph, Op, Value
from tapec.passes.graph_pass import Rebuild
from tapec.passes.pruning import Pruned, pruned


@final
@dataclass(frozen=True, slots=True)
class DeadCodeElimination:
    """Keeps the ops that outputs depend on, those with the trait `effect`, and what these depend on.

    Before -> after:

        %0 = "tapec.exp"(%arg0)
        %1 = "tapec.neg"(%arg0)      ->      %0 = "tapec.neg"(%arg0)
        "tapec.return"(%1)                   "tapec.return"(%0)

    Loops and branches lose the results that nobody reads, and the carries and operands that only these needed.
    """

    name: ClassVar[str] = "dce"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        live = set(graph.outputs)
        kept: list[tuple[Op, Pruned | None]] = []
        for op in reversed(graph.ops):
            if op.regions:
                wanted = [i for i, value in enumerate(op.results) if value in live]
                if wanted:
                    part = pruned(op, wanted, self.run)
                    kept.append((op, part))
                    live.update([op.operands[i] for i in part.operands])
            elif "effect" in op.primitive.traits or not live.isdisjoint(op.results):
                kept.append((op, None))
                live.update(op.operands)
        rebuild = Rebuild(graph)
        for op, remains in reversed(kept):
            if remains is None:
                rebuild.copy(op)
            else:
                _copy_part(op, remains, rebuild.graph, rebuild.mapping)
        return rebuild.finish()


def _copy_part(op: Op, part: Pruned, graph: Graph, mapping: dict[Value, Value]) -> None:
    results = [op.results[i] for i in part.results]
    smaller = Op(
        op.primitive,
        tuple([mapping[op.operands[i]] for i in part.operands]),
        part.attributes,
        tuple([value.type for value in results]),
        op.location,
        op.phase,
        part.regions,
    )
    graph.ops.append(smaller)
    mapping.update(zip(results, smaller.results, strict=True))
