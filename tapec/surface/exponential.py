"""Exponentials, logarithms, roots and their sums."""

from __future__ import annotations

from math import log as ln

import numpy as np

from tapec.ops import elementwise as ew
from tapec.surface.primitives import (
    INFINITY,
    both,
    either,
    exp,
    log,
    log1p,
    magnitude,
    odd,
    power,
    select,
    sqrt,
    stop_gradient,
)
from tapec.surface.ufuncs import ufunc, unary_primitive
from tapec.tensor import Tensor

unary_primitive(np.exp, ew.exp)
unary_primitive(np.expm1, ew.expm1)
unary_primitive(np.log, ew.log)
unary_primitive(np.log1p, ew.log1p)
unary_primitive(np.sqrt, ew.sqrt)


@ufunc(np.exp2)
def _exp2(x: Tensor) -> Tensor:
    return power(2, x)  # exp(x ln 2) would lose as many bits as x has before its point


@ufunc(np.log2)
def _log2(x: Tensor) -> Tensor:
    return log(x) / ln(2)


@ufunc(np.log10)
def _log10(x: Tensor) -> Tensor:
    return log(x) / ln(10)


@ufunc(np.cbrt)
def _cbrt(x: Tensor) -> Tensor:
    a = magnitude(x)
    root = power(a, 1 / 3)
    # 1/3 is rounded, which pow multiplies by log(a): one step of Newton's method puts that right, in derivatives too.
    exact = either(a == 0, a == INFINITY)
    r, a = select(exact, 1, root), select(exact, 1, a)
    return odd(x, root - (r * r * r - a) / (3 * (r * r)))


@ufunc(np.logaddexp)
def _logaddexp(a: Tensor, b: Tensor) -> Tensor:
    if _is_zero(a):
        return softplus(b)
    if _is_zero(b):
        return softplus(a)
    high, below = _high_and_distance(a, b)
    return high + log1p(exp(below))


@ufunc(np.logaddexp2)
def _logaddexp2(a: Tensor, b: Tensor) -> Tensor:
    high, below = _high_and_distance(a, b)
    return high + log1p(power(2, below)) / ln(2)


def _is_zero(t: Tensor) -> bool:
    return t._literal and t._array.item() == 0


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)). Selected on the sign, not through |x|, so that every derivative at 0 is the function's own."""
    positive = x > 0
    return select(positive, x, 0) + log1p(exp(select(positive, -x, x)))


def _high_and_distance(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The larger operand, and how far below it the other is; -inf below an infinite one, which then is the result."""
    swap = b > a
    high, low = select(swap, b, a), select(swap, a, b)
    alone = both(abs(high) == INFINITY, low == low)
    return high, select(alone, -INFINITY, low - select(alone, 0, high))


@ufunc(np.hypot)
def _hypot(a: Tensor, b: Tensor) -> Tensor:
    """Scaled by the larger one, held constant: the result is the same for any scale, and so are derivatives."""
    larger = stop_gradient(_maximum_magnitude(a, b))
    scale = select(both(larger > 0, larger < INFINITY), larger, 1)
    p, q = a / scale, b / scale
    infinite = either(abs(a) == INFINITY, abs(b) == INFINITY)
    return select(infinite, INFINITY, scale * root_of_sum(p * p + q * q))


def _maximum_magnitude(a: Tensor, b: Tensor) -> Tensor:
    p, q = abs(a), abs(b)
    return select(p > q, p, q)


def root_of_sum(squares: Tensor) -> Tensor:
    """Square root of a sum of squares; its derivative at 0 is 0 rather than an infinity that would meet zeros."""
    zero = squares == 0
    return select(zero, 0, sqrt(select(zero, 1, squares)))
