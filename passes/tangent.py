"""Forward mode: from a graph to the graph that computes tangents, by the same table and zero policy as reverse mode."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes.activity import active_values
from tapec.passes.derivative_graph import DerivativeGraph, TangentGraph
from tapec.passes.derivatives import derivative_of
from tapec.passes.derivatives.table import Excused, Explicit, Linear, Partials, Structured
from tapec.passes.zero_policy import contribution


def tangent(
    graph: Graph, targets: Sequence[Value], wrt: Sequence[Value], given: Sequence[bool] | None = None
) -> TangentGraph:
    """The graph of the derivative of `targets` along given tangents of `wrt`, in time linear in the length of `graph`.

    Args:
        graph: what was computed.
        targets: values whose tangents are asked for.
        wrt: values whose tangents are given, or are one in every element.
        given: for each of `wrt` whether its tangent is an input; without it all are.

    Raises:
        NotDifferentiableError: an op between `wrt` and `targets` has no derivative rule.
        TypeError: a value of `wrt` is not of a floating dtype.
    """
    if any(not value.type.dtype.is_float for value in wrt):
        raise TypeError("tangents exist only for values of floating dtype")
    derivative = DerivativeGraph(f"{graph.name}_tangent", "tangent")
    tangents: dict[Value, Sym | None] = {}
    for i, value in enumerate(wrt):
        seeded = given is None or given[i]
        tangents[value] = derivative.seed(value.type) if seeded else derivative.number(1.0, value.type)
    fixed = set(wrt)
    active, ops = active_values(graph, wrt)
    for op, positions in _relevant(ops, targets):
        derivative.builder.location = op.location
        moving = {i: t for i in positions if (t := tangents.get(op.operands[i])) is not None}
        made: list[Sym | None] = [None] * len(op.results)
        # An intermediate value that is itself differentiated by has the tangent that is given.
        if moving and not fixed.issuperset(op.results):
            operands = [derivative.primal(v) for v in op.operands]
            outs = [derivative.primal(v) for v in op.results]
            several = op.primitive.results != 1
            made = push_structured(op, outs, operands, moving) if several else [push(op, outs[0], operands, moving)]
        new = zip(op.results, made, strict=True)
        tangents.update({out: t for out, t in new if out in active and out not in fixed})
    full = {value: derivative.full(tangents[value], value.type).value for value in targets if value in tangents}
    results = tuple([full.get(value) for value in targets])
    finished, residuals = derivative.finish([value for value in results if value is not None])
    return TangentGraph(finished, residuals, results)


def _relevant(ops: list[tuple[Op, list[int]]], targets: Sequence[Value]) -> list[tuple[Op, list[int]]]:
    """The active ops on which some target depends."""
    needed = set(targets)
    kept = []
    for op, positions in reversed(ops):
        if not needed.isdisjoint(op.results):
            kept.append((op, positions))
            needed.update([op.operands[i] for i in positions])
    return kept[::-1]


def push_structured(op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym]) -> list[Sym | None]:
    """`push` for an op whose row is `Structured`: a tangent for each result."""
    row = derivative_of(op.primitive, op.location)
    assert isinstance(row, Structured), op
    return row.push(op, outs, operands, moving, tangent)


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
    if isinstance(row, Explicit):
        whole = {i: broadcast(t, operands[i].shape) for i, t in moving.items()}
        return row.push(whole, out, *operands, **op.attributes)
    if isinstance(row, Excused):
        return None
    assert not isinstance(row, Structured), op
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
