"""Which part of an array a view of it is, as a slice and a reshape."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class MemoryWindow(NamedTuple):
    """Elements `start + i * step` for i < size on every axis of the owner, in the shape of the view."""

    start: tuple[int, ...]
    size: tuple[int, ...]
    step: tuple[int, ...]


def owner_of(array: Array) -> Array | None:
    """The array that owns an array's memory, perhaps itself; None if the memory belongs to something else."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array if array.flags.owndata else None


def offset_in(owner: Array, array: Array) -> int:
    """Bytes from the beginning of `owner` to the first element of a view of it."""
    here: int = array.__array_interface__["data"][0]
    first: int = owner.__array_interface__["data"][0]
    return here - first


def memory_window(owner: Array, array: Array) -> MemoryWindow | None:
    """The window of `owner`, which is dense, that a view shows, if it goes forward on some of the owner's axes.

    None for a view that is transposed or reversed, that repeats elements, or that sees them as another type.
    """
    if owner.dtype != array.dtype or not owner.flags.c_contiguous or 0 in array.shape or type(owner) is not np.ndarray:
        return None
    first, rest = divmod(offset_in(owner, array), owner.itemsize)
    if rest or not 0 <= first < owner.size:
        return None
    start = tuple([int(i) for i in np.unravel_index(first, owner.shape)]) if owner.shape else ()
    size, step = [1] * owner.ndim, [1] * owner.ndim
    axis = 0
    for extent, stride in zip(array.shape, array.strides, strict=True):
        if extent == 1:
            continue
        # The axis on which one step of the view is a whole number of steps that stays within the axis' own stretch.
        while axis < owner.ndim and (stride < owner.strides[axis] or stride % owner.strides[axis]):
            axis += 1
        if axis == owner.ndim:
            return None
        size[axis], step[axis] = extent, stride // owner.strides[axis]
        if start[axis] + (extent - 1) * step[axis] >= owner.shape[axis]:
            return None
        axis += 1
    return MemoryWindow(start, tuple(size), tuple(step))
