"""Batching of `sweeps`. Where examples have numbers of rounds of their own, all run as many as the longest does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Op
from tapec.ir.types import tensor_type
from tapec.ops import control, reduction
from tapec.ops.symbolic import Sym, apply, select, zeros
from tapec.passes.batching.table import Operand, VectorizedGraph, aligned, spread
from tapec.passes.splice import splice

Vectorize = Callable[[Graph, int, Sequence[bool]], VectorizedGraph]


def settled(
    body: Graph, size: int, batched: list[bool], first: int, count: int, vectorize: Vectorize
) -> VectorizedGraph:
    """The body of a loop, vectorized.

    `batched` gets True for those of `count` carries from `first` on that a round makes so.
    """
    while True:
        made = vectorize(body, size, batched)
        grown = [i for i in range(count) if made.batched[i] and not batched[first + i]]
        if not grown:
            return made
        for i in grown:
            batched[first + i] = True


def batched_sweeps(op: Op, operands: Sequence[Operand], size: int, vectorize: Vectorize) -> Sequence[Operand]:
    """The rule of `sweeps`; `vectorize` is that of `tapec.passes.vectorize`."""
    parts = control.sweep_parts(op.attributes, op.regions)
    rounds = operands[parts.consts]
    builder = rounds.sym.builder
    consts = [x.batched for x in operands[: parts.consts]]
    rows: list[bool] = []
    regions: list[Graph] = []
    flags: list[bool] = []  # of the carries
    for number, region in enumerate(op.regions):
        first, count = parts.operand(number), parts.carries[number]
        batched = [*consts, *[x.batched or rounds.batched for x in operands[first : first + count]], *rows]
        made = settled(region, size, batched, parts.consts, count, vectorize)
        flags += batched[parts.consts : parts.consts + count]
        rows += made.batched[count:]
        regions.append(_outputs_spread(made, batched[parts.consts : parts.consts + count], size))
    carries = [spread(x, size) if b else x.sym for x, b in zip(operands[parts.consts + 1 :], flags, strict=True)]
    values = [x.sym for x in operands[: parts.consts]]
    if not rounds.batched:
        results = builder.emit(
            op.primitive, tuple([x.value for x in [*values, rounds.sym, *carries]]), op.attributes, tuple(regions)
        ).results
        return [Operand(Sym(builder, r), b) for r, b in zip(results, flags, strict=True)]
    none = zeros(builder, tensor_type(dtypes.I64, ()))
    most = apply(reduction.max, rounds.sym, axes=(0,)) if size else none
    numbered: list[Sym] = []
    for number, reverse in enumerate(parts.reverse):
        first, count = parts.first(number), parts.carries[number]
        numbered += [*carries[first : first + count], most - 1 if reverse else none]
        regions[number] = _each_its_own_rounds(regions[number], parts, number, rounds.sym, builder.phase)
    attributes = {
        "consts": parts.consts + 1,
        "carries": tuple([count + 1 for count in parts.carries]),
        "reverse": parts.reverse,
    }
    operands_ = tuple([x.value for x in [*values, rounds.sym, most, *numbered]])
    results = builder.emit(op.primitive, operands_, attributes, tuple(regions)).results
    kept = [parts.first(n) + n + i for n, count in enumerate(parts.carries) for i in range(count)]
    return [Operand(Sym(builder, results[i]), True) for i in kept]


def _outputs_spread(made: VectorizedGraph, flags: Sequence[bool], size: int) -> Graph:
    """A vectorized region whose carries are batched where `flags` says so; rows stay as they are."""
    builder = Builder(made.graph)
    for i, (wanted, is_batched) in enumerate(zip(flags, made.batched, strict=False)):
        if wanted:
            made.graph.outputs[i] = spread(Operand(Sym(builder, made.graph.outputs[i]), is_batched), size).value
    return made.graph


def _each_its_own_rounds(region: Graph, parts: control.SweepParts, number: int, rounds: Sym, phase: str) -> Graph:
    """A vectorized region that also takes the examples' numbers of rounds, behind the consts, and the number of the
    present round, behind the carries; examples that have no such round keep their carries.
    """
    new = Graph(REGION)
    inner = Builder(new, phase)
    stop, count = parts.consts + parts.carries[number], parts.carries[number]
    taken = [new.add_input(v.type) for v in region.inputs[: parts.consts]]
    own = Sym(inner, new.add_input(rounds.type))
    taken += [new.add_input(v.type) for v in region.inputs[parts.consts : stop]]
    present = Sym(inner, new.add_input(tensor_type(dtypes.I64, ())))
    taken += [new.add_input(v.type) for v in region.inputs[stop:]]
    mapping = splice(region, new, taken)
    runs = own > present
    for old, v in zip(taken[parts.consts : stop], region.outputs, strict=False):
        mask = aligned(Operand(runs, True), len(v.shape) - 1)
        new.outputs.append(select(mask, Sym(inner, mapping[v]), Sym(inner, old)).value)
    new.outputs.append((present - 1 if parts.reverse[number] else present + 1).value)
    new.outputs += [mapping[v] for v in region.outputs[count:]]
    return new
