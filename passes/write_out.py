"""Short axes are written out: a value of n points in space becomes three values of n numbers each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph
from tapec.passes.graph_pass import Rebuild
from tapec.passes.rewrites import RULES
from tapec.passes.rewriting import Rewriter
from tapec.passes.short_classes import is_short_product, written_out
from tapec.passes.short_parts import Parts


@final
@dataclass(frozen=True, slots=True)
class WriteOut:
    """Writes values with a short innermost axis position by position, where that axis would be in the way.

        %0 = "tapec.sub"(%arg0, %arg1)            %0, %1, %2 = reshape(slice(%arg0)), ...        (n, 3): three of (n,)
        %1 = "tapec.mul"(%0, %0)            ->    %3 = "tapec.sub"(%0, ...), ...
        %2 = "tapec.sum"(%1) {axes = (1,)}        %9 = "tapec.add"("tapec.add"(%6, %8), %7)

    Loops then run across lanes along the axis before it. Reductions over the axis are a few ops among others, so that
    they fuse with what makes and what reads their results; products of few columns with a short inner axis are chains
    of `fma`. `docs/design/0002-numerics.md` says what a short axis is, and in which order reductions combine.
    """

    name: ClassVar[str] = "write_out"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        chosen = written_out(graph)
        if not chosen and not any(op.regions or is_short_product(op) for op in graph.ops):
            return graph
        rebuild = Rebuild(graph, self.run)
        parts = Parts(rebuild, Rewriter(rebuild.graph, RULES), chosen)
        for op in graph.ops:
            parts.add(op)
        for value in graph.outputs:
            parts.whole(value)
        made = rebuild.finish()
        return self.run(made) if chosen else made  # matrices become rows, rows become numbers
