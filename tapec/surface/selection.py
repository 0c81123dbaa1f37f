"""Choosing between elements: extremes of two, `where`, `clip` and their kin; rounding and signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, cast, lift, promote
from tapec.errors import UnsupportedFunctionError
from tapec.ir import dtypes
from tapec.ir.dtypes import FLOATS
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.surface.comparison import signbit
from tapec.surface.primitives import INFINITY, both, filled, maximum, minimum, select, stop_gradient, truth
from tapec.surface.registry import implements, refuse
from tapec.surface.ufuncs import binary_primitive, ufunc
from tapec.tensor import Tensor

binary_primitive(np.maximum, ew.maximum)
binary_primitive(np.minimum, ew.minimum)


@ufunc(np.fmax)
def _fmax(a: Tensor, b: Tensor) -> Tensor:
    if a._array.dtype.kind not in FLOATS:
        return maximum(a, b)
    return select(a != a, b, select(b != b, a, maximum(a, b)))


@ufunc(np.fmin)
def _fmin(a: Tensor, b: Tensor) -> Tensor:
    if a._array.dtype.kind not in FLOATS:
        return minimum(a, b)
    return select(a != a, b, select(b != b, a, minimum(a, b)))


@implements(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return NUMPY_FUNCTIONS[np.nonzero](condition)
    a, b = promote(lift(x), lift(y))
    return apply(ew.select, (truth(lift(condition)), a, b))


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError("select takes as many conditions as choices, and at least one")
    operands = promote(*[lift(choice) for choice in choicelist], lift(default))
    out = operands[-1]
    for condition, choice in zip(reversed(condlist), reversed(operands[:-1]), strict=True):
        out = apply(ew.select, (lift(condition), choice, out))
    return out


@implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    refuse(np.clip, out=out)
    low, high = a_min if a_min is not None else min, a_max if a_max is not None else max
    x = lift(a)
    bounds = [lift(bound) for bound in (low, high) if bound is not None]
    x, *bounds = promote(x, *bounds)
    if low is not None:
        x = maximum(x, bounds[0])
    return minimum(x, bounds[-1]) if high is not None else x


@implements(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    if not copy:
        raise UnsupportedFunctionError("nan_to_num(copy=False) would write to a tensor; use the result instead")
    t = lift(x)
    if t._array.dtype.kind not in FLOATS:
        return t
    largest = dtypes.of(t._array.dtype).largest
    high = largest if posinf is None else posinf
    low = -largest if neginf is None else neginf
    return select(t != t, nan, select(t == INFINITY, high, select(t == -INFINITY, low, t)))


# Rounding and signs ----------------------------------------------------------------------------------------------


def _rounding(function: np.ufunc, primitive: Primitive) -> None:
    def formula(x: Tensor) -> Tensor:
        return apply(primitive, (x,)) if x._array.dtype.kind in FLOATS else x

    ufunc(function)(formula)


_rounding(np.floor, ew.floor)
_rounding(np.ceil, ew.ceil)
_rounding(np.trunc, ew.trunc)
_rounding(np.rint, ew.rint)


@implements(np.fix)
def _fix(x: Any, out: Any = None) -> Tensor:
    refuse(np.fix, out=out)
    return TENSOR_FUNCTIONS[np.trunc](x)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0, out: Any = None) -> Tensor:
    refuse(np.round, out=out)
    x = lift(a)
    dtype = x._array.dtype
    if dtype.kind == "b":  # as NumPy has it
        return _round(cast(x, np.dtype(np.float16)), decimals)
    if dtype.kind not in FLOATS:
        if decimals >= 0:
            return x
        scale = 10.0**-decimals
        return cast(apply(ew.rint, (cast(x, np.dtype(np.float64)) / scale,)) * scale, dtype)
    if decimals == 0:
        return apply(ew.rint, (x,))
    scale = 10.0 ** abs(decimals)
    return apply(ew.rint, (x * scale,)) / scale if decimals > 0 else apply(ew.rint, (x / scale,)) * scale


@ufunc(np.sign)
def _sign(x: Tensor) -> Tensor:
    return apply(ew.sign, (x,))


@ufunc(np.copysign)
def _copysign(a: Tensor, b: Tensor) -> Tensor:
    size = abs(a)
    return select(signbit(b), -size, size)


@ufunc(np.heaviside)
def _heaviside(x: Tensor, at_zero: Tensor) -> Tensor:
    step = select(x > 0, 1, select(x == x, 0, stop_gradient(x)))  # NaN stays NaN
    return select(x == 0, at_zero, step)


@ufunc(np.modf)
def _modf(x: Tensor) -> tuple[Tensor, Tensor]:
    whole = apply(ew.trunc, (x,))
    infinite = abs(x) == INFINITY
    return select(infinite, 0, x - select(infinite, 0, whole)), whole


@ufunc(np.frexp)
def _frexp(x: Tensor) -> tuple[Tensor, Tensor]:
    """By powers of two, the larger ones first: each product is exact, and so is the derivative."""
    dtype = x._array.dtype
    top = np.finfo(dtype).maxexp // 2
    powers = [top >> i for i in range(top.bit_length())]
    m, exponent = x, filled(0, x._array.shape, np.dtype(np.intc))
    for k in powers:
        large = abs(m) >= 2.0**k
        m, exponent = select(large, m * 2.0**-k, m), select(large, exponent + k, exponent)
    for k in (top, *powers):  # subnormal numbers reach twice as far down
        small = abs(m) < 2.0**-k
        m, exponent = select(small, m * 2.0**k, m), select(small, exponent - k, exponent)
    one = abs(m) >= 1
    m, exponent = select(one, m * 0.5, m), select(one, exponent + 1, exponent)
    whole = both(x != 0, abs(x) < INFINITY)
    return select(whole, m, x), select(whole, exponent, 0)


@ufunc(np.ldexp)
def _ldexp(x: Tensor, exponent: Tensor) -> Tensor:
    """In two halves, so that 2**exponent itself need not be a float."""
    n = cast(exponent, x._array.dtype)
    half = apply(ew.floor, (n * 0.5,))
    two = lift(2, x._array.dtype)
    return x * apply(ew.pow, (two, half)) * apply(ew.pow, (two, n - half))


# Real numbers as complex ones --------------------------------------------------------------------------------------


@implements(np.real, np.real_if_close)
def _real(val: Any, tol: float = 100) -> Tensor:
    return lift(val)


@implements(np.imag)
def _imag(val: Any) -> Tensor:
    return TENSOR_FUNCTIONS[np.zeros_like](val)


@implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Tensor:
    x = stop_gradient(lift(z))
    x = x if x._array.dtype.kind in FLOATS else cast(x, np.dtype(np.float64))
    angle = NUMPY_FUNCTIONS[np.arctan2](select(x == x, 0, x), x)
    return angle * (180 / np.pi) if deg else angle  # type: ignore[no-any-return]
