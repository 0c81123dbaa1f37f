"""Adding into chosen elements: what `np.add.at` does in place, as functions that give a new tensor."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tapec.dispatch import apply, cast, lift, located, promote
from tapec.errors import AttributeValueError, DTypeError, ShapeError
from tapec.ops import creation, indexing
from tapec.ops import elementwise as ew
from tapec.surface.primitives import broadcast, filled, reshape
from tapec.tensor import Tensor

_I64 = np.dtype(np.int64)


def add_at(x: Any, key: Any, values: Any) -> Tensor:
    """`x` with `values` added at `x[key]`; an element that the key names several times receives all of them.

    Args:
        x: a tensor or array.
        key: anything that indexes it: integers, slices, arrays of integers or booleans, and tuples of these.
        values: broadcast to the shape of `x[key]`.

    Returns:
        A tensor of the shape of `x`. Values are added in row-major order of `x[key]`.

    Raises:
        IndexOutOfRangeError: the key names an element that is not there; compiled too.
        ShapeError: the values do not broadcast to the shape of `x[key]`.

    Example:
        >>> add_at(np.zeros(3), [0, 2, 0], [1.0, 2.0, 4.0]).tolist()
        [5.0, 0.0, 2.0]
    """
    target, added = promote(lift(x), lift(values))
    shape, size = target._array.shape, target._array.size
    if shape and isinstance(key, Tensor | np.ndarray) and key.dtype.kind in "iu":  # rows, which need no numbers
        ids = lift(key)
        new = _fitted(added, (*ids._array.shape, *shape[1:]), "add_at")
        return apply(indexing.scatter_add, (target, ids, new), {"axis": 0})
    numbers = apply(creation.iota, (), {"axis": 0, "shape": (size,), "dtype": "i64"})
    places = reshape(numbers, shape)[key]
    count = places._array.size
    flat = reshape(_fitted(added, places._array.shape, "add_at"), (count,))
    found = apply(indexing.scatter_add, (reshape(target, (size,)), reshape(places, (count,)), flat), {"axis": 0})
    return reshape(found, shape)


def segment_sum(data: Any, segment_ids: Any, num_segments: int) -> Tensor:
    """Sums of the rows of `data` that belong to each segment.

    Args:
        data: `(n, ...)`.
        segment_ids: `(n,)` integers: the segment of each row, in any order.
        num_segments: number of segments; those without rows are zero.

    Returns:
        `(num_segments, ...)`, of the dtype of `data`. Rows are added in their order.

    Raises:
        IndexOutOfRangeError: a segment is not there; compiled too.
        ShapeError, DTypeError: the ids are not integers, one for each row.

    Example:
        >>> segment_sum(np.array([1.0, 2.0, 4.0]), [1, 0, 1], 3).tolist()
        [2.0, 5.0, 0.0]
    """
    rows, ids = lift(data), lift(segment_ids)
    if ids._array.dtype.kind not in "iu":
        raise located(DTypeError(f"segment_sum: segment_ids must be integers, got {ids.dtype}"))
    if ids._array.ndim != 1 or rows._array.shape[:1] != ids._array.shape:
        raise located(ShapeError(f"segment_sum: data of shape {rows.shape} and segment_ids of shape {ids.shape}"))
    count = index(num_segments)
    if count < 0:
        raise located(AttributeValueError(f"segment_sum: num_segments must not be negative, got {count}"))
    return sum_into(rows, ids, count)


def sum_into(rows: Tensor, ids: Tensor, count: int) -> Tensor:
    """`segment_sum` without checks."""
    ids = cast(ids, _I64) if ids._weak else ids
    empty = filled(0, (count, *rows._array.shape[1:]), rows._array.dtype)
    return apply(indexing.scatter_add, (empty, ids, rows), {"axis": 0})


def _fitted(values: Tensor, shape: tuple[int, ...], name: str) -> Tensor:
    if not ew.broadcasts_to(values._array.shape, shape):
        raise located(ShapeError(f"{name}: values of shape {values.shape} do not broadcast to {shape}"))
    return broadcast(values, shape)
