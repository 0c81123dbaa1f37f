"""`t[key]` with all that NumPy takes as a key: slices, integers, newaxis, ellipsis, integer arrays, boolean masks.

The key is first spelled out with one entry per axis. Slices and integers are one `slice`; arrays of integers on one
axis are a `take`; arrays on several axes become one flat index on the merged axes. Where the result's new axes go
follows NumPy: to the place of the arrays if they stand side by side, else to the front.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np

from tapec.array_protocol import OPERATORS
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import IndexOutOfRangeError, ShapeError
from tapec.index_entries import BREAK, Entry, place_of_arrays, spelled_out
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.surface.primitives import broadcast, filled, reshape, take, transpose
from tapec.tensor import Tensor

_I64 = np.dtype(np.int64)


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
    entries = spelled_out(x._array.shape, items)
    x = _basic(x, entries)
    if any(e.indices is not None for e in entries):
        return _advanced(x, entries)
    return reshape(x, tuple([e.size for e in entries if e.keep and e is not BREAK]))


OPERATORS["getitem"] = getitem


def _slices_and_integers(x: Tensor, items: list[Any]) -> Tensor:
    """The common keys, without the detour by entries."""
    shape = x._array.shape
    spans = tuple([
        item if type(item) is int else item.indices(extent) for item, extent in zip(items, shape, strict=False)
    ])  # fmt: skip
    window, kept = _WINDOWS.get((shape, spans)) or _window(shape, spans)
    if window is not None:
        x = apply(movement.slice_, (x,), window)
    return x if x._array.shape == kept["shape"] else apply(movement.reshape, (x,), kept)


def _window(
    shape: tuple[int, ...], spans: tuple[int | tuple[int, int, int], ...]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What `slice` and then `reshape` take for the first axes' spans: an index, or start, stop and step.

    There is no `slice` where everything is picked in order.
    """
    start, size, step, kept = [], [], [], []
    for axis, (item, extent) in enumerate(zip(spans, shape, strict=False)):
        if isinstance(item, int):
            if not -extent <= item < extent:
                raise located(IndexOutOfRangeError(f"index {item} is out of bounds for axis {axis} with size {extent}"))
            start.append(item % extent)
            size.append(1)
            step.append(1)
            continue
        first, stop, stride = item
        count = len(range(first, stop, stride))
        start.append(first if count else 0)
        size.append(count)
        step.append(stride)
        kept.append(count)
    rest = shape[len(spans) :]
    zeros, ones = (0,) * len(rest), (1,) * len(rest)
    window = None
    if (*size, *rest) != shape or any(start) or any(s != 1 for s in step):
        window = {"start": (*start, *zeros), "size": (*size, *rest), "step": (*step, *ones)}
    if len(_WINDOWS) >= _MOST_WINDOWS:
        _WINDOWS.clear()
    found = _WINDOWS[shape, spans] = window, {"shape": (*kept, *rest)}
    return found


# What was found out for a shape and the spans of a key: programs index alike time and again, and recordings compare.
_WINDOWS: dict[tuple[Any, Any], tuple[dict[str, Any] | None, dict[str, Any]]] = {}
_MOST_WINDOWS = 4096


def _basic(x: Tensor, entries: list[Entry]) -> Tensor:
    """The slice that all slices and integers of the key make together."""
    axes = [e for e in entries if e is not BREAK and not e.new]
    start = tuple([e.start for e in axes])
    size = tuple([e.size for e in axes])
    step = tuple([e.step for e in axes])
    if size == x._array.shape and not any(start) and all(s == 1 for s in step):
        return x
    start = tuple([s if n else 0 for s, n in zip(start, size, strict=True)])
    return apply(movement.slice_, (x,), {"start": start, "size": size, "step": step})


def _advanced(x: Tensor, entries: list[Entry]) -> Tensor:
    """Arrays of the key, on a tensor to which slices and integers have been applied already."""
    place = place_of_arrays(entries)
    # Axes that slices keep and that newaxis makes, and those that arrays index; integers' axes of size one go away.
    layout = [e for e in entries if e is not BREAK and (e.keep or e.indices is not None)]
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
