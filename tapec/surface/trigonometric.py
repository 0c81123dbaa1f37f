"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from math import pi
from math import sqrt as sqrt_of
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, lift
from tapec.ir.dtypes import FLOATS
from tapec.ops import elementwise as ew
from tapec.surface.primitives import atan2, cos, exp, expm1, log, log1p, magnitude, odd, select, sin, sqrt
from tapec.surface.registry import implements
from tapec.surface.short_floats import in_single
from tapec.surface.ufuncs import ufunc, unary_primitive
from tapec.tensor import Tensor

unary_primitive(np.sin, ew.sin)
unary_primitive(np.cos, ew.cos)
unary_primitive(np.arctan, ew.atan)
unary_primitive(np.tanh, ew.tanh)


@ufunc(np.tan)
def _tan(x: Tensor) -> Tensor:
    return sin(x) / cos(x)


def _cathetus(x: Tensor) -> Tensor:
    """sqrt(1 - x²): two roots, so that the infinite derivative at the ends meets no zero factor."""
    return sqrt(1 - x) * sqrt(1 + x)


@ufunc(np.arcsin)
def _arcsin(x: Tensor) -> Tensor:
    return atan2(x, _cathetus(x))


@ufunc(np.arccos)
def _arccos(x: Tensor) -> Tensor:
    return atan2(_cathetus(x), x)


@ufunc(np.arctan2)
def _arctan2(y: Tensor, x: Tensor) -> Tensor:
    return atan2(y, x)


# Beyond this, exp(-2|x|) is below the last bit, and exp(|x|) must be split before it overflows.
_LARGE = 20


def _split(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Whether |x| is large, exp(|x|) - 1 where it is not, and exp(|x|) / 2 without early overflow where it is."""
    a = magnitude(x)
    large = a > _LARGE
    half = exp(0.5 * a)
    return large, expm1(select(large, 0, a)), (0.5 * half) * half


@ufunc(np.sinh)
def _sinh(x: Tensor) -> Tensor:
    large, e, big = _split(x)
    return odd(x, select(large, big, 0.5 * (e + e / (e + 1))))


@ufunc(np.cosh)
def _cosh(x: Tensor) -> Tensor:
    large, e, big = _split(x)
    return select(large, big, 1 + 0.5 * (e * e / (e + 1)))


def _where_square_swamps_one(dtype: np.dtype[Any]) -> float:
    return 1 / sqrt_of(float(np.finfo(dtype).eps))


@ufunc(np.arcsinh)
def _arcsinh(x: Tensor) -> Tensor:
    a = magnitude(x)
    large = a > _where_square_swamps_one(x._array.dtype)
    s = select(large, 1, a)
    small = log1p(s + s * s / (1 + sqrt(1 + s * s)))
    return odd(x, select(large, log(select(large, a, 1)) + np.log(2).item(), small))


@ufunc(np.arccosh)
def _arccosh(x: Tensor) -> Tensor:
    large = x > _where_square_swamps_one(x._array.dtype)
    t = select(large, 1, x - 1)
    small = log1p(t + sqrt(t) * sqrt(t + 2))  # NaN below 1, where t * (t + 2) may be positive
    return select(large, log(select(large, x, 1)) + np.log(2).item(), small)


@ufunc(np.arctanh)
def _arctanh(x: Tensor) -> Tensor:
    a = magnitude(x)
    return odd(x, 0.5 * log1p((a + a) / (1 - a)))


@ufunc(np.deg2rad, np.radians)
def _deg2rad(x: Tensor) -> Tensor:
    return x * (pi / 180)


@ufunc(np.rad2deg, np.degrees)
def _rad2deg(x: Tensor) -> Tensor:
    return x * (180 / pi)


# 1 - y²/3! + y⁴/5! - ...; eight terms reach the last bit of a double up to |y| = 1/2.
_SINC_SERIES = (1.0, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000)


@implements(np.sinc)
@in_single
def _sinc(x: Any) -> Tensor:
    x = lift(x)
    y = x * pi if x._array.dtype.kind in FLOATS else NUMPY_FUNCTIONS[np.multiply](x, pi)
    small = abs(y) < 0.5
    inner, outer = select(small, y, 0), select(small, 1, y)
    square = inner * inner
    series = square * _SINC_SERIES[-1] + _SINC_SERIES[-2]
    for coefficient in _SINC_SERIES[-3::-1]:
        series = series * square + coefficient
    return select(small, series, sin(outer) / outer)


@implements(np.unwrap)
def _unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * pi) -> Tensor:
    """The jumps removed are multiples of the period, through which no derivative flows."""
    from_numpy = NUMPY_FUNCTIONS
    x: Tensor = lift(p)
    if x._array.dtype.kind not in FLOATS:
        x = x * 1.0
    if not x.shape[axis]:
        return x
    step: Tensor = from_numpy[np.diff](x, axis=axis)
    half = period / 2
    wrapped = (step + half) % period - half
    wrapped = select(wrapped == -half, select(step > 0, half, wrapped), wrapped)
    jump = select(abs(step) < (half if discont is None else discont), 0, wrapped - step)
    first = from_numpy[np.take](x, [0], axis=axis)
    correction = from_numpy[np.cumsum](apply(ew.stop_gradient, (jump,)), axis=axis)
    rest = from_numpy[np.take](x, np.arange(1, x.shape[axis]), axis=axis)
    return from_numpy[np.concatenate]([first, rest + correction], axis=axis)  # type: ignore[no-any-return]
