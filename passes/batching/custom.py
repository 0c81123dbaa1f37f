"""Batching of functions with derivative rules of their own: the rules are vectorized as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapec.ir.graph import REGION, Graph, Op
from tapec.ir.types import tensor_type
from tapec.ops import custom
from tapec.ops.symbolic import Sym
from tapec.passes.batching.table import Operand, VectorizedGraph, spread

Vectorize = Callable[..., VectorizedGraph]


def custom_op(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    """Results, arguments, cotangents and tangents are all batched; what a rule reads is batched where it was."""
    a: Any = op.attributes
    builder = operands[0].sym.builder
    if op.primitive is custom.rule:
        count = a["results"] + a["args"]
        rest = operands[count:]
        flags = [x.batched for x in rest]
        regions = tuple([_region(region, size, flags, vectorize) for region in op.regions])
        values = [spread(x, size).value for x in operands[:count]] + [x.sym.value for x in rest]
        made = builder.emit(op.primitive, tuple(values), op.attributes, regions)
    else:  # pull and push; a live function is never part of a graph that is vectorized
        token, *given = operands
        types = [tensor_type(v.type.dtype, (size, *v.shape)) for v in op.regions[0].outputs]
        signature = custom.signature(types)
        values = [token.sym.value, *[spread(x, size).value for x in given]]
        made = builder.emit(op.primitive, tuple(values), {"sizes": (size, *a["sizes"])}, (signature,))
    return [Operand(Sym(builder, value), True) for value in made.results]


def _region(region: Graph, size: int, flags: list[bool], vectorize: Vectorize) -> Graph:
    """A derivative for all examples; a missing one stays so."""
    if not region.outputs:
        return region
    given = len(region.inputs) - len(flags)
    made = vectorize(region, size, [*flags, *[True] * given], all_outputs=True).graph
    return Graph(REGION, made.inputs, made.ops, made.outputs)
