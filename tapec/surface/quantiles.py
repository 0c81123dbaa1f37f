"""Medians, quantiles and percentiles, with and without NaN."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, lift
from tapec.errors import UnsupportedFunctionError
from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.surface.axes import kept, several_axes
from tapec.surface.ordering import sorted_along
from tapec.surface.primitives import broadcast, floating, reshape, select, transpose, window
from tapec.surface.reductions import reduce
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor

_MISSING = np._NoValue
_F64 = np.dtype(np.float64)


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
    dtype, n = x._array.dtype, x._array.shape[-1]
    if not n:
        return broadcast(cast(lift(nan), dtype), positions.shape + x._array.shape[:-1])
    ordered = sorted_along(x, x._array.ndim - 1)
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
    def call(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Tensor:
        refuse(function, out=out)
        return _order_statistic(a, 0.5, axis, keepdims, "linear", skip_nan)


_register_median(np.median, False)
_register_median(np.nanmedian, True)
