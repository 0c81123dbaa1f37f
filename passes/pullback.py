"""Reverse mode of one op: what each active operand receives of the result's cotangent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tapec.errors import NotDifferentiableError
from tapec.ir.graph import Op
from tapec.ops.symbolic import Sym, broadcast
from tapec.passes.derivative_graph import AdjointGraph
from tapec.passes.derivatives import derivative_of
from tapec.passes.derivatives.table import Excused, Explicit, Flow, Linear, Partials, Structured
from tapec.passes.lean import expand, sum_to
from tapec.passes.zero_policy import contribution


def pull(op: Op, out: Sym, operands: list[Sym], ct: Sym, active: Iterable[int]) -> list[tuple[int, Sym | None]]:
    """Position and cotangent for each of the `active` operands; lean, and None for a symbolic zero.

    Args:
        op: what is differentiated.
        out: its result in the derivative graph.
        operands: its operands there.
        ct: cotangent of the result; lean.
        active: positions of the operands that are asked for.

    Raises:
        NotDifferentiableError: the op has no derivative rule.
    """
    row = derivative_of(op.primitive, op.location)
    attributes = op.attributes
    if isinstance(row, Partials):
        received: list[tuple[int, Sym | None]] = []
        for i in active:
            rule = row.rules[i]
            partial = rule if isinstance(rule, float) else rule(out, *operands, **attributes)
            whole = contribution(ct, partial)
            received.append((i, None if whole is None else sum_to(whole, out.shape, operands[i].shape)))
        return received
    if isinstance(row, Linear):
        return [(i, row.transpose(i, ct, out, *operands, **attributes)) for i in active]
    if isinstance(row, Explicit):
        return list(row.pull(tuple(active), broadcast(ct, out.shape), out, *operands, **attributes).items())
    if isinstance(row, Excused):
        return []
    assert not isinstance(row, Structured), op
    (x,) = operands
    axes = attributes["axes"]
    assert isinstance(axes, tuple)
    kept = expand(ct, axes, len(x.shape))
    return [(0, contribution(kept, row.partial(out, x, **attributes)))]


def pull_structured(
    op: Op,
    outs: list[Sym],
    operands: list[Sym],
    cts: list[Sym | None],
    flow: Flow,
    adjoint: Callable[..., AdjointGraph],
) -> list[tuple[int, Sym | None]]:
    """`pull` for an op whose row is `Structured`, of whose results those without a cotangent have None in `cts`.

    Raises:
        NotDifferentiableError: the op has no reverse mode.
    """
    row = derivative_of(op.primitive, op.location)
    assert isinstance(row, Structured), op
    if isinstance(row.pull, str):
        where = f" at {op.location}" if op.location else ""
        raise NotDifferentiableError(f"{op.primitive.name}{where} has no reverse mode: {row.pull}")
    return row.pull(op, outs, operands, cts, flow, adjoint)
