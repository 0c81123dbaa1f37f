"""Dead code elimination: ops that no output and no effect needs go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph
from tapec.passes.graph_pass import Rebuild


@final
@dataclass(frozen=True, slots=True)
class DeadCodeElimination:
    """Keeps the ops that outputs depend on, those with the trait `effect`, and what these depend on.

    Before -> after:

        %0 = "tapec.exp"(%arg0)
        %1 = "tapec.neg"(%arg0)      ->      %0 = "tapec.neg"(%arg0)
        "tapec.return"(%1)                   "tapec.return"(%0)
    """

    name: ClassVar[str] = "dce"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        live = set(graph.outputs)
        kept = []
        for op in reversed(graph.ops):
            if "effect" in op.primitive.traits or not live.isdisjoint(op.results):
                kept.append(op)
                live.update(op.operands)
        rebuild = Rebuild(graph, self.run)
        for op in reversed(kept):
            rebuild.copy(op)
        return rebuild.finish()
