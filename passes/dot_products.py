"""The product of two long vectors as what it is: the sum of an elementwise product, which fuses with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.builder import emit
from tapec.ir.graph import Attribute, Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import contraction, movement, reduction
from tapec.ops import elementwise as ew
from tapec.passes.graph_pass import Rebuild
from tapec.passes.matmul_names import is_dot


@final
@dataclass(frozen=True, slots=True)
class DotProducts:
    """Writes products of one row and one column as sums, once all derivatives have been taken.

        %0 = "tapec.matmul"(%arg0, %arg1)       (1, 500) times (500, 1)

    becomes a transpose of `%arg1`, a `mul`, a `sum` over the last axis, and a reshape. Eager runs compute the same.
    """

    name: ClassVar[str] = "dot_products"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        for op in graph.ops:
            if op.primitive is contraction.matmul and _is_dot(op):
                a, b = (rebuild.mapping[v] for v in op.operands)
                rebuild.mapping[op.result] = _sum_of_products(rebuild.graph, op, a, b)
            else:
                rebuild.copy(op)
        return rebuild.finish()


def _is_dot(op: Op) -> bool:
    a, b = op.operands
    return is_dot(a.type.dtype, a.shape[-2], b.shape[-1], a.shape[-1])


def _sum_of_products(graph: Graph, op: Op, a: Value, b: Value) -> Value:
    last = len(a.shape) - 1
    swapped = (*range(last - 1), last, last - 1)

    def made(primitive: Primitive, operands: tuple[Value, ...], attributes: dict[str, Attribute]) -> Value:
        return emit(graph, primitive, operands, attributes, op.location, op.phase).result

    row = made(movement.transpose, (b,), {"permutation": swapped})
    total = made(reduction.sum, (made(ew.mul, (a, row), {}),), {"axes": (last,)})
    return made(movement.reshape, (total,), {"shape": op.result.shape})
