"""Rules for selections, casts, comparisons and bits."""

from __future__ import annotations

import numpy as np

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.ops import movement, reduction
from tapec.passes.rewriting import Rewriter, Rule, is_literal, literal, made_by, same, same_number


def select_known(rewriter: Rewriter, op: Op) -> Value | None:
    """`select(true, a, b)` -> `a`; `select(false, a, b)` -> `b`; `select(p, a, a)` -> `a`."""
    p, a, b = op.operands
    known = literal(p)
    if known is None and not same(a, b):
        return None
    return rewriter.fit(b if known is False else a, op.result.type.shape)


def select_not(rewriter: Rewriter, op: Op) -> Value | None:
    """`select(not p, a, b)` -> `select(p, b, a)`."""
    p, a, b = op.operands
    inner = made_by(p, ew.bit_not)
    return None if inner is None else rewriter.make(ew.select, inner.operands[0], b, a)


def select_select(rewriter: Rewriter, op: Op) -> Value | None:
    """`select(p, select(p, a, b), c)` -> `select(p, a, c)`; `select(p, a, select(p, b, c))` -> `select(p, a, c)`."""
    p, a, b = op.operands
    first, second = made_by(a, ew.select), made_by(b, ew.select)
    if first is not None and first.operands[0] is p:
        a = first.operands[1]
    if second is not None and second.operands[0] is p:
        b = second.operands[2]
    if a is op.operands[1] and b is op.operands[2]:
        return None
    return rewriter.fit(rewriter.make(ew.select, p, a, b), op.result.type.shape)


def holds(wide: DType, narrow: DType) -> bool:
    """Whether every value of `narrow` is one of `wide`, so that a cast to `wide` loses nothing."""
    if wide is narrow or narrow.kind == "b":
        return True
    if wide.is_float:
        return narrow.digits <= wide.digits and (not narrow.is_float or narrow.bits < wide.bits)
    if narrow.is_float or wide.kind == "b":
        return False
    if wide.kind == narrow.kind:
        return wide.bits >= narrow.bits
    return wide.kind == "i" and wide.bits > narrow.bits


def cast_same(_rewriter: Rewriter, op: Op) -> Value | None:
    """`cast x` -> `x` where x has the dtype."""
    (x,) = op.operands
    return x if x.type.dtype is op.result.type.dtype else None


def cast_cast(rewriter: Rewriter, op: Op) -> Value | None:
    """`cast(cast x)` -> `cast x` where the inner cast loses nothing.

    A float out of an integer's range saturates while an integer wraps; so integers that pass through floats to integers
    must fit into the last dtype.
    """
    inner = made_by(op.operands[0], ew.cast)
    if inner is None:
        return None
    (x,) = inner.operands
    origin, middle, target = x.type.dtype, op.operands[0].type.dtype, op.result.type.dtype
    if not holds(middle, origin):
        return None
    if middle.is_float and not origin.is_float and target.kind in "iu" and not holds(target, origin):
        return None
    return rewriter.make(ew.cast, x, dtype=target.name)


# Ops that give no floats that are not among those they are given, or 0, 1 and -1, or integers nearby.
_KEEPING = frozenset(
    {ew.neg, ew.abs, ew.sign, ew.relu, ew.floor, ew.ceil, ew.trunc, ew.rint, ew.maximum, ew.minimum, ew.stop_gradient,
     movement.broadcast, movement.reshape, movement.transpose, movement.slice_, movement.unslice,
     reduction.max, reduction.min}
)  # fmt: skip
_DEPTH = 6


def in_range_of(value: Value, narrow: DType, depth: int = _DEPTH) -> bool:
    """Whether every element of a floating value is known to be one of a narrower dtype."""
    number = literal(value)
    if number is not None:
        with np.errstate(over="ignore"):
            return same_number(float(narrow.numpy.type(number)), number)
    op = value.op
    if op is None or depth == 0:
        return False
    if op.primitive is ew.cast:
        return holds(narrow, op.operands[0].type.dtype)
    operands = op.operands[1:] if op.primitive is ew.select else op.operands
    return (op.primitive in _KEEPING or op.primitive is ew.select) and all(
        in_range_of(v, narrow, depth - 1) for v in operands
    )


def cast_back(_rewriter: Rewriter, op: Op) -> Value | None:
    """`cast(cast x)` -> `x` where x has the last dtype and is known to be one of the narrower one in between.

    Such are negated, selected and largest elements of 16 bits in float32: they need no rounding.
    """
    inner = made_by(op.operands[0], ew.cast)
    if inner is None:
        return None
    (x,) = inner.operands
    between = op.operands[0].type.dtype
    if x.type.dtype is not op.result.type.dtype or not (between.is_float and x.type.dtype.is_float):
        return None
    return x if in_range_of(x, between) else None


def not_inward(rewriter: Rewriter, op: Op) -> Value | None:
    """`not not x` -> `x`; `not (a == b)` -> `a != b` and back; `not (a < b)` stays: it is true of NaN."""
    inner = op.operands[0].op
    if inner is None:
        return None
    if inner.primitive is ew.bit_not:
        return inner.operands[0]
    opposite = {ew.eq: ew.ne, ew.ne: ew.eq}.get(inner.primitive)
    return None if opposite is None else rewriter.make(opposite, *inner.operands)


def bits_of_itself(rewriter: Rewriter, op: Op) -> Value | None:
    """`x & x` -> `x`; `x | x` -> `x`; `x ^ x` -> `0`."""
    a, b = op.operands
    if not same(a, b):
        return None
    return rewriter.splat(0, op.result.type) if op.primitive is ew.bit_xor else a


def bits_and_constant(rewriter: Rewriter, op: Op) -> Value | None:
    """`p & true`, `p | false`, `p ^ false` -> `p`; `p & false`, `p | true` -> the constant; `p ^ true` -> `not p`."""
    for p, c in (op.operands, op.operands[::-1]):
        if c.type.dtype is not dtypes.BOOL or literal(c) is None:
            continue
        truth = is_literal(c, True)
        if op.primitive is ew.bit_xor:
            return rewriter.make(ew.bit_not, p) if truth else p
        return p if truth is (op.primitive is ew.bit_and) else rewriter.fit(c, op.result.type.shape)
    return None


RULES: dict[Primitive, tuple[Rule, ...]] = {
    ew.select: (select_known, select_not, select_select),
    ew.cast: (cast_same, cast_cast, cast_back),
    ew.bit_not: (not_inward,),
    ew.bit_and: (bits_of_itself, bits_and_constant),
    ew.bit_or: (bits_of_itself, bits_and_constant),
    ew.bit_xor: (bits_of_itself, bits_and_constant),
}
