"""Averages and spreads, their variants that leave NaN out, and covariances."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import cast, lift
from tapec.ir.dtypes import FLOATS
from tapec.ops import reduction
from tapec.surface.axes import several_axes
from tapec.surface.exponential import root_of_sum
from tapec.surface.primitives import both, broadcast, floating, reshape, select, strong, transpose, truth
from tapec.surface.reductions import max_over, min_over, prod_over, reduce, sum_over
from tapec.surface.registry import implements, refuse
from tapec.surface.short_floats import in_single
from tapec.tensor import Tensor

_MISSING = np._NoValue
_F64 = np.dtype(np.float64)


def _typed(a: Any, dtype: Any) -> Tensor:
    return floating(a) if dtype is None else cast(lift(a), np.dtype(dtype))


def _count(x: Tensor, axis: Any, keepdims: Any, where: Any) -> float | Tensor:
    """Elements that a reduction over `axis` takes in: a number, or a tensor where a mask chooses them."""
    if where is True or where is _MISSING:
        shape = x._array.shape
        n = 1
        for i in several_axes(axis, len(shape)):
            n *= shape[i]
        return float(n)
    mask = broadcast(truth(lift(where)), x._array.shape)
    return reduce(reduction.sum, cast(mask, x._array.dtype), axis, keepdims)


@implements(np.mean)
def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Tensor:
    if out is not None:
        refuse(np.mean, out=out)
    return _average_of(_typed(a, dtype), axis, keepdims, where)


@in_single
def _average_of(x: Tensor, axis: Any, keepdims: Any, where: Any) -> Tensor:
    return sum_over(x, axis, None, None, keepdims, where=where) / _count(x, axis, keepdims, where)


def _variance(x: Tensor, axis: Any, ddof: Any, keepdims: Any, where: Any, mean: Any = _MISSING) -> Tensor:
    center = lift(mean) if mean is not _MISSING else _mean(x, axis, keepdims=True, where=where)
    distance = x - center
    total = sum_over(distance * distance, axis, None, None, keepdims, where=where)
    count = _count(x, axis, keepdims, where)
    freedom = NUMPY_FUNCTIONS[np.maximum](count - ddof, 0.0) if isinstance(count, Tensor) else max(count - ddof, 0.0)
    return total / freedom  # type: ignore[no-any-return]


def _spread(function: Any, finish: Callable[[Tensor], Tensor]) -> None:
    """`np.var` and `np.std` differ only in what they make of the variance."""

    @in_single
    def compute(x: Tensor, axis: Any, ddof: Any, keepdims: Any, where: Any, mean: Any) -> Tensor:
        return finish(_variance(x, axis, ddof, keepdims, where, mean))

    @implements(function)
    def spread(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = False,
        *,
        where: Any = True,
        mean: Any = _MISSING,
        correction: Any = _MISSING,
    ) -> Tensor:
        refuse(function, out=out)
        ddof = ddof if correction is _MISSING else correction
        return compute(_typed(a, dtype), axis, ddof, keepdims, where, mean)


_spread(np.var, lambda variance: variance)
_spread(np.std, root_of_sum)


@implements(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    x = floating(a)
    if weights is None:
        average = _mean(x, axis, keepdims=keepdims)
        scale = NUMPY_FUNCTIONS[np.full_like](average, _count(x, axis, keepdims, True))
    else:
        w = strong(weights)
        if w._array.shape != x._array.shape:
            axes = several_axes(axis, x._array.ndim)
            w = reshape(
                transpose(w, tuple(sorted(range(len(axes)), key=lambda i: axes[i]))),
                tuple([n if i in axes else 1 for i, n in enumerate(x._array.shape)]),
            )
            w = broadcast(w, x._array.shape)
        scale = sum_over(floating(w) if w._array.dtype.kind not in FLOATS else w, axis, None, None, keepdims)
        average = sum_over(x * w, axis, None, None, keepdims) / scale
    return (average, scale) if returned else average


# Without NaN -------------------------------------------------------------------------------------------------------


def _present(x: Tensor, where: Any) -> Tensor:
    mask = x == x
    return mask if where is True or where is _MISSING else both(mask, truth(lift(where)))


@implements(np.nansum)
def _nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _MISSING,
    where: Any = True,
) -> Tensor:  # fmt: skip
    x = strong(a)
    return sum_over(select(x == x, x, 0), axis, dtype, out, keepdims, initial, where)


@implements(np.nanprod)
def _nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _MISSING,
    where: Any = True,
) -> Tensor:  # fmt: skip
    x = strong(a)
    return prod_over(select(x == x, x, 1), axis, dtype, out, keepdims, initial, where)


@implements(np.nanmean)
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Tensor:
    x = _typed(a, dtype)
    return _mean(x, axis, None, out, keepdims, where=_present(x, where))


@implements(np.nanvar)
def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
    where: Any = True,
) -> Tensor:  # fmt: skip
    refuse(np.nanvar, out=out)
    return _present_variance(_typed(a, dtype), axis, ddof, keepdims, where)


@implements(np.nanstd)
def _nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
    where: Any = True,
) -> Tensor:  # fmt: skip
    refuse(np.nanstd, out=out)
    return _present_spread(_typed(a, dtype), axis, ddof, keepdims, where)


@in_single
def _present_variance(x: Tensor, axis: Any, ddof: Any, keepdims: Any, where: Any) -> Tensor:
    return _variance(x, axis, ddof, keepdims, _present(x, where))


@in_single
def _present_spread(x: Tensor, axis: Any, ddof: Any, keepdims: Any, where: Any) -> Tensor:
    return root_of_sum(_present_variance(x, axis, ddof, keepdims, where))


def _nan_extreme(function: Any, extreme: Any, fill: float) -> None:
    @implements(function)
    def call(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _MISSING, where: Any = True
    ) -> Tensor:
        x = strong(a)
        if x._array.dtype.kind not in FLOATS:
            return extreme(x, axis, out, keepdims, initial, where)  # type: ignore[no-any-return]
        result = extreme(select(x == x, x, fill), axis, out, keepdims, initial, where)
        nothing = NUMPY_FUNCTIONS[np.all](x != x, axis, None, keepdims)
        return select(nothing, float("nan"), result)


_nan_extreme(np.nanmax, max_over, -inf)
_nan_extreme(np.nanmin, min_over, inf)


# Several variables ---------------------------------------------------------------------------------------------------


@implements(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Tensor:  # fmt: skip
    refuse(np.cov, fweights=fweights, aweights=aweights)
    x = _variables(m, rowvar, dtype)
    if y is not None:
        x = NUMPY_FUNCTIONS[np.concatenate]([x, _variables(y, rowvar, dtype)], axis=0)
    centered = x - _mean(x, 1, keepdims=True)
    freedom = x._array.shape[1] - (int(not bias) if ddof is None else ddof)
    product: Tensor = NUMPY_FUNCTIONS[np.matmul](centered, transpose(centered, (1, 0)))
    return TENSOR_FUNCTIONS[np.squeeze](product / float(max(freedom, 0)))


def _variables(m: Any, rowvar: bool, dtype: Any) -> Tensor:
    x: Tensor = NUMPY_FUNCTIONS[np.atleast_2d](_typed(m, _F64 if dtype is None else dtype))
    return x if rowvar or x._array.shape[0] == 1 else transpose(x, (1, 0))


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Tensor:
    c = _cov(x, y, rowvar, dtype=dtype)
    if not c._array.ndim:
        return c / c
    spread = root_of_sum(NUMPY_FUNCTIONS[np.diagonal](c))
    scaled = c / reshape(spread, (spread._array.size, 1)) / spread
    return TENSOR_FUNCTIONS[np.clip](scaled, -1, 1)
