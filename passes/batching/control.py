"""Batching of loops and branches: their regions, vectorized.

Where examples differ in the branch that they take, or in how often a loop runs, all of the work is done for all of
them, and each keeps the result that is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ir.types import tensor_type
from tapec.ops import control, custom
from tapec.ops.symbolic import Sym, cast, reduce_sum, select, transpose, zeros
from tapec.passes.batching.custom import custom_op
from tapec.passes.batching.sweeps import batched_sweeps, settled
from tapec.passes.batching.table import Operand, VectorizedGraph, aligned, spread
from tapec.passes.splice import splice

Vectorize = Callable[[Graph, int, Sequence[bool]], VectorizedGraph]


def structured(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    """The rule of every op with regions; `vectorize` is that of `tapec.passes.vectorize`."""
    if op.primitive.family is custom.CUSTOM:
        return custom_op(op, operands, size, vectorize)
    if op.primitive is control.scan:
        return _scan(op, operands, size, vectorize)
    if op.primitive is control.sweeps:
        return batched_sweeps(op, operands, size, vectorize)
    if op.primitive is control.while_loop:
        return _while_loop(op, operands, size, vectorize)
    return (_select_branch if operands[0].batched else _cond)(op, operands, size, vectorize)


def _scan(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    attributes: Any = op.attributes
    first, count = attributes["consts"], attributes["carries"]
    batched = [x.batched for x in operands]
    made = settled(op.regions[0], size, batched, first, count, vectorize)
    flags = [*batched[first : first + count], *made.batched[count:]]
    values = [spread(x, size) if b else x.sym for x, b in zip(operands, batched, strict=True)]
    # xs and ys have the rounds on axis 0 and the examples on axis 1.
    pairs = list(zip(values, batched, strict=True))[first + count :]
    values[first + count :] = [_swapped(x) if b else x for x, b in pairs]
    results = _emit(op, values, (_with_outputs(made, flags, size),))
    numbered = enumerate(zip(results, flags, strict=True))
    return [Operand(_swapped(r) if b and i >= count else r, b) for i, (r, b) in numbered]


def _swapped(x: Sym) -> Sym:
    return transpose(x, (1, 0, *range(2, len(x.shape))))


def _cond(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    made = [vectorize(region, size, [x.batched for x in operands[1:]]) for region in op.regions]
    flags = [any(column) for column in zip(*[m.batched for m in made], strict=True)]
    results = _emit(op, [x.sym for x in operands], tuple([_with_outputs(m, flags, size) for m in made]))
    return [Operand(r, b) for r, b in zip(results, flags, strict=True)]


def _select_branch(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    """Examples that take different branches: all regions run, so that what raises in any of them raises."""
    index, *rest = operands
    builder = index.sym.builder
    chosen: list[Sym] = []
    for number, region in enumerate(op.regions):
        made = vectorize(region, size, [x.batched for x in rest])
        mapping = splice(made.graph, builder.graph, [x.sym.value for x in rest])
        found = [
            spread(Operand(Sym(builder, mapping[v]), b), size)
            for v, b in zip(made.graph.outputs, made.batched, strict=True)
        ]
        if number == 0:
            chosen = found
            continue
        takes = index.sym if index.sym.dtype.kind == "b" else index.sym >= number  # clamped at both ends
        chosen = [
            select(aligned(Operand(takes, True), len(new.shape) - 1), new, old)
            for new, old in zip(found, chosen, strict=True)
        ]
    return [Operand(x, True) for x in chosen]


def _while_loop(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    condition, body = op.regions
    count = len(body.outputs)
    first = len(operands) - count
    batched = [x.batched for x in operands]
    made = settled(body, size, batched, first, count, vectorize)
    test = vectorize(condition, size, batched)
    if test.batched[0]:
        return _each_its_own_rounds(op, operands, size, vectorize)
    flags = batched[first:]
    values = [spread(x, size) if b else x.sym for x, b in zip(operands, batched, strict=True)]
    results = _emit(op, values, (test.graph, _with_outputs(made, flags, size)))
    return [Operand(r, b) for r, b in zip(results, [*flags, False], strict=True)]


def _each_its_own_rounds(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    """Rounds for as long as any example goes on; those that have ended keep their carries, and count no more."""
    condition, body = op.regions
    count = len(body.outputs)
    first = len(operands) - count
    batched = [*[x.batched for x in operands[:first]], *[True] * count]
    test, made = vectorize(condition, size, batched), vectorize(body, size, batched)
    builder = operands[0].sym.builder
    counter = zeros(builder, tensor_type(dtypes.I64, (size,)))
    values = [*[x.sym for x in operands[:first]], *[spread(x, size) for x in operands[first:]], counter]

    def inputs() -> tuple[Builder, list[Value]]:
        region = Graph(REGION)
        return Builder(region, builder.phase), [region.add_input(x.type) for x in values]

    inner, taken = inputs()
    goes_on = Sym(inner, splice(test.graph, inner.graph, taken[:-1])[test.graph.outputs[0]])
    any_goes_on = reduce_sum(cast(goes_on, dtypes.I64), (0,)) > 0
    inner.graph.outputs = [any_goes_on.value]
    regions = [inner.graph]

    inner, taken = inputs()
    goes_on = Sym(inner, splice(test.graph, inner.graph, taken[:-1])[test.graph.outputs[0]])
    mapping = splice(made.graph, inner.graph, taken[:-1])
    for old, v, b in zip(taken[first:-1], made.graph.outputs, made.batched, strict=True):
        new = spread(Operand(Sym(inner, mapping[v]), b), size)
        mask = aligned(Operand(goes_on, True), len(new.shape) - 1)
        inner.graph.outputs.append(select(mask, new, Sym(inner, old)).value)
    inner.graph.outputs.append((Sym(inner, taken[-1]) + cast(goes_on, dtypes.I64)).value)
    regions.append(inner.graph)
    results = _emit(op, values, tuple(regions))
    return [Operand(r, True) for r in results[:-1]]


def _with_outputs(made: VectorizedGraph, flags: Sequence[bool], size: int) -> Graph:
    """A vectorized region that gives batched outputs where `flags` says so."""
    builder = Builder(made.graph)
    made.graph.outputs = [
        spread(Operand(Sym(builder, v), b), size).value if wanted else v
        for v, b, wanted in zip(made.graph.outputs, made.batched, flags, strict=True)
    ]
    return made.graph


def _emit(op: Op, operands: Sequence[Sym], regions: tuple[Graph, ...]) -> list[Sym]:
    builder = operands[0].builder
    made = builder.emit(op.primitive, tuple([x.value for x in operands]), op.attributes, regions)
    return [Sym(builder, value) for value in made.results]
