"""`t[key]` with all that NumPy takes as a key: slices, integers, newaxis, ellipsis, integer arrays, boolean masks.

The key is first spelled out with one entry per axis. Slices and integers are one `slice`; arrays of integers on one
axis are a `take`; arrays on several axes become one flat index on the merged axes. Where the result's new axes go
follows NumPy: to the place of the arrays if they stand side by side, else to the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import index
from typing import Any

import numpy as np

from tapec.array_protocol import OPERATORS, ArrayProtocol
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import IndexOutOfRangeError, ShapeError
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.surface.plain import plain_values
from tapec.surface.primitives import broadcast, filled, reshape, take, transpose
from tapec.tensor import Tensor

_I64 = np.dtype(np.int64)


@dataclass(slots=True)
class _Entry:
    """What the key says of one axis of the tensor; `new` entries stand for an axis that is not there yet."""

    start: int = 0
    size: int = 0
    step: int = 1
    keep: bool = True
    new: bool = False
    indices: Tensor | None = None
    advanced: bool = False  # an array, or an integer beside arrays: takes part in NumPy's placement rule


def getitem(self: Any, key: Any) -> Tensor:
    """`self[key]`.

    Raises:
        IndexOutOfRangeError: an index is outside its axis, or there are more indices than axes.
        ShapeError: index arrays do not broadcast, or a mask has another shape than what it indexes.
    """
    x = lift(self)
    items = list(key) if type(key) is tuple else [key]
    for item in items:
        if type(item) is not int and type(item) is not slice:
            break
    else:
        if len(items) <= x._array.ndim:
            return _slices_and_integers(x, items)
    entries = _entries(x, items)
    x = _basic(x, entries)
    if any(e.indices is not None for e in entries):
        return _advanced(x, entries)
    return reshape(x, tuple([e.size for e in entries if e.keep and e is not _BREAK]))


OPERATORS["getitem"] = getitem


def _slices_and_integers(x: Tensor, items: list[Any]) -> Tensor:
    """The common keys, without the detour by entries."""
    shape = x._array.shape
    start, size, step, kept = [], [], [], []
    for axis, item in enumerate(items):
        extent = shape[axis]
        if type(item) is int:
            if not -extent <= item < extent:
                raise located(IndexOutOfRangeError(f"index {item} is out of bounds for axis {axis} with size {extent}"))
            start.append(item % extent)
            size.append(1)
            step.append(1)
            continue
        first, stop, stride = item.indices(extent)
        count = len(range(first, stop, stride))
        start.append(first if count else 0)
        size.append(count)
        step.append(stride)
        kept.append(count)
    rest = shape[len(items) :]
    zeros, ones = (0,) * len(rest), (1,) * len(rest)
    if (*size, *rest) == shape and not any(start) and all(s == 1 for s in step):
        return reshape(x, (*kept, *rest))
    window = {"start": (*start, *zeros), "size": (*size, *rest), "step": (*step, *ones)}
    return reshape(apply(movement.slice_, (x,), window), (*kept, *rest))


def _entries(x: Tensor, items: list[Any]) -> list[_Entry]:
    shape = x._array.shape
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
    entries: list[_Entry] = []
    axis = 0
    for item in items:
        if item is Ellipsis:
            for _ in range(len(shape) - used):
                entries.append(_Entry(size=shape[axis]))
                axis += 1
            entries.append(_BREAK)
        elif item is None:
            entries.append(_Entry(size=1, new=True))
        elif isinstance(item, slice):
            start, stop, step = item.indices(shape[axis])
            entries.append(_Entry(start, len(range(start, stop, step)), step))
            axis += 1
        elif isinstance(item, (Tensor, np.ndarray)):
            axis += _array_entries(entries, item, shape, axis)
        else:
            entries.append(_integer(item, shape[axis], axis, arrays))
            axis += 1
    return entries


# Marks the place of an ellipsis, which keeps arrays apart even where it stands for no axis at all.
_BREAK = _Entry()


def _as_indices(item: Any) -> Any:
    """An item of the key in one of the forms that `_entries` tells apart."""
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


def _integer(item: int, extent: int, axis: int, beside_arrays: bool) -> _Entry:
    if not -extent <= item < extent:
        raise located(IndexOutOfRangeError(f"index {item} is out of bounds for axis {axis} with size {extent}"))
    return _Entry(item % extent, 1, 1, keep=False, advanced=beside_arrays)


def _array_entries(entries: list[_Entry], item: Any, shape: tuple[int, ...], axis: int) -> int:
    """Adds what an array of integers or a mask says; the number of axes that it stands for."""
    if item.dtype.kind == "b":
        if item.shape != shape[axis : axis + item.ndim]:
            raise located(
                IndexOutOfRangeError(
                    f"boolean index of shape {item.shape} does not match the indexed axes {shape[axis:][: item.ndim]}"
                )
            )
        mask = plain_values(item, "a boolean mask, whose result has a size that depends on the data")
        if not item.ndim:
            picked = lift(np.zeros(int(mask), np.int64))
            entries.append(_Entry(0, 1, 1, keep=False, new=True, indices=picked, advanced=True))
        for offset, positions in enumerate(np.nonzero(mask) if item.ndim else ()):
            entries.append(_Entry(0, shape[axis + offset], 1, False, indices=lift(positions), advanced=True))
        return int(item.ndim)
    if item.dtype.kind not in "iu":
        raise located(IndexOutOfRangeError(f"index arrays must be of integer or boolean type, got {item.dtype}"))
    indices = lift(item)
    entries.append(_Entry(0, shape[axis], 1, keep=False, indices=indices, advanced=True))
    return 1


def _basic(x: Tensor, entries: list[_Entry]) -> Tensor:
    """The slice that all slices and integers of the key make together."""
    axes = [e for e in entries if e is not _BREAK and not e.new]
    start = tuple([e.start for e in axes])
    size = tuple([e.size for e in axes])
    step = tuple([e.step for e in axes])
    if size == x._array.shape and not any(start) and all(s == 1 for s in step):
        return x
    start = tuple([s if n else 0 for s, n in zip(start, size, strict=True)])
    return apply(movement.slice_, (x,), {"start": start, "size": size, "step": step})


def _advanced(x: Tensor, entries: list[_Entry]) -> Tensor:
    """Arrays of the key, on a tensor to which slices and integers have been applied already."""
    place = _place(entries)
    # Axes that slices keep and that newaxis makes, and those that arrays index; integers' axes of size one go away.
    layout = [e for e in entries if e is not _BREAK and (e.keep or e.indices is not None)]
    x = reshape(x, tuple([e.size for e in layout]))
    arrays = [e for e in layout if e.indices is not None]
    picked = [i for i, e in enumerate(layout) if e.indices is not None]
    rest = [i for i in range(len(layout)) if i not in picked]
    if len(arrays) == 1:
        (axis,) = picked
        assert arrays[0].indices is not None
        out = take(x, arrays[0].indices, axis)
        return _move_block(out, axis, arrays[0].indices._array.ndim, place)
    x = transpose(x, (*rest[:place], *picked, *rest[place:]))
    extents = [layout[i].size for i in picked]
    flat = _flat_index([e.indices for e in arrays if e.indices is not None], extents)
    shape = x._array.shape
    merged = reshape(x, (*shape[:place], prod(extents), *shape[place + len(extents) :]))
    return take(merged, flat, place)


def _place(entries: list[_Entry]) -> int:
    """Where the index arrays' axes go, counted in axes of the result that come before them."""
    positions = [i for i, e in enumerate(entries) if e.advanced]
    if positions[-1] - positions[0] + 1 != len(positions):
        return 0
    return sum(e.keep and e is not _BREAK for e in entries[: positions[0]])


def _move_block(x: Tensor, start: int, count: int, place: int) -> Tensor:
    if start == place or count == 0:
        return x
    order = [i for i in range(x._array.ndim) if not start <= i < start + count]
    order[place:place] = range(start, start + count)
    return transpose(x, tuple(order))


def _flat_index(arrays: list[Tensor], extents: list[int]) -> Tensor:
    """One row-major index for several axes: by NumPy where the data are plain arrays, recorded where not."""
    try:
        shape = reduce(ew.broadcast_shapes, [t._array.shape for t in arrays])
    except ShapeError:
        shapes = " ".join(str(t.shape) for t in arrays)
        raise located(
            IndexOutOfRangeError(f"shape mismatch: indexing arrays could not be broadcast together with {shapes}")
        ) from None
    if 0 in shape:  # nothing is looked up, so nothing is out of range either: NumPy's rule
        return filled(0, shape, _I64)
    total: Tensor | None = None
    for t, extent in zip(arrays, extents, strict=True):
        wrapped = apply(ew.wrap_index, (cast(t, _I64),), {"size": extent})
        total = wrapped if total is None else total * extent + wrapped
    assert total is not None
    return broadcast(total, shape)
