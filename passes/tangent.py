"""Forward mode: from a graph to the graph that computes tangents, by the same table and zero policy as reverse mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes.activity import active_values
from tapec.passes.derivative_graph import DerivativeGraph
from tapec.passes.derivatives import derivative_of
from tapec.passes.derivatives.table import Excused, Linear, Partials
from tapec.passes.zero_policy import contribution


@dataclass(frozen=True, slots=True)
class TangentGraph:
    """What `tangent` makes.

    Attributes:
        graph: its inputs are the tangents of the values differentiated by, then the residuals; its outputs are the
            tangents that are connected.
        residuals: the values of the primal graph that it reads.
        tangents: for each target its tangent in `graph`, or None where it depends on nothing differentiated by.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    tangents: tuple[Value | None, ...]


def tangent(graph: Graph, targets: Sequence[Value], wrt: Sequence[Value]) -> TangentGraph:
    """The graph of the derivative of `targets` along given tangents of `wrt`, in time linear in the length of `graph`.

    Raises:
        NotDifferentiableError: an op between `wrt` and `targets` has no derivative rule.
        TypeError: a value of `wrt` is not of a floating dtype.
    """
    if any(not value.type.dtype.is_float for value in wrt):
        raise TypeError("tangents exist only for values of floating dtype")
    derivative = DerivativeGraph(f"{graph.name}_tangent", "tangent")
    tangents: dict[Value, Sym | None] = {value: derivative.seed(value.type) for value in wrt}
    for op, positions in _relevant(graph, targets, wrt):
        out = op.results[0]
        if out in tangents:  # an intermediate value that is itself differentiated by: its tangent is given
            continue
        derivative.builder.location = op.location
        moving = {i: t for i in positions if (t := tangents[op.operands[i]]) is not None}
        if not moving:
            tangents[out] = None
            continue
        operands = [derivative.primal(v) for v in op.operands]
        tangents[out] = push(op, derivative.primal(out), operands, moving)
    full = {value: derivative.full(tangents[value], value.type).value for value in targets if value in tangents}
    results = tuple([full.get(value) for value in targets])
    finished, residuals = derivative.finish([value for value in results if value is not None])
    return TangentGraph(finished, residuals, results)


def _relevant(graph: Graph, targets: Sequence[Value], wrt: Sequence[Value]) -> list[tuple[Op, list[int]]]:
    """The active ops on which some target depends."""
    _, ops = active_values(graph, wrt)
    needed = set(targets)
    kept = []
    for op, positions in reversed(ops):
        if op.results[0] in needed:
            kept.append((op, positions))
            needed.update([op.operands[i] for i in positions])
    return kept[::-1]


def push(op: Op, out: Sym, operands: list[Sym], moving: dict[int, Sym]) -> Sym | None:
    """The tangent of the op's result: lean, and None for a symbolic zero.

    Args:
        op: what is differentiated.
        out: its result in the derivative graph.
        operands: its operands there.
        moving: tangents of the operands that have one; lean.

    Raises:
        NotDifferentiableError: the op has no derivative rule.
    """
    row = derivative_of(op.primitive, op.location)
    if isinstance(row, Linear):
        return _linear(row, op, operands, moving)
    if isinstance(row, Partials):
        total: Sym | None = None
        for i, t in moving.items():
            rule = row.rules[i]
            part = contribution(t, rule if isinstance(rule, float) else rule(out, *operands, **op.attributes))
            total = part if total is None else total if part is None else apply(ew.add, total, part)
        return total
    if isinstance(row, Excused):
        return None
    (x,) = operands
    axes = op.attributes["axes"]
    assert isinstance(axes, tuple)
    part = contribution(moving[0], row.partial(out, x, **op.attributes))
    return None if part is None else reduce_sum(broadcast(part, x.shape), axes)


def _linear(row: Linear, op: Op, operands: list[Sym], moving: dict[int, Sym]) -> Sym:
    if not row.lean:
        moving = {i: broadcast(t, operands[i].shape) for i, t in moving.items()}
    if row.joint:
        if row.additive and list(moving) == [0]:
            return moving[0]
        positions = range(len(operands)) if row.operands is None else row.operands
        replaced = {i: moving[i] if i in moving else _zero(row, operands[i], moving) for i in positions}
        return apply(op.primitive, *[replaced.get(i, x) for i, x in enumerate(operands)], **op.attributes)
    terms = [
        apply(op.primitive, *[t if j == i else x for j, x in enumerate(operands)], **op.attributes)
        for i, t in moving.items()
    ]
    total = terms[0]
    for term in terms[1:]:
        total = apply(ew.add, total, term)
    return total


def _zero(row: Linear, operand: Sym, moving: dict[int, Sym]) -> Sym:
    zero = next(iter(moving.values())).constant(0.0)
    return zero if row.lean else broadcast(zero, operand.shape)
