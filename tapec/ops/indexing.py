"""Gathers and scatters along one axis, with integer index tensors.

Indices may be negative, as in NumPy; one outside its axis raises `IndexOutOfRangeError`, in eager and compiled code.
Scatters write in the row-major order of the updates, whatever the number of threads: where an index repeats,
`scatter_add` adds in this order, and of `put` the last value counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import DTypeError, IndexOutOfRangeError, ShapeError
from tapec.ir.dtypes import is_short
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.reduction import check_axis
from tapec.ops.registry import define
from tapec.ops.short_floats import in_single


class Indexing(Family):
    """`(x, indices)` or `(x, indices, updates)`; see each primitive for the shapes."""

    name = "indexing"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        x, indices = operands[:2]
        axis: Any = attributes["axis"]
        check_axis(primitive.name, axis, x.rank)
        if indices.dtype.kind not in "iu":
            raise DTypeError(f"{primitive.name}: indices must be integers, got {indices.dtype.numpy}")
        along = primitive.name.endswith("_along")
        if along:
            if indices.rank != x.rank or any(
                m != n for i, (m, n) in enumerate(zip(x.shape, indices.shape, strict=True)) if i != axis
            ):
                raise ShapeError(f"{primitive.name}: shapes {x.shape} and {indices.shape} differ beyond axis {axis}")
            picked = indices.shape
        else:
            picked = x.shape[:axis] + indices.shape + x.shape[axis + 1 :]
        if len(operands) == 2:
            return (tensor_type(x.dtype, picked),)
        updates = operands[2]
        if updates.dtype is not x.dtype or updates.shape != picked:
            raise ShapeError(f"{primitive.name}: updates must be {x.dtype.numpy}{picked}, got {updates!r}")
        return (x,)


def checked(indices: Any, size: int) -> Any:
    """The indices.

    Raises:
        IndexOutOfRangeError: one does not lie in an axis of this size.
    """
    if indices.size and (indices.min() < -size or indices.max() >= size):
        bad = indices[(indices < -size) | (indices >= size)].flat[0]
        raise IndexOutOfRangeError(f"index {bad} is out of bounds for an axis of size {size}")
    return indices


def _take(x: Any, indices: Any, *, axis: int) -> Any:
    return np.take(x, checked(indices, x.shape[axis]), axis)


def add_at(out: Any, indices: Any, updates: Any, *, axis: int) -> None:
    """`scatter_add` in the memory of `out`."""
    where = (slice(None),) * axis + (checked(indices, out.shape[axis]),)
    if indices.size == 1:
        out[where] += updates  # `np.add.at` takes ten times as long
    elif is_short(out.dtype):  # each sum is rounded once, not after each update
        whole = out.astype(np.float32)
        np.add.at(whole, where, updates.astype(np.float32))
        out[...] = whole
    else:
        np.add.at(out, where, updates)


def put_at(out: Any, indices: Any, new: Any, *, axis: int, distinct: bool) -> None:
    """`put` in the memory of `out`; what is `distinct` only matters to derivatives."""
    put_inside(out, checked(indices, out.shape[axis]), new, axis=axis)


def put_inside(out: Any, indices: Any, new: Any, *, axis: int) -> None:
    """`put_at` of indices that are known to be in range."""
    where = np.asarray(indices, order="C")  # NumPy walks the indices as they lie in memory
    out[(slice(None),) * axis + (where,)] = new


def _scatter_add(x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    out = np.array(x, order="C")
    add_at(out, indices, updates, axis=axis)
    return out


def _put(x: Any, indices: Any, new: Any, *, axis: int, distinct: bool) -> Any:
    out = np.array(x, order="C")
    put_at(out, indices, new, axis=axis, distinct=distinct)
    return out


def _take_along(x: Any, indices: Any, *, axis: int) -> Any:
    return np.take_along_axis(x, checked(indices, x.shape[axis]), axis)


@in_single
def _scatter_add_along(x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    out = np.array(x)
    where: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    where[axis] = checked(indices, x.shape[axis])
    np.add.at(out, tuple(where), updates)
    return out


INDEXING = Indexing()

take = define(
    Primitive("take", INDEXING, 2, _take, "x at `indices` along `axis`; the indices' shape takes the axis' place.",
              ("axis",))
)  # fmt: skip
scatter_add = define(
    Primitive("scatter_add", INDEXING, 3, _scatter_add, "x plus `updates` where `take` would read.", ("axis",))
)
put = define(
    Primitive("put", INDEXING, 3, _put, "x with `new` where `take` would read; `distinct` says that no index repeats.",
              ("axis", "distinct"))
)  # fmt: skip
take_along = define(
    Primitive("take_along", INDEXING, 2, _take_along, "NumPy's take_along_axis, other axes equal.", ("axis",))
)
scatter_add_along = define(
    Primitive("scatter_add_along", INDEXING, 3, _scatter_add_along, "x plus `updates` where `take_along` would read.",
              ("axis",))
)  # fmt: skip
