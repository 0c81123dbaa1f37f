"""Sorting and searching."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, lift, located, promote
from tapec.errors import AttributeValueError
from tapec.ops import indexing, ordering
from tapec.surface.axes import one_axis
from tapec.surface.primitives import both, broadcast, either, inverted, reshape, select, take
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor


def sorted_along(x: Tensor, axis: int) -> Tensor:
    """Ascending along an axis, NaN last."""
    return apply(indexing.take_along, (x, apply(ordering.argsort, (x,), {"axis": axis})), {"axis": axis})


@implements(np.sort)
def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    refuse(np.sort, order=order)
    x = lift(a)
    if axis is None:
        return sorted_along(reshape(x, (x._array.size,)), 0)
    return sorted_along(x, one_axis(axis, x._array.ndim))


@implements(np.argsort)
def _argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    """Always the stable order: ties keep theirs."""
    refuse(np.argsort, order=order)
    x = lift(a)
    if axis is None or not x._array.ndim:
        x = reshape(x, (x._array.size,))
    return apply(ordering.argsort, (x,), {"axis": one_axis(axis or 0, x._array.ndim)})


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Tensor:
    """The sorted elements, which are a partition around each of `kth`."""
    refuse(np.partition, order=order)
    _check_kth(lift(a), kth, axis)
    return _sort(a, axis)


@implements(np.argpartition)
def _argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Tensor:
    """Where the sorted elements come from, stably."""
    refuse(np.argpartition, order=order)
    _check_kth(lift(a), kth, axis)
    return _argsort(a, axis)


def _check_kth(x: Tensor, kth: Any, axis: Any) -> None:
    extent = x._array.size if axis is None else x._array.shape[one_axis(axis, x._array.ndim)]
    for k in np.atleast_1d(np.asarray(kth)).tolist():
        if not -extent <= k < extent:
            raise located(AttributeValueError(f"kth {k} is out of bounds, for an extent of {extent}"))


@implements(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
    """Binary search: each step doubles its resolution, and all elements of `v` take it together."""
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right', got {side!r}")
    table, wanted = promote(lift(a), lift(v))
    if sorter is not None:
        table = take(table, lift(sorter), 0)
    nan = wanted != wanted  # lies behind everything, as sorting puts it
    n = table._array.size
    position = broadcast(lift(np.zeros((), np.int64)), wanted._array.shape)
    step = 1 << max(n.bit_length() - 1, 0)
    while step and n:
        ahead = position + step
        element = take(table, NUMPY_FUNCTIONS[np.clip](ahead - 1, 0, n - 1), 0)
        if side == "left":
            below = either(element < wanted, both(nan, element == element))
        else:
            below = either(element <= wanted, nan)
        position = select(both(ahead <= n, below), ahead, position)
        step //= 2
    return position


@implements(np.digitize)
def _digitize(x: Any, bins: Any, right: bool = False) -> Tensor:
    edges = lift(bins)
    side = "left" if right else "right"
    array = edges._array
    if array.size > 1 and array[0] > array[-1]:  # decreasing bins count from the other end
        mirrored = NUMPY_FUNCTIONS[np.flip](edges)
        return array.size - _searchsorted(mirrored, x, "right" if right else "left")
    return _searchsorted(edges, x, side)


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Tensor:
    """Linear interpolation in double precision, as NumPy's."""
    refuse(np.interp, period=period)
    to_float = NUMPY_FUNCTIONS[np.astype]
    at, knots, values = (to_float(lift(t), np.float64) for t in (x, xp, fp))
    n = knots._array.size
    upper = NUMPY_FUNCTIONS[np.clip](_searchsorted(knots, at, "right"), 1, max(n - 1, 1))
    lower = upper - 1
    upper = NUMPY_FUNCTIONS[np.minimum](upper, n - 1)
    x0, x1, y0, y1 = take(knots, lower, 0), take(knots, upper, 0), take(values, lower, 0), take(values, upper, 0)
    flat = x1 == x0
    slope = (y1 - y0) / select(flat, 1, x1 - x0)
    at_knot = both(at == x0, inverted(NUMPY_FUNCTIONS[np.isfinite](slope)))  # knots have values beside a NaN too
    inside = select(at_knot, y0, y0 + slope * (at - x0))
    first, last = values[0], values[n - 1]
    low = first if left is None else lift(left, np.dtype(np.float64))
    high = last if right is None else lift(right, np.dtype(np.float64))
    return select(at < knots[0], low, select(at > knots[n - 1], high, select(at == knots[n - 1], last, inside)))
