"""A key spelled out: one entry for each axis of what it indexes, and for each axis that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.dispatch import lift, located
from tapec.errors import IndexOutOfRangeError
from tapec.tensor import Tensor
from tapec.true_positions import true_positions


@dataclass(slots=True)
class Entry:
    """What the key says of one axis of the tensor; `new` entries stand for an axis that is not there yet."""

    start: int = 0
    size: int = 0
    step: int = 1
    keep: bool = True
    new: bool = False
    indices: Tensor | None = None
    advanced: bool = False  # an array, or an integer beside arrays: takes part in NumPy's placement rule
    masked: bool = False  # a mask's positions, none of which repeats


def spelled_out(shape: tuple[int, ...], items: list[Any]) -> list[Entry]:
    """What a key says of an array of this shape; `BREAK` stands in the place of the ellipsis.

    Raises:
        IndexOutOfRangeError: an integer is outside its axis, there are more indices than axes, or NumPy knows no such.
    """
    items = [_as_indices(item) for item in items]
    used = sum(_axes_used(item) for item in items)
    ellipses = sum(item is Ellipsis for item in items)
    if ellipses > 1:
        raise located(IndexOutOfRangeError("an index can only have a single ellipsis ('...')"))
    if used > len(shape):
        raise located(
            IndexOutOfRangeError(
                f"too many indices for tensor: tensor is {len(shape)}-dimensional, but {used} were indexed"
            )
        )
    if not ellipses:
        items.append(Ellipsis)
    arrays = any(isinstance(item, (Tensor, np.ndarray)) and item.ndim for item in items) or any(
        isinstance(item, (bool, np.bool_)) or (isinstance(item, np.ndarray) and item.dtype == bool) for item in items
    )
    entries: list[Entry] = []
    axis = 0
    for item in items:
        if item is Ellipsis:
            for _ in range(len(shape) - used):
                entries.append(Entry(size=shape[axis]))
                axis += 1
            entries.append(BREAK)
        elif item is None:
            entries.append(Entry(size=1, new=True))
        elif isinstance(item, slice):
            start, stop, step = item.indices(shape[axis])
            entries.append(Entry(start, len(range(start, stop, step)), step))
            axis += 1
        elif isinstance(item, (Tensor, np.ndarray)):
            axis += _array_entries(entries, item, shape, axis)
        else:
            entries.append(_integer(item, shape[axis], axis, arrays))
            axis += 1
    return entries


# Marks the place of an ellipsis, which keeps arrays apart even where it stands for no axis at all.
BREAK = Entry()


def _as_indices(item: Any) -> Any:
    """An item of the key in one of the forms that `spelled_out` tells apart."""
    if item is None or item is Ellipsis or type(item) is int:
        return item
    if isinstance(item, slice):
        return item
    if isinstance(item, (bool, np.bool_)):
        return np.asarray(item)
    if isinstance(item, np.integer):
        return int(item)
    if isinstance(item, list):
        return lift(item) if item else np.zeros((0,), np.int64)
    if isinstance(item, np.ndarray):
        return int(item) if not item.ndim and item.dtype.kind in "iu" else item
    if isinstance(item, ArrayProtocol):
        return lift(item)
    try:
        return index(item)
    except TypeError:
        raise located(
            IndexOutOfRangeError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
                f"are valid indices, got {type(item).__name__}"
            )
        ) from None


def _axes_used(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, (Tensor, np.ndarray)) and item.dtype.kind == "b":
        return item.ndim
    return 1


def _integer(item: int, extent: int, axis: int, beside_arrays: bool) -> Entry:
    if not -extent <= item < extent:
        raise located(IndexOutOfRangeError(f"index {item} is out of bounds for axis {axis} with size {extent}"))
    return Entry(item % extent, 1, 1, keep=False, advanced=beside_arrays)


def _array_entries(entries: list[Entry], item: Any, shape: tuple[int, ...], axis: int) -> int:
    """Adds what an array of integers or a mask says; the number of axes that it stands for."""
    if item.dtype.kind == "b":
        if item.shape != shape[axis : axis + item.ndim]:
            raise located(
                IndexOutOfRangeError(
                    f"boolean index of shape {item.shape} does not match the indexed axes {shape[axis:][: item.ndim]}"
                )
            )
        if not item.ndim:
            picked = lift(np.zeros(int(item), np.int64))
            entries.append(Entry(0, 1, 1, keep=False, new=True, indices=picked, advanced=True))
            return 0
        how = "a boolean mask, whose result has a size that depends on the data"
        for offset, positions in enumerate(true_positions(item, how)):
            entries.append(
                Entry(0, shape[axis + offset], 1, False, indices=lift(positions), advanced=True, masked=True)
            )
        return int(item.ndim)
    if item.dtype.kind not in "iu":
        raise located(IndexOutOfRangeError(f"index arrays must be of integer or boolean type, got {item.dtype}"))
    indices = lift(item)
    entries.append(Entry(0, shape[axis], 1, keep=False, indices=indices, advanced=True))
    return 1


def place_of_arrays(entries: list[Entry]) -> int:
    """Where the index arrays' axes go, counted in axes of the result that come before them."""
    positions = [i for i, e in enumerate(entries) if e.advanced]
    if positions[-1] - positions[0] + 1 != len(positions):
        return 0
    return sum(e.keep and e is not BREAK for e in entries[: positions[0]])
