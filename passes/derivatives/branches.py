"""Derivatives of `cond`: in both modes a `cond` of the derivatives of the regions.

A region's derivative runs the region once more for the values that it reads: which values these are differs from region
to region, so that the primal `cond` could not hand them over without making all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ops import control
from tapec.ops.symbolic import Sym, broadcast
from tapec.passes.derivative_graph import AdjointGraph, TangentGraph
from tapec.passes.derivatives.regions import ActiveValues, Adjoint, Tangent, connected, emit_pruned, full, spliced
from tapec.passes.derivatives.table import Flow
from tapec.passes.splice import splice


def flow(op: Op, active: Sequence[int], active_values: ActiveValues) -> list[int]:
    """See `Structured.flow`: what is active after any region."""
    reached: set[int] = set()
    for region in op.regions:
        values, _ = active_values(region, [region.inputs[i - 1] for i in active if i > 0])
        reached |= {i for i, v in enumerate(region.outputs) if v in values}
    return sorted(reached)


def push(op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Tangent) -> list[Sym | None]:
    """See `Structured.push`."""
    inputs = sorted(moving)
    made = [tangent(r, r.outputs, [r.inputs[i - 1] for i in inputs]) for r in op.regions]
    reached = _union([connected(m.tangents) for m in made])
    likes = [op.regions[0].inputs[i - 1] for i in inputs]
    results = _derivative(op, operands, made, [moving[i] for i in inputs], likes, reached, op.regions[0].outputs)
    return [results.get(i) for i in range(len(outs))]


def pull(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Adjoint
) -> list[tuple[int, Sym | None]]:
    """See `Structured.pull`."""
    targets = [i for i in flow.results if cts[i] is not None]
    made = [adjoint(r, [r.outputs[i] for i in targets], [r.inputs[i - 1] for i in flow.operands]) for r in op.regions]
    reached = _union([connected(m.gradients) for m in made])
    seeds = [ct for i in targets if (ct := cts[i]) is not None]
    likes = [op.regions[0].outputs[i] for i in targets]
    shapes = [op.regions[0].inputs[i - 1] for i in flow.operands]
    results = _derivative(op, operands, made, seeds, likes, reached, shapes)
    some = {i for m in made for i, g in enumerate(m.gradients) if g is not None}
    return [(flow.operands[i], results.get(i)) for i in sorted(some)]


def _union(found: list[dict[int, Value]]) -> list[int]:
    return sorted(set().union(*found))


def _derivative(
    op: Op,
    operands: list[Sym],
    made: Sequence[AdjointGraph | TangentGraph],
    seeds: list[Sym],
    likes: list[Value],
    reached: list[int],
    shapes: Sequence[Value],
) -> dict[int, Sym]:
    """Appends the `cond` of derivatives; by position those of what was asked for that are at `reached`.

    Args:
        op: what is differentiated.
        operands: its operands.
        made: the derivative of each region.
        seeds: cotangents or tangents; lean.
        likes: values of the full shapes of the seeds.
        reached: positions among what was asked for of what some region connects.
        shapes: values of the shapes of what was asked for.
    """
    if not reached:
        return {}
    builder = seeds[0].builder
    regions = []
    for region, derivative in zip(op.regions, made, strict=True):
        new = Graph(REGION)
        inner = Builder(new, builder.phase)
        mapping = splice(region, new, [new.add_input(v.type) for v in region.inputs])
        lean = [Sym(inner, new.add_input(s.type)) for s in seeds]
        given = [broadcast(s, like.shape).value for s, like in zip(lean, likes, strict=True)]
        results = spliced(derivative, given, mapping, new)
        new.outputs = [full(None, inner, shapes[i]) if (v := results[i]) is None else v for i in reached]
        regions.append(new)
    values = tuple([x.value for x in [*operands, *seeds]])
    whole = Op(control.cond, values, {}, (), None, builder.phase, tuple(regions))
    results_of = emit_pruned(builder, whole, range(len(reached)))
    return {position: results_of[i] for i, position in enumerate(reached)}
