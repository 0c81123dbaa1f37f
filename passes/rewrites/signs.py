"""What is known of the sign of zeros, from the ops that made a value."""

from __future__ import annotations

from math import copysign

from tapec.ir.graph import Value
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.passes.rewriting import literal

_DEPTH = 4  # how far up a graph one question looks: more would make the pass quadratic
_NEVER = frozenset({ew.abs, ew.relu, ew.exp, ew.sigmoid})
_ARRANGING = frozenset({movement.broadcast, movement.reshape, movement.transpose, movement.slice_, movement.unslice,
                        movement.concat, ew.sqrt, ew.stop_gradient})  # fmt: skip


def never_negative_zero(value: Value, depth: int = _DEPTH) -> bool:
    """Whether no element of `value` can be -0.0."""
    if not value.type.dtype.is_float:
        return True
    number = literal(value)
    if number is not None:
        return number != 0 or copysign(1, number) > 0
    op = value.op
    if op is None or depth == 0:
        return False
    primitive, operands = op.primitive, op.operands
    if primitive in _NEVER:
        return True
    if primitive in _ARRANGING:
        return all(never_negative_zero(v, depth - 1) for v in operands)
    if primitive is ew.cast:
        return not operands[0].type.dtype.is_float  # a float's cast may underflow to -0.0
    if primitive is ew.add:  # x + -x is 0.0: the sum is -0.0 only if both operands are
        return any(never_negative_zero(v, depth - 1) for v in operands)
    if primitive is ew.sub:
        return never_negative_zero(operands[0], depth - 1)
    if primitive is ew.select:
        return all(never_negative_zero(v, depth - 1) for v in operands[1:])
    if primitive is ew.mul:
        return operands[0] is operands[1] or _scaled_up(operands, depth) or _scaled_up(operands[::-1], depth)
    return False


def _scaled_up(operands: tuple[Value, ...], depth: int) -> bool:
    """Whether this is x * c with c >= 1, which underflows to no zero, and x is never -0.0."""
    x, c = operands
    number = literal(c)
    return number is not None and number >= 1 and never_negative_zero(x, depth - 1)
