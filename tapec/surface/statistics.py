"""Averages, spreads, order statistics, and their variants that leave NaN out."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, lift
from tapec.errors import UnsupportedFunctionError
from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.surface.axes import kept, several_axes
from tapec.surface.exponential import root_of_sum
from tapec.surface.ordering import sorted_along
from tapec.surface.primitives import both, broadcast, floating, reshape, select, strong, transpose, truth, window
from tapec.surface.reductions import max_over, min_over, prod_over, reduce, sum_over
from tapec.surface.registry import implements, refuse
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
    refuse(np.mean, out=out)
    x = _typed(a, dtype)
    return sum_over(x, axis, None, None, keepdims, where=where) / _count(x, axis, keepdims, where)


def _variance(x: Tensor, axis: Any, ddof: Any, keepdims: Any, where: Any, mean: Any = _MISSING) -> Tensor:
    center = lift(mean) if mean is not _MISSING else _mean(x, axis, keepdims=True, where=where)
    distance = x - center
    total = sum_over(distance * distance, axis, None, None, keepdims, where=where)
    count = _count(x, axis, keepdims, where)
    freedom = NUMPY_FUNCTIONS[np.maximum](count - ddof, 0.0) if isinstance(count, Tensor) else max(count - ddof, 0.0)
    return total / freedom  # type: ignore[no-any-return]


@implements(np.var)
def _var(
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
    refuse(np.var, out=out)
    return _variance(_typed(a, dtype), axis, ddof if correction is _MISSING else correction, keepdims, where, mean)


@implements(np.std)
def _std(
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
    refuse(np.std, out=out)
    ddof = ddof if correction is _MISSING else correction
    return root_of_sum(_variance(_typed(a, dtype), axis, ddof, keepdims, where, mean))


@implements(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
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
        scale = sum_over(floating(w) if w._array.dtype.kind != "f" else w, axis, None, None, keepdims)
        average = sum_over(x * w, axis, None, None, keepdims) / scale
    return (average, scale) if returned else average


# Order statistics ------------------------------------------------------------------------------------------------


def _last(x: Tensor, axis: Any) -> tuple[Tensor, tuple[int, ...]]:
    """The reduced axes merged into one last axis, and the shape that `keepdims` wants."""
    shape = x._array.shape
    axes = several_axes(axis, len(shape))
    rest = [i for i in range(len(shape)) if i not in axes]
    moved = transpose(x, (*rest, *sorted(axes)))
    size = 1
    for i in axes:
        size *= shape[i]
    return reshape(moved, (*[shape[i] for i in rest], size)), kept(shape, axes)


def _quantiles(x: Tensor, positions: np.ndarray[Any, Any], skip_nan: bool) -> Tensor:
    """Linear interpolation between order statistics along the last axis; `positions` (0 to 1) come first."""
    ordered = sorted_along(x, x._array.ndim - 1)
    dtype, n = x._array.dtype, x._array.shape[-1]
    rows = []
    for q in positions.ravel().tolist():
        if skip_nan:
            present = reduce(reduction.sum, cast(x == x, np.dtype(np.int64)), -1, True)
            place = cast(NUMPY_FUNCTIONS[np.maximum](present - 1, 0), _F64) * q
            low = apply(ew.floor, (place,))
            fraction = cast(place - low, dtype)
            below = cast(low, np.dtype(np.int64))
            above = NUMPY_FUNCTIONS[np.minimum](below + 1, n - 1)
            at = NUMPY_FUNCTIONS[np.take_along_axis]
            a, b = at(ordered, below, -1)[..., 0], at(ordered, above, -1)[..., 0]
            fraction = fraction[..., 0]
            rows.append(select(fraction == 0, a, a + (select(fraction == 0, a, b) - a) * fraction))
            continue
        whole = (n - 1) * q
        k = min(int(whole), n - 1)
        part = whole - k
        a = reshape(window(ordered, x._array.ndim - 1, k, 1), x._array.shape[:-1])
        if part:
            b = reshape(window(ordered, x._array.ndim - 1, k + 1, 1), x._array.shape[:-1])
            a = a + (b - a) * part if part < 0.5 else b - (b - a) * (1 - part)
        final = reshape(window(ordered, x._array.ndim - 1, n - 1, 1), x._array.shape[:-1])
        rows.append(select(final != final, final, a))  # NaN sorts last, and makes the whole NaN
    stacked: Tensor = NUMPY_FUNCTIONS[np.stack](rows)
    return reshape(stacked, positions.shape + x._array.shape[:-1])


def _order_statistic(a: Any, q: Any, axis: Any, keepdims: Any, method: str, skip_nan: bool) -> Tensor:
    if method != "linear":
        raise UnsupportedFunctionError(f"quantiles by method={method!r} are not recorded on tensors; use 'linear'")
    positions = np.asarray(q, dtype=np.float64)
    if not ((positions >= 0) & (positions <= 1)).all():
        raise ValueError("Quantiles must be in the range [0, 1]")
    x = floating(a)
    if positions.ndim:  # NumPy: an array of float64 is stronger than float32, a number is not
        x = cast(x, _F64)
    x, wide = _last(x, axis)
    out = _quantiles(x, positions, skip_nan)
    return reshape(out, positions.shape + wide) if keepdims is not _MISSING and keepdims else out


def _register_quantiles(function: Any, scale: float, skip_nan: bool) -> None:
    @implements(function)
    def call(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
    ) -> Tensor:
        refuse(function, out=out)
        return _order_statistic(a, np.asarray(q) / scale, axis, keepdims, method, skip_nan)


_register_quantiles(np.quantile, 1, False)
_register_quantiles(np.percentile, 100, False)
_register_quantiles(np.nanquantile, 1, True)
_register_quantiles(np.nanpercentile, 100, True)


def _register_median(function: Any, skip_nan: bool) -> None:
    @implements(function)
    def call(
        a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
    ) -> Tensor:
        refuse(function, out=out)
        return _order_statistic(a, 0.5, axis, keepdims, "linear", skip_nan)


_register_median(np.median, False)
_register_median(np.nanmedian, True)


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
    x = _typed(a, dtype)
    return _variance(x, axis, ddof, keepdims, _present(x, where))


@implements(np.nanstd)
def _nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
    where: Any = True,
) -> Tensor:  # fmt: skip
    return root_of_sum(_nanvar(a, axis, dtype, out, ddof, keepdims, where=where))


def _nan_extreme(function: Any, extreme: Any, fill: float) -> None:
    @implements(function)
    def call(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _MISSING, where: Any = True
    ) -> Tensor:
        x = strong(a)
        if x._array.dtype.kind != "f":
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
    return NUMPY_FUNCTIONS[np.squeeze](product / float(max(freedom, 0)))  # type: ignore[no-any-return]


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
    return NUMPY_FUNCTIONS[np.clip](scaled, -1, 1)  # type: ignore[no-any-return]
