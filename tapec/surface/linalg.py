"""Norms."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from tapec.dispatch import cast
from tapec.ops import reduction
from tapec.surface.axes import kept, one_axis, several_axes
from tapec.surface.decompositions import singular_values
from tapec.surface.exponential import root_of_sum
from tapec.surface.movement import moveaxis
from tapec.surface.primitives import floating, power, reshape
from tapec.surface.reductions import max_over, min_over, reduce
from tapec.surface.registry import implements
from tapec.surface.short_floats import in_single
from tapec.tensor import Tensor


@implements(np.linalg.norm)
@in_single
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Tensor:
    t = floating(x)
    rank = t._array.ndim
    if axis is None and ord is None:
        return _root_of_squares(t, None, keepdims)
    axes = several_axes(axis, rank)
    if len(axes) == 1:
        return _vector_norm_along(t, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix(t, ord, (axes[0], axes[1]), keepdims)
    raise ValueError(f"Improper number of dimensions to norm: {axes}")


def _root_of_squares(x: Tensor, axis: Any, keepdims: Any) -> Tensor:
    return root_of_sum(reduce(reduction.sum, x * x, axis, keepdims))


def _vector_norm_along(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: Any) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order {ord!r} for vectors")
    if ord == 2:
        return _root_of_squares(x, axes, keepdims)
    if ord == inf:
        return max_over(abs(x), axes, None, keepdims)
    if ord == -inf:
        return min_over(abs(x), axes, None, keepdims)
    if ord == 0:
        return reduce(reduction.sum, cast(x != 0, x._array.dtype), axes, keepdims)
    if ord == 1:
        return reduce(reduction.sum, abs(x), axes, keepdims)
    return power(reduce(reduction.sum, abs(x) ** ord, axes, keepdims), 1.0 / ord)


def _matrix(x: Tensor, ord: Any, axes: tuple[int, int], keepdims: Any) -> Tensor:
    row, column = axes
    if ord in (None, "fro", "f"):
        return _root_of_squares(x, axes, keepdims)
    if ord in (1, -1, inf, -inf):
        summed, over = (row, column) if abs(ord) == 1 else (column, row)
        sums = reduce(reduction.sum, abs(x), summed, True)
        result = (max_over if ord > 0 else min_over)(sums, over, None, True)
        rest = tuple([n for i, n in enumerate(result._array.shape) if i not in axes])
        return result if keepdims else reshape(result, rest)
    if ord in (2, -2, "nuc"):
        s = singular_values(moveaxis(x, axes, (-2, -1)))
        over = s._array.ndim - 1
        if ord == "nuc":
            result = reduce(reduction.sum, s, over, False)
        else:
            result = (max_over if ord > 0 else min_over)(s, over, None, False)
        return reshape(result, kept(x._array.shape, axes)) if keepdims else result
    raise ValueError(f"Invalid norm order {ord!r} for matrices")


@implements(np.linalg.vector_norm)
@in_single
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Tensor:
    t = floating(x)
    return _vector_norm_along(t, ord, several_axes(axis, t._array.ndim), keepdims)


@implements(np.linalg.matrix_norm)
@in_single
def _matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Tensor:
    t = floating(x)
    rank = t._array.ndim
    return _matrix(t, ord, (one_axis(-2, rank), one_axis(-1, rank)), keepdims)
