"""`np.histogram`: how many elements, or how much weight, there is between each two edges."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import cast, lift, located, promote
from tapec.errors import AttributeValueError, ShapeError, UnsupportedFunctionError
from tapec.ir.dtypes import FLOATS
from tapec.scattering import sum_into
from tapec.surface.primitives import both, filled, reshape, select, strong, window
from tapec.surface.registry import implements
from tapec.tensor import Tensor

_I64, _F64 = np.dtype(np.int64), np.dtype(np.float64)


@implements(np.histogram)
def _histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Tensor, Tensor]:
    """Counts are integers without a derivative; sums of `weights` have one by these, and edges that are found in `a`
    one by `a`.
    """
    x = strong(a)
    edges = _edges(x, bins, range)
    rows = filled(1, x._array.shape, _I64) if weights is None else strong(weights)
    if rows._array.shape != x._array.shape:
        raise located(ShapeError(f"histogram: {x.shape} and weights of shape {rows.shape} differ"))
    size, count = x._array.size, edges._array.size - 1
    x, rows = reshape(x, (size,)), reshape(rows, (size,))
    behind = TENSOR_FUNCTIONS[np.searchsorted](edges, x, side="right")
    last = edges[count]
    place = select(x == last, count - 1, behind - 1)  # the last bin has both of its edges
    inside = both(x >= edges[0], x <= last)
    sums = window(sum_into(rows, select(inside, place, count), count + 1), 0, 0, count)
    if density:
        widths = cast(TENSOR_FUNCTIONS[np.diff](edges), _F64)
        sums = sums / widths / TENSOR_FUNCTIONS[np.sum](sums)
    return sums, edges


@implements(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Tensor:
    return _edges(strong(a), bins, range)


def _edges(x: Tensor, bins: Any, limits: Any) -> Tensor:
    """One more than there are bins, in ascending order."""
    if isinstance(bins, str):
        raise UnsupportedFunctionError(
            f"np.histogram does not choose bins by {bins!r} on tensors: give their number, or the edges"
        )
    if np.ndim(bins):
        edges = strong(bins)
        if edges._array.ndim != 1 or edges._array.size < 2:
            raise located(ShapeError(f"bins must be a number, or edges along one axis, got shape {edges.shape}"))
        if not NUMPY_FUNCTIONS[np.all](window(edges, 0, 0, edges.size - 1) <= window(edges, 0, 1, edges.size - 1)):
            raise located(AttributeValueError("bins must increase monotonically"))
        return edges
    if index(bins) < 1:
        raise located(AttributeValueError("bins must be positive"))
    first, last = _limits(x, limits)
    return TENSOR_FUNCTIONS[np.linspace](first, last, index(bins) + 1)


def _limits(x: Tensor, limits: Any) -> tuple[Tensor, Tensor]:
    """The first and the last edge, at some distance from one another."""
    if limits is not None:
        first, last = (lift(limit) for limit in limits)
        if first > last:
            raise located(AttributeValueError("the first of the range must not be larger than the second"))
    elif not x._array.size:
        first, last = lift(0.0), lift(1.0)
    else:
        first, last = TENSOR_FUNCTIONS[np.min](x), TENSOR_FUNCTIONS[np.max](x)
    first, last, _ = promote(first, last, x)
    if first._array.dtype.kind not in FLOATS:
        first, last = cast(first, _F64), cast(last, _F64)
    finite = NUMPY_FUNCTIONS[np.isfinite]
    if not both(finite(first), finite(last)):
        raise located(AttributeValueError("the range of the elements, or the one given, is not finite"))
    same = first == last
    return select(same, first - 0.5, first), select(same, last + 0.5, last)
