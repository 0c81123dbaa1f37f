"""From the graph of one example to the graph of many: every batched value gets an axis 0 over the examples."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.errors import UnsupportedFunctionError
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.types import tensor_type
from tapec.ops.symbolic import Sym
from tapec.passes.batching import BATCHING
from tapec.passes.batching.control import structured
from tapec.passes.batching.table import Operand, Rule, VectorizedGraph, spread


def vectorize(graph: Graph, size: int, batched: Sequence[bool], *, all_outputs: bool = False) -> VectorizedGraph:
    """The graph that does for `size` examples what `graph` does for one.

        %0 = "tapec.sum"(%arg0) {axes = [0]}             %0 = "tapec.sum"(%arg0) {axes = [1]}
        %1 = "tapec.sin"(%arg1)                          %1 = "tapec.sin"(%arg1)
        %2 = "tapec.mul"(%0, %1)                   ->    %2 = "tapec.mul"(%0, %1)

    Ops that depend on nothing batched stay as they are and are done once.

    Args:
        graph: of one example.
        size: number of examples.
        batched: for each input whether it differs from example to example.
        all_outputs: repeat outputs that depend on nothing batched, so that all have the axis over the examples.

    Raises:
        BatchedValueError: a guard sees a batched value.
        UnsupportedFunctionError: an op on a batched value has no batching rule.
    """
    made = Graph(f"{graph.name}_vectorized")
    builder = Builder(made)
    known: dict[Value, Operand] = {}
    for value, is_batched in zip(graph.inputs, batched, strict=True):
        kind = tensor_type(value.type.dtype, (size, *value.shape)) if is_batched else value.type
        known[value] = Operand(Sym(builder, made.add_input(kind)), is_batched)
    for op in graph.ops:
        builder.location, builder.phase = op.location, op.phase
        operands = [known[value] for value in op.operands]
        if any(x.batched for x in operands):
            results = structured(op, operands, size, vectorize) if op.regions else _rule(op)(op, operands, size)
        else:
            copied = builder.emit(op.primitive, tuple([x.sym.value for x in operands]), op.attributes, op.regions)
            results = [Operand(Sym(builder, value), False) for value in copied.results]
        known.update(zip(op.results, results, strict=True))
    outputs = [known[value] for value in graph.outputs]
    if all_outputs:
        outputs = [Operand(spread(x, size), True) for x in outputs]
    made.outputs = [x.sym.value for x in outputs]
    return VectorizedGraph(made, tuple([x.batched for x in outputs]))


def _rule(op: Op) -> Rule:
    rule = BATCHING.get(op.primitive.family)
    if rule is None:
        where = f" at {op.location}" if op.location else ""
        raise UnsupportedFunctionError(
            f"the op {op.primitive.name!r}{where} has no batching rule, so vmap can't take it"
        )
    return rule
