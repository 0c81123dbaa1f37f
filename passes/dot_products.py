"""Products of a few long vectors as what they are: sums of elementwise products, which fuse with their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import contraction, movement, reduction
from tapec.ops import elementwise as ew
from tapec.passes.graph_pass import Rebuild
from tapec.passes.matmul_names import is_dot
from tapec.passes.rewrites import RULES
from tapec.passes.rewriting import Rewriter


@final
@dataclass(frozen=True, slots=True)
class DotProducts:
    """Writes products of few rows and few columns as sums, once all derivatives have been taken.

        %0 = "tapec.matmul"(%arg0, %arg1)       (3, 500) times (500, 2)

    becomes a `mul` of a transpose of `%arg0`, (500, 3, 1), and `%arg1`, (500, 1, 2), and a `sum` over its first axis.
    Eager runs compute the same.
    """

    name: ClassVar[str] = "dot_products"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        rewriter = Rewriter(rebuild.graph, RULES)
        for op in graph.ops:
            if op.primitive is contraction.matmul and _is_dot(op):
                rewriter.like = op
                a, b = (rebuild.mapping[v] for v in op.operands)
                rebuild.mapping[op.result] = _sum_of_products(rewriter, a, b)
            else:
                rebuild.copy(op)
        return rebuild.finish()


def _is_dot(op: Op) -> bool:
    a, b = op.operands
    return is_dot(a.type.dtype, a.shape[-2], b.shape[-1], a.shape[-1])


def _sum_of_products(rewriter: Rewriter, a: Value, b: Value) -> Value:
    make = rewriter.make
    *batch, rows, inner = a.shape
    last = len(batch) + 1
    turned = make(movement.transpose, a, permutation=(*range(last - 1), last, last - 1))
    left = make(movement.reshape, turned, shape=(*batch, inner, rows, 1))
    right = make(movement.reshape, b, shape=(*batch, inner, 1, b.shape[-1]))
    return make(reduction.sum, make(ew.mul, left, right), axes=(len(batch),))
