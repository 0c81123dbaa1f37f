"""What `a[key] = v` writes to: a window, or positions counted in row-major order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.dispatch import located
from tapec.errors import IndexOutOfRangeError
from tapec.plain_values import plain_values

_Shape = tuple[int, ...]


class Window(NamedTuple):
    """Elements `start + i * step` for `i < size`, on every axis; `shape` is that of what the key selects."""

    start: _Shape
    size: _Shape
    step: _Shape
    shape: _Shape


class Positions(NamedTuple):
    """Elements at flat positions, which may repeat."""

    flat: np.ndarray[Any, Any]
    shape: _Shape


def plain_key(key: Any) -> Any:
    """The key without masks that are tensors: their values leave the recording."""
    if type(key) is tuple:
        return tuple([_plain(item) for item in key])
    return _plain(key)


def _plain(item: Any) -> Any:
    if not isinstance(item, ArrayProtocol):
        return item
    return plain_values(item, "a mask of an assignment, which says how many elements there are")


def is_basic(key: Any) -> bool:
    """Whether a plain key selects a view in NumPy."""
    items = key if type(key) is tuple else (key,)
    return all(
        item is None or item is Ellipsis or isinstance(item, (slice, np.integer)) or type(item) is int for item in items
    )


def window(key: Any, shape: _Shape) -> Window:
    """What a plain basic key selects of an array of this shape.

    Raises:
        IndexOutOfRangeError: an index is outside its axis, or there are more indices than axes.
    """
    if type(key) is int and shape and -shape[0] <= key < shape[0]:  # the most common one, without the detour
        rest = shape[1:]
        return Window((key % shape[0], *(0,) * len(rest)), (1, *rest), (1,) * len(shape), rest)
    items = list(key) if type(key) is tuple else [key]
    used = sum(item is not None and item is not Ellipsis for item in items)
    if used > len(shape) or sum(item is Ellipsis for item in items) > 1:
        raise located(IndexOutOfRangeError(f"too many indices for an array of shape {shape}: {key!r}"))
    if not any(item is Ellipsis for item in items):
        items.append(Ellipsis)
    start, size, step, kept = [], [], [], []
    axis = 0
    for item in items:
        if item is None:
            kept.append(1)
            continue
        if item is Ellipsis:
            for extent in shape[axis : axis + len(shape) - used]:
                start.append(0)
                size.append(extent)
                step.append(1)
                kept.append(extent)
            axis += len(shape) - used
            continue
        extent = shape[axis]
        if isinstance(item, slice):
            first, stop, stride = item.indices(extent)
            count = len(range(first, stop, stride))
            start.append(first if count else 0)
            size.append(count)
            step.append(stride)
            kept.append(count)
        else:
            number = int(item)
            if not -extent <= number < extent:
                message = f"index {number} is out of bounds for axis {axis} with size {extent}"
                raise located(IndexOutOfRangeError(message))
            start.append(number % extent)
            size.append(1)
            step.append(1)
        axis += 1
    return Window(tuple(start), tuple(size), tuple(step), tuple(kept))


def positions(key: Any, numbers: np.ndarray[Any, Any]) -> Positions:
    """What a plain key selects of an array whose elements have these flat positions.

    Raises:
        IndexOutOfRangeError: NumPy does not take the key.
    """
    try:
        found = np.asarray(numbers[key])
    except IndexError as error:
        raise located(IndexOutOfRangeError(str(error))) from None
    return Positions(found.reshape(-1), found.shape)


def last_of_each(flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Where each position stands for the last time, in order; None if none repeats."""
    _, last = np.unique(flat[::-1], return_index=True)
    return None if len(last) == len(flat) else np.sort(len(flat) - 1 - last)
