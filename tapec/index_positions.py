"""Where a key with tensors as indices writes to, as a tensor: it goes with the recording, range checks included."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import IndexOutOfRangeError, ShapeError
from tapec.index_entries import BREAK, Entry, place_of_arrays, spelled_out
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.tensor import Tensor
from tapec.true_positions import is_guarded

_I64 = np.dtype(np.int64)
_Shape = tuple[int, ...]


class Places(NamedTuple):
    """Elements of an array.

    Attributes:
        where: indices along `axis`, or flat positions in row-major order that lie within the array.
        axis: the axis; None for flat positions.
        shape: that of what the key selects.
        several: whether there may be more than one index, which may then repeat.
    """

    where: Tensor
    axis: int | None
    shape: _Shape
    several: bool


def has_tensors(key: Any) -> bool:
    """Whether a key has tensors that say where: integers, or masks that a recording has guards for."""
    if type(key) is int or type(key) is slice:
        return False
    items = key if type(key) is tuple else (key,)
    return any(_is_index(item) for item in items)


def is_whole_mask(key: Any, shape: _Shape) -> bool:
    """Whether a key is a tensor of truth values, one for each element: how many are true need not be known."""
    dtype = getattr(key, "dtype", None)
    return dtype == np.bool_ and not isinstance(key, np.ndarray) and lift(key).shape == shape


def _is_index(item: Any) -> bool:
    if isinstance(item, ArrayProtocol):
        dtype = getattr(item, "dtype", None)
        return dtype is not None and (dtype.kind in "iu" or (dtype.kind == "b" and is_guarded(lift(item))))
    return type(item) is list and any(_is_index(part) for part in item)


def places(key: Any, shape: _Shape) -> Places:
    """What a key with tensors selects of an array of this shape.

    Raises:
        IndexOutOfRangeError: an index is outside its axis, or NumPy does not take the key.
    """
    entries = spelled_out(shape, list(key) if type(key) is tuple else [key])
    axes = [e for e in entries if e is not BREAK and not e.new]
    arrays = [e for e in entries if e.indices is not None]
    picked = [axis for axis, e in enumerate(axes) if e.indices is not None]
    rest = [axis for axis in range(len(axes)) if axis not in picked]
    if len(arrays) == len(picked) == 1 and not any(e.new for e in entries) and all(
        _is_whole(axes[axis], shape[axis]) for axis in rest
    ):  # fmt: skip
        (axis,) = picked
        indices = arrays[0].indices
        assert indices is not None
        selected = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
        return Places(indices, axis, selected, indices.size > 1 and not arrays[0].masked)
    return _flat(entries, shape)


def _is_whole(entry: Entry, extent: int) -> bool:
    return entry.keep and (entry.start, entry.size, entry.step) == (0, extent, 1)


def _flat(entries: list[Entry], shape: _Shape) -> Places:
    """Flat positions: a constant part, which slices and integers make, and one that the arrays make."""
    offset, axis = 0, 0
    kept: list[np.ndarray[Any, Any]] = []
    arrays: list[tuple[Tensor, int, int]] = []  # indices, extent and stride
    for entry in entries:
        if entry is BREAK:
            continue
        stride = 0 if entry.new else prod(shape[axis + 1 :])
        if entry.indices is not None:
            arrays.append((entry.indices, 1 if entry.new else shape[axis], stride))
        elif entry.keep:
            kept.append((entry.start + np.arange(entry.size) * entry.step) * stride)
        else:
            offset += entry.start * stride
        axis += not entry.new
    try:
        together = reduce(ew.broadcast_shapes, [t.shape for t, _, _ in arrays])
    except ShapeError:
        shapes = " ".join(str(t.shape) for t, _, _ in arrays)
        message = f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}"
        raise located(IndexOutOfRangeError(message)) from None
    place = place_of_arrays(entries)
    before, behind = kept[:place], kept[place:]
    selected = (*[len(k) for k in before], *together, *[len(k) for k in behind])
    if 0 in selected:
        return Places(lift(np.zeros(0, np.int64)), None, selected, several=False)
    constant = np.full((1,) * len(selected), offset, np.int64)
    for i, positions in enumerate(kept):
        at = i if i < place else i + len(together)
        constant = constant + positions.reshape(-1, *(1,) * (len(selected) - at - 1))
    total = lift(constant)
    for indices, extent, stride in arrays:
        within = apply(ew.wrap_index, (cast(indices, _I64),), {"size": extent})
        aligned = apply(movement.reshape, (within,), {"shape": (*indices.shape, *(1,) * len(behind))})
        scaled = apply(ew.mul, (aligned, lift(stride, _I64)))
        total = apply(ew.add, (total, scaled))
    whole = apply(movement.broadcast, (total,), {"shape": selected}) if total.shape != selected else total
    flat = apply(movement.reshape, (whole,), {"shape": (prod(selected),)})
    several = prod(together) > 1 and not all(e.masked for e in entries if e.indices is not None)
    return Places(flat, None, selected, several)
