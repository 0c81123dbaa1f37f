"""Elements along an axis: `take_along_axis`, diagonals, triangles, choices."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, cast, lift, located, promote
from tapec.errors import ShapeError
from tapec.ops import elementwise as ew
from tapec.ops import indexing
from tapec.surface.axes import one_axis
from tapec.surface.matrices import positions
from tapec.surface.primitives import broadcast, concat, filled, reshape, select, transpose, window
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Tensor:
    x, where = lift(arr), lift(indices)
    if axis is None:
        return apply(indexing.take_along, (reshape(x, (x._array.size,)), where), {"axis": 0})
    number = one_axis(axis, x._array.ndim)
    if where._array.ndim != x._array.ndim:
        raise located(ShapeError(f"take_along_axis: indices of shape {where.shape} do not match {x.shape} in rank"))
    whole = ew.broadcast_shapes(_without(x._array.shape, number), _without(where._array.shape, number))
    x = broadcast(x, (*whole[:number], x._array.shape[number], *whole[number:]))
    where = broadcast(where, (*whole[:number], where._array.shape[number], *whole[number:]))
    return apply(indexing.take_along, (x, where), {"axis": number})


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


@implements(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Tensor:
    refuse(np.choose, out=out)
    rows = promote(*[lift(choice) for choice in choices])
    which = lift(a)
    if mode == "raise":
        which = apply(ew.wrap_index, (which,), {"size": len(rows)})
    elif mode == "wrap":
        which = which % len(rows)
    else:
        which = NUMPY_FUNCTIONS[np.clip](which, 0, len(rows) - 1)
    result = rows[-1]
    for number in range(len(rows) - 2, -1, -1):
        result = select(which == number, rows[number], result)
    return TENSOR_FUNCTIONS[np.broadcast_arrays](result, which)[0]


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    x = lift(a)
    if x._array.ndim < 2:
        raise located(ShapeError(f"diag requires a tensor of at least two dimensions, got shape {x.shape}"))
    first, second = one_axis(axis1, x._array.ndim), one_axis(axis2, x._array.ndim)
    rest = [i for i in range(x._array.ndim) if i not in (first, second)]
    x = transpose(x, (*rest, first, second))
    *outer, rows, columns = x._array.shape
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    start = offset if offset > 0 else -offset * columns
    flat = reshape(x, (*outer, rows * columns))  # in which a diagonal is a view
    return window(flat, len(outer), start if length else 0, length, columns + 1)


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    return _diagonal(x, offset, -2, -1)


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Tensor:
    refuse(np.trace, out=out)
    return TENSOR_FUNCTIONS[np.sum](_diagonal(a, offset, axis1, axis2), -1, dtype)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    return _trace(x, offset, -2, -1, dtype)


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Tensor:
    x = lift(v)
    if x._array.ndim == 2:
        return _diagonal(x, k)
    if x._array.ndim != 1:
        raise located(ShapeError(f"Input must be 1- or 2-d, got shape {x.shape}"))
    n, offset = x._array.size, index(k)
    side = n + abs(offset)
    beyond = filled(0, (abs(offset),), x._array.dtype)
    in_row = concat([x, beyond] if offset > 0 else [beyond, x], 0) if offset else x
    row, column = positions(side, side)
    return select(column - row == offset, broadcast(reshape(in_row, (side, 1)), (side, side)), 0)


@implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Tensor:
    return _diag(NUMPY_FUNCTIONS[np.ravel](v), k)


def _triangle(m: Any, k: int, lower: bool) -> Tensor:
    x = lift(m)
    if x._array.ndim < 2:
        x = broadcast(x, x._array.shape * 2)
    row, column = positions(*x._array.shape[-2:])
    return select(column - row <= k if lower else column - row >= k, x, 0)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Tensor:
    return _triangle(m, k, lower=True)


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Tensor:
    return _triangle(m, k, lower=False)


@implements(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    t = lift(x)
    t = cast(t, np.result_type(t._array.dtype, np.int64))
    columns = t._array.size if N is None else N
    powers = range(columns) if increasing else range(columns - 1, -1, -1)
    one = NUMPY_FUNCTIONS[np.ones_like](t)
    table: list[Tensor] = [one]
    for _ in range(columns - 1):
        table.append(table[-1] * t)
    return TENSOR_FUNCTIONS[np.stack]([table[n] for n in powers], axis=-1)
