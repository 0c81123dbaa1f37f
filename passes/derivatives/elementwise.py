"""Partials of the elementwise primitives."""

from __future__ import annotations

from math import pi, sqrt

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, equal, select
from tapec.passes.derivatives.table import Excused, Mask, Partial, Partials, Rows, Share, Weight


def _integer_pow(out: Sym, x: Sym, *, exponent: int) -> Partial:
    if exponent in (0, 1):
        return float(exponent)
    if exponent == 2:
        return 2.0 * x
    if exponent == -1:
        return -(out * out)
    return float(exponent) * apply(ew.integer_pow, x, exponent=exponent - 1)


def _pow_base(out: Sym, x: Sym, y: Sym) -> Sym:
    # The strong product: at y = 0 the power is constant, even where x**(y - 1) is infinite.
    return apply(ew.strong_mul, y, apply(ew.pow, x, y - 1.0))


def _pow_exponent(out: Sym, x: Sym, y: Sym) -> Sym:
    # At a base of 0 or below, where the logarithm is not finite, the derivative is 0 by convention, as in TensorFlow.
    return apply(ew.strong_mul, select(x <= 0.0, 0.0, apply(ew.log, x)), out)


def _atan2_y(out: Sym, y: Sym, x: Sym) -> Sym:
    return x / (x * x + y * y)


def _atan2_x(out: Sym, y: Sym, x: Sym) -> Sym:
    return -y / (x * x + y * y)


def _erf(out: Sym, x: Sym) -> Sym:
    return (2.0 / sqrt(pi)) * apply(ew.exp, -(x * x))


def _share(a: Sym, b: Sym) -> Share:
    """1 where a > b, 0 where a < b, and one half at a tie."""
    return Share(a > b, equal(a, b))


def _boolean(name: str) -> Excused:
    return Excused(f"{name} gives booleans, which have no derivative")


_BITS = Excused("works on integers and booleans, which have no derivative")
_FLAT = Partials((0.0,))  # constant between its jumps: connected, and zero everywhere

ROWS: Rows = {
    ew.add: Partials((1.0, 1.0)),
    ew.sub: Partials((1.0, -1.0)),
    ew.mul: Partials((lambda out, a, b: b, lambda out, a, b: a)),
    ew.strong_mul: Partials((lambda out, a, b: b, lambda out, a, b: Weight(a))),
    ew.zero_mul: Partials((lambda out, a, b: Weight(b), lambda out, a, b: Weight(a))),
    ew.div: Partials((lambda out, a, b: 1.0 / b, lambda out, a, b: -out / b)),
    ew.floor_divide: Partials((0.0, 0.0)),
    ew.remainder: Partials((1.0, lambda out, a, b: -apply(ew.floor_divide, a, b))),
    ew.maximum: Partials((lambda out, a, b: _share(a, b), lambda out, a, b: _share(b, a))),
    ew.minimum: Partials((lambda out, a, b: _share(b, a), lambda out, a, b: _share(a, b))),
    ew.pow: Partials((_pow_base, _pow_exponent)),
    ew.atan2: Partials((_atan2_y, _atan2_x)),
    ew.neg: Partials((-1.0,)),
    ew.abs: Partials((lambda out, x: apply(ew.sign, x),)),
    ew.sign: _FLAT,
    ew.integer_pow: Partials((_integer_pow,)),
    ew.sqrt: Partials((lambda out, x: 0.5 / out,)),
    ew.exp: Partials((lambda out, x: out,)),
    # exp(x) and not out + 1, which has no correct digit left where x is far below 0.
    ew.expm1: Partials((lambda out, x: apply(ew.exp, x),)),
    ew.log: Partials((lambda out, x: 1.0 / x,)),
    ew.log1p: Partials((lambda out, x: 1.0 / (x + 1.0),)),
    ew.sin: Partials((lambda out, x: apply(ew.cos, x),)),
    ew.cos: Partials((lambda out, x: -apply(ew.sin, x),)),
    ew.atan: Partials((lambda out, x: 1.0 / (x * x + 1.0),)),
    ew.tanh: Partials((lambda out, x: 1.0 - out * out,)),
    ew.sigmoid: Partials((lambda out, x: out * (1.0 - out),)),
    ew.erf: Partials((_erf,)),
    ew.relu: Partials((lambda out, x: Mask(out > 0.0),)),
    ew.floor: _FLAT,
    ew.ceil: _FLAT,
    ew.trunc: _FLAT,
    ew.rint: _FLAT,
    ew.stop_gradient: Excused("stopping derivatives is what it is for"),
    ew.wrap_index: Excused("indices are integers, which have no derivative"),
    ew.eq: _boolean("eq"),
    ew.ne: _boolean("ne"),
    ew.lt: _boolean("lt"),
    ew.le: _boolean("le"),
    ew.gt: _boolean("gt"),
    ew.ge: _boolean("ge"),
    ew.bit_and: _BITS,
    ew.bit_or: _BITS,
    ew.bit_xor: _BITS,
    ew.bit_not: _BITS,
}
