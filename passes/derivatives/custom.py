"""Rows of functions with derivative rules of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapec.errors import NotDifferentiableError
from tapec.ir.graph import Op, Value
from tapec.ops import custom
from tapec.ops.symbolic import Sym, broadcast, zeros
from tapec.passes.derivatives.table import Excused, Flow, Rows, Structured
from tapec.passes.splice import copy_ops


def _layout(op: Op) -> tuple[list[int], list[int], int]:
    """Positions of the floating results among the results, of the floating arguments and of the rest among operands."""
    a: Any = op.attributes
    first = 1 if op.primitive is custom.live else 0
    args = range(first + a["results"], first + a["results"] + a["args"])
    results = [i for i, value in enumerate(op.results) if value.type.dtype.is_float]
    return results, [i for i in args if op.operands[i].type.dtype.is_float], args.stop


def _flow(op: Op, active: Sequence[int], active_values: object) -> Sequence[int]:
    results, args, _ = _layout(op)
    return [] if set(args).isdisjoint(active) else results


def _push(op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: object) -> list[Sym | None]:
    results, args, _ = _layout(op)
    made: list[Sym | None] = [None] * len(outs)
    if not set(args).isdisjoint(moving):
        tangents = [_full(moving.get(i), operands[i]) for i in args]
        found = _applied(op, 1, operands, tangents, [op.results[i] for i in results])
        for i, value in zip(results, found, strict=True):
            made[i] = value
    return made


def _pull(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: object
) -> list[tuple[int, Sym | None]]:
    results, args, _ = _layout(op)
    cotangents = [_full(cts[i], outs[i]) for i in results]
    found = _applied(op, 0, operands, cotangents, [op.operands[i] for i in args])
    return [(i, value) for i, value in zip(args, found, strict=True) if i in flow.operands]


def _full(x: Sym | None, like: Sym) -> Sym:
    return zeros(like.builder, like.type) if x is None else broadcast(x, like.shape)


def _applied(op: Op, which: int, operands: list[Sym], given: list[Sym], likes: list[Value]) -> list[Sym]:
    """The rule's derivative of number `which`: an op that calls it, or its region's ops."""
    builder = given[0].builder
    if op.primitive is custom.live:
        signature = custom.signature([v.type for v in likes])
        values = (operands[0].value, *[x.value for x in given])
        made = builder.emit((custom.pull, custom.push)[which], values, {"sizes": ()}, (signature,))
        return [Sym(builder, value) for value in made.results]
    region = op.regions[which]
    if not region.outputs:
        mode, what = (("reverse", "tangents"), ("forward", "cotangents"))[which]
        where = f" at {op.location}" if op.location else ""
        if not op.regions[1 - which].outputs:
            raise NotDifferentiableError(
                f"the derivative rule{where} calls its own function, and a loop, vmap or a kept pullback holds it to "
                "fewer orders of derivative than are asked for; write the rule in terms of other functions"
            )
        raise NotDifferentiableError(
            f"the derivative rule{where} is not linear in the {what} that it gets, so that it has no {mode} mode"
        )
    rest = [x.value for x in operands[_layout(op)[2] :]]
    mapping = dict(zip(region.inputs, [*rest, *[x.value for x in given]], strict=True))
    copy_ops(region.ops, builder.graph, mapping, builder.phase)
    return [Sym(builder, mapping[value]) for value in region.outputs]


_RUNS_PYTHON = Excused("runs Python, and what that does is differentiated")

ROWS: Rows = {
    custom.rule: Structured(_flow, _push, _pull),
    custom.live: Structured(_flow, _push, _pull),
    custom.pull: _RUNS_PYTHON,
    custom.push: _RUNS_PYTHON,
}
