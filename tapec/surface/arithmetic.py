"""Addition to powers: Python's arithmetic operators and the ufuncs behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import OPERATORS
from tapec.dispatch import apply, cast, lift
from tapec.ir.dtypes import FLOATS
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.surface.primitives import magnitude, odd, power, select, sqrt
from tapec.surface.ufuncs import Formula, binary_operator, ufunc, unary_operator, weaken
from tapec.tensor import Tensor


def _of(primitive: Primitive) -> Formula:
    return lambda a, b: apply(primitive, (a, b))


binary_operator("add", np.add, ew.add, _of(ew.add))
binary_operator("sub", np.subtract, ew.sub, _of(ew.sub))
binary_operator("mul", np.multiply, ew.mul, _of(ew.mul))
binary_operator("truediv", np.true_divide, ew.div, _of(ew.div))
binary_operator("floordiv", np.floor_divide, ew.floor_divide, _of(ew.floor_divide))
binary_operator("mod", np.remainder, ew.remainder, _of(ew.remainder))


@ufunc(np.divmod)
def _divmod(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return apply(ew.floor_divide, (a, b)), apply(ew.remainder, (a, b))


binary_operator("divmod", np.divmod, None, _divmod)


def _negative(x: Tensor) -> Tensor:
    return apply(ew.neg, (x,))


def _absolute(x: Tensor) -> Tensor:
    return x if x._array.dtype.kind in "bu" else apply(ew.abs, (x,))


def _positive(x: Tensor) -> Tensor:
    return x


unary_operator("neg", np.negative, _negative)
unary_operator("abs", np.absolute, _absolute)
unary_operator("pos", np.positive, _positive)
ufunc(np.fabs)(_absolute)
ufunc(np.conjugate)(_positive)


@ufunc(np.square)
def _square(x: Tensor) -> Tensor:
    return apply(ew.mul, (x, x))


@ufunc(np.reciprocal)
def _reciprocal(x: Tensor) -> Tensor:
    if x._array.dtype.kind in FLOATS:
        return apply(ew.div, (lift(1, x._array.dtype), x))
    return select(magnitude(x) == 1, x, 0)  # 1 / x, rounded towards zero


@ufunc(np.fmod)
def _fmod(a: Tensor, b: Tensor) -> Tensor:
    if a._array.dtype.kind == "u":
        return apply(ew.remainder, (a, b))
    return odd(a, apply(ew.remainder, (magnitude(a), magnitude(b))))


# Powers ----------------------------------------------------------------------------------------------------------

# Repeated squaring loses about n/2 ulp; beyond this exponent `pow` is closer.
_LARGEST_SQUARED_EXPONENT = 16


def _power(a: Tensor, b: Tensor) -> Tensor:
    """Power of operands in one dtype."""
    if b._literal:
        return _literal_power(a, b._array.item())
    if a._array.dtype.kind in FLOATS:
        return power(a, b)
    return _integer_power(a, b)


def _literal_power(x: Tensor, exponent: float) -> Tensor:
    kind = x._array.dtype.kind
    if exponent == 1:
        return x
    if exponent == 2:
        return apply(ew.mul, (x, x))
    if kind not in FLOATS:
        if exponent < 0:
            raise ValueError("Integers to negative integer powers are not allowed.")
        return apply(ew.integer_pow, (x,), {"exponent": int(exponent)})
    if exponent == 0.5:
        return sqrt(x)
    if exponent == -1:
        return apply(ew.div, (lift(1, x._array.dtype), x))
    if float(exponent).is_integer() and abs(exponent) <= _LARGEST_SQUARED_EXPONENT:
        return apply(ew.integer_pow, (x,), {"exponent": int(exponent)})
    return power(x, exponent)


def _integer_power(a: Tensor, b: Tensor) -> Tensor:
    """Integer power with an exponent per element: one squaring for each bit that the exponent can have."""
    dtype = b._array.dtype
    if dtype.kind == "i" and b._array.size and (b < 0).any():  # a guard: compiled code looks again
        raise ValueError("Integers to negative integer powers are not allowed.")
    out = select(b == b, 1, a)
    square, left = a, b
    bits = dtype.itemsize * 8 - (dtype.kind == "i")
    for bit in range(bits):
        out = select(left % 2 == 1, out * square, out)
        if bit < bits - 1:
            square, left = square * square, left // 2
    return out


binary_operator("pow", np.power, None, _power)
ufunc(np.float_power)(_power)
_general_operator = OPERATORS["pow"]


def _power_operator(a: Any, b: Any) -> Any:
    """`a ** b`: a number as exponent stays out of promotion, and Python's own rule holds for weak bases."""
    if (type(b) is int or type(b) is float) and type(a) is Tensor:
        kind = a._array.dtype.kind
        if kind in FLOATS and not a._weak:
            return _literal_power(a, b)
        if a._weak and kind == "i" and type(b) is int and b < 0:  # Python: 2 ** -1 is 0.5
            return weaken(_literal_power(cast(a, np.dtype(np.float64)), b))
    return _general_operator(a, b)


OPERATORS["pow"] = _power_operator
