"""Rules for arithmetic. Each is exact in IEEE terms for every operand, NaN payloads aside.

That is why `x + 0.0 -> x` is missing: it is wrong for x = -0.0. In what follows `c` is a constant.
"""

from __future__ import annotations

from math import frexp

import numpy as np

from tapec.ir.dtypes import DType
from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.passes.rewrites.signs import never_negative_zero
from tapec.passes.rewriting import Rewriter, Rule, is_literal, literal, made_by, same


def _negated(value: Value) -> Value | None:
    """x if `value` is `neg x`."""
    op = made_by(value, ew.neg)
    return None if op is None else op.operands[0]


def add_zero(_rewriter: Rewriter, op: Op) -> Value | None:
    """`x + -0.0` -> `x`; `x + 0` -> `x` of integers and booleans; `x + 0.0` -> `x` where x is never -0.0."""
    for x, c in (op.operands, op.operands[::-1]):
        if is_literal(c, -0.0 if c.type.dtype.is_float else 0) or (is_literal(c, 0.0) and never_negative_zero(x)):
            return x
    return None


def add_negated(rewriter: Rewriter, op: Op) -> Value | None:
    """`x + neg y` -> `x - y`; `neg x + y` -> `y - x`."""
    for x, y in (op.operands, op.operands[::-1]):
        inner = _negated(y)
        if inner is not None:
            return rewriter.make(ew.sub, x, inner)
    return None


def sub_zero(rewriter: Rewriter, op: Op) -> Value | None:
    """`x - 0` -> `x`; `-0.0 - x` -> `neg x`, of integers `0 - x` -> `neg x`."""
    a, b = op.operands
    if is_literal(b, 0):
        return a
    return rewriter.make(ew.neg, b) if is_literal(a, -0.0 if a.type.dtype.is_float else 0) else None


def sub_negated(rewriter: Rewriter, op: Op) -> Value | None:
    """`x - neg y` -> `x + y`."""
    a, b = op.operands
    inner = _negated(b)
    return None if inner is None else rewriter.make(ew.add, a, inner)


def mul_one(rewriter: Rewriter, op: Op) -> Value | None:
    """`x * 1` -> `x`; `x * -1` -> `neg x`; of integers and booleans `x * 0` -> `0`."""
    for x, c in (op.operands, op.operands[::-1]):
        if is_literal(c, 1):
            return x
        kind = c.type.dtype.kind
        if kind in "if" and is_literal(c, -1):
            return rewriter.make(ew.neg, x)
        if kind != "f" and is_literal(c, 0):
            return rewriter.splat(0, op.result.type)
    return None


def div_one(rewriter: Rewriter, op: Op) -> Value | None:
    """`x / 1` -> `x`; `x / -1` -> `neg x`."""
    a, b = op.operands
    if is_literal(b, 1):
        return a
    return rewriter.make(ew.neg, a) if is_literal(b, -1) else None


def _exact_reciprocal(c: float, dtype: DType) -> float | None:
    """1 / c where both are normal powers of two."""
    limits = np.finfo(dtype.numpy)
    low = float(limits.smallest_normal)
    return 1 / c if abs(frexp(c)[0]) == 0.5 and low <= abs(c) <= 1 / low else None


def div_power_of_two(rewriter: Rewriter, op: Op) -> Value | None:
    """`x / 4.0` -> `x * 0.25`: both round the same real number."""
    a, b = op.operands
    c = literal(b)
    reciprocal = None if c is None else _exact_reciprocal(float(c), b.type.dtype)
    return None if reciprocal is None else rewriter.make(ew.mul, a, rewriter.constant(reciprocal, b.type.dtype))


def negated_pair(rewriter: Rewriter, op: Op) -> Value | None:
    """`neg x * neg y` -> `x * y`, and so for `/` and `strong_mul`."""
    a, b = op.operands
    x, y = _negated(a), _negated(b)
    return None if x is None or y is None else rewriter.make(op.primitive, x, y)


def negated_and_constant(rewriter: Rewriter, op: Op) -> Value | None:
    """`neg x * c` -> `x * -c`, and so for `/` and either order, of floats."""
    a, b = op.operands
    if not a.type.dtype.is_float:
        return None
    x, c = _negated(a), literal(b)
    if x is not None and c is not None:
        return rewriter.make(op.primitive, x, rewriter.constant(-c, b.type.dtype))
    c, x = literal(a), _negated(b)
    if x is not None and c is not None:
        return rewriter.make(op.primitive, rewriter.constant(-c, a.type.dtype), x)
    return None


def strong_mul_constant_first(rewriter: Rewriter, op: Op) -> Value | None:
    """`strong_mul(c, x)` -> `c * x` of a c that is not zero; `strong_mul(0, x)` -> `0`."""
    a, b = op.operands
    c = literal(a)
    if c is None:
        return None
    return rewriter.splat(0, op.result.type) if c == 0 else rewriter.make(ew.mul, a, b)


def strong_mul_constant_second(rewriter: Rewriter, op: Op) -> Value | None:
    """`strong_mul(x, c)` -> `(x + 0.0) * c` of a finite c > 0, `(0.0 - x) * -c` of a finite c < 0.

    The sum maps -0.0 to 0.0 and keeps all else, so that a zero gives +0.0 as `strong_mul` does.
    """
    a, b = op.operands
    c = literal(b)
    if c is None or c == 0 or not np.isfinite(c):
        return None
    dtype = b.type.dtype
    zero = rewriter.constant(0.0, dtype)
    if c > 0:
        return rewriter.make(ew.mul, rewriter.make(ew.add, a, zero), b)
    return rewriter.make(ew.mul, rewriter.make(ew.sub, zero, a), rewriter.constant(-c, dtype))


def neg_inward(rewriter: Rewriter, op: Op) -> Value | None:
    """`neg neg x` -> `x`; of floats `neg (x * c)` -> `x * -c`, `neg (x / c)` -> `x / -c`.

    Not `neg (c / x)` -> `-c / x`: derivatives negate quotients that are there already.
    """
    (value,) = op.operands
    inner = value.op
    if inner is None:
        return None
    if inner.primitive is ew.neg:
        return inner.operands[0]
    if inner.primitive not in (ew.mul, ew.div) or not value.type.dtype.is_float:
        return None
    a, b = inner.operands
    c = literal(b)
    if c is not None:
        return rewriter.make(inner.primitive, a, rewriter.constant(-c, b.type.dtype))
    c = literal(a) if inner.primitive is ew.mul else None
    return None if c is None else rewriter.make(ew.mul, rewriter.constant(-c, a.type.dtype), b)


def abs_of_sign(rewriter: Rewriter, op: Op) -> Value | None:
    """`abs x` -> `x` of unsigned integers; else `abs(neg x)`, `abs(abs x)` -> `abs x`; `abs(relu x)` -> `relu x`."""
    (value,) = op.operands
    if value.type.dtype.kind == "u":
        return value
    inner = _negated(value)
    if inner is not None:
        return rewriter.make(ew.abs, inner)
    return value if made_by(value, ew.abs) or made_by(value, ew.relu) else None


def integer_pow_trivial(rewriter: Rewriter, op: Op) -> Value | None:
    """`x ** 1` -> `x`; `x ** 0` -> `1`; `(neg x) ** 2n` and `(abs x) ** 2n` -> `x ** 2n`."""
    (x,), exponent = op.operands, op.attributes["exponent"]
    assert isinstance(exponent, int)
    if exponent == 1:
        return x
    if exponent == 0:
        return rewriter.splat(1, op.result.type)
    inner = made_by(x, ew.neg) or made_by(x, ew.abs)
    if inner is None or exponent % 2:
        return None
    return rewriter.make(ew.integer_pow, inner.operands[0], exponent=exponent)


def idempotent(_rewriter: Rewriter, op: Op) -> Value | None:
    """`f(f x)` -> `f x`, of `relu`, `sign` and `stop_gradient`."""
    (value,) = op.operands
    return value if made_by(value, op.primitive) else None


_ROUNDING = (ew.floor, ew.ceil, ew.trunc, ew.rint)


def round_integral(_rewriter: Rewriter, op: Op) -> Value | None:
    """`floor(rint x)` -> `rint x`, and so for every pair of roundings; `floor(cast i)` -> `cast i` of an integer i."""
    (value,) = op.operands
    inner = value.op
    if inner is None:
        return None
    integral = inner.primitive in _ROUNDING or (
        inner.primitive is ew.cast and inner.operands[0].type.dtype.kind in "biu"
    )
    return value if integral else None


def of_itself(_rewriter: Rewriter, op: Op) -> Value | None:
    """`maximum(x, x)` -> `x`, and so for `minimum`, `bit_and`, `bit_or`."""
    a, b = op.operands
    return a if same(a, b) else None


RULES: dict[Primitive, tuple[Rule, ...]] = {
    ew.add: (add_zero, add_negated),
    ew.sub: (sub_zero, sub_negated),
    ew.mul: (mul_one, negated_pair, negated_and_constant),
    ew.div: (div_one, div_power_of_two, negated_pair, negated_and_constant),
    ew.strong_mul: (strong_mul_constant_first, strong_mul_constant_second, negated_pair),
    ew.neg: (neg_inward,),
    ew.abs: (abs_of_sign,),
    ew.integer_pow: (integer_pow_trivial,),
    ew.relu: (idempotent,),
    ew.sign: (idempotent,),
    ew.stop_gradient: (idempotent,),
    ew.floor: (round_integral,),
    ew.ceil: (round_integral,),
    ew.trunc: (round_integral,),
    ew.rint: (round_integral,),
    ew.maximum: (of_itself,),
    ew.minimum: (of_itself,),
}
