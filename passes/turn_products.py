"""Products of few rows and many columns, turned round: what is written out for each of many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph, Op
from tapec.ops import contraction, movement
from tapec.passes.graph_pass import Rebuild
from tapec.passes.rewrites import RULES
from tapec.passes.rewriting import Rewriter
from tapec.passes.short_axes import MOST, has_long_axes


@final
@dataclass(frozen=True, slots=True)
class TurnProducts:
    """Products of a small matrix and many columns as those of many rows and the small matrix.

        %0 = "tapec.transpose"(%arg0)           (n, 3)
        %1 = "tapec.matmul"(%arg1, %0)          (3, 3) times (3, n)     ->     %0 = "tapec.transpose"(%arg1)
        %2 = "tapec.transpose"(%1)                                             %1 = "tapec.matmul"(%arg0, %0)

    The same multiplications and additions, in the same order. `tapec.passes.write_out` makes chains of them.
    """

    name: ClassVar[str] = "turn_products"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        rewriter = Rewriter(rebuild.graph, RULES)
        for op in graph.ops:
            rewriter.like = op
            if op.primitive is movement.transpose:  # it may undo one of ours
                rebuild.mapping[op.result] = rewriter.put(rebuild.moved(op))
            elif _is_wide(op):
                a, b = (rebuild.mapping[v] for v in op.operands)
                last = len(a.shape) - 1
                swapped = (*range(last - 1), last, last - 1)
                turned = [rewriter.make(movement.transpose, v, permutation=swapped) for v in (b, a)]
                product = rewriter.make(contraction.matmul, *turned)
                rebuild.mapping[op.result] = rewriter.make(movement.transpose, product, permutation=swapped)
            else:
                rebuild.copy(op)
        return rebuild.finish()


def _is_wide(op: Op) -> bool:
    if op.primitive is not contraction.matmul or not op.result.type.dtype.is_float or 0 in op.result.shape:
        return False
    *batch, rows, columns = op.result.shape
    inner = op.operands[0].shape[-1]
    return columns > MOST >= max(rows, inner) and inner > 0 and has_long_axes((*batch, columns))
