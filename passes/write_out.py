"""Short axes are written out: a value of n points in space becomes three values of n numbers each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph, Value
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

    Args:
        differentiable: whether derivatives are still to be made: products and regions stay as they are then, since
            more is known of their derivatives, and of where these are zero, while they are whole.
    """

    name: ClassVar[str] = "write_out"

    differentiable: bool = False

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        return self.traced(graph)[0]

    def traced(self, graph: Graph) -> tuple[Graph, Mapping[Value, Value]]:
        """The new graph, and what stands there for those values of the old one that are still whole."""
        chosen = written_out(graph, products=not self.differentiable)
        if not chosen and (self.differentiable or not any(op.regions or is_short_product(op) for op in graph.ops)):
            return graph, {value: value for value in (*graph.inputs, *(v for op in graph.ops for v in op.results))}
        rebuild = Rebuild(graph, None if self.differentiable else self.run)
        parts = Parts(rebuild, Rewriter(rebuild.graph, RULES), chosen, products=not self.differentiable)
        for op in graph.ops:
            parts.add(op)
        for value in graph.outputs:
            parts.whole(value)
        made = rebuild.finish()
        if not chosen:
            return made, rebuild.mapping
        finished, further = self.traced(made)  # matrices become rows, rows become numbers
        return finished, {old: further[new] for old, new in rebuild.mapping.items() if new in further}
