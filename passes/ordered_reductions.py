"""Reductions beside or over short axes, as reductions of arrays that have none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op
from tapec.ops.symbolic import Sym, apply, transpose
from tapec.passes.graph_pass import Rebuild
from tapec.passes.short_axes import shifted, short_axis


@final
@dataclass(frozen=True, slots=True)
class OrderedReductions:
    """Says in the graph in which order reductions with short axes combine (`docs/design/0002-numerics.md`).

        %0 = "tapec.sum"(%arg0) {axes = (0, 1)}         (n, 3)    ->    the sum over axis 1, then the one over axis 0
        %1 = "tapec.sum"(%arg0) {axes = (0,)}                     ->    that of a transpose, over axis 1

    It is for targets that loop over short axes; `tapec.passes.write_out` does it where it writes them out.
    """

    name: ClassVar[str] = "ordered_reductions"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        for op in graph.ops:
            short = short_axis(op.operands[0].shape) if op.primitive.family.name == "reduction" else None
            if short is None or op.attributes["axes"] == (short,):
                rebuild.copy(op)
                continue
            builder = Builder(rebuild.graph, op.phase)
            builder.location = op.location
            x = Sym(builder, rebuild.mapping[op.operands[0]])
            rebuild.mapping[op.result] = _ordered(op, x, op.attributes["axes"]).value
        return rebuild.finish()


def _ordered(op: Op, x: Sym, axes: Any) -> Sym:
    short = short_axis(x.shape)
    if short is None or axes == (short,):
        return apply(op.primitive, x, axes=axes)
    rest = shifted(axes, short)
    if short in axes:
        return _ordered(op, apply(op.primitive, x, axes=(short,)), rest)
    others = [i for i in range(len(x.shape)) if i != short]
    each = _ordered(op, transpose(x, (short, *others)), tuple([i + 1 for i in rest]))
    at = short - sum(i < short for i in axes)
    kept = list(range(1, len(each.shape)))
    return transpose(each, (*kept[:at], 0, *kept[at:]))
