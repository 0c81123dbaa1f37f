"""Where a mask is true. How many places there are depends on the values; a guard on that number fixes all shapes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.dispatch import apply, cast, lift
from tapec.ops import indexing, reduction
from tapec.plain_values import plain_values
from tapec.recording import ACTIVE
from tapec.surface.primitives import minimum, reshape, select, take
from tapec.tensor import Tensor

_I64 = np.dtype(np.int64)


def is_guarded(tensor: Tensor) -> bool:
    """Whether other calls of what is recorded have other values here, and what Python sees of them needs a guard."""
    return any(recorder.guards(tensor) for recorder in ACTIVE.recorders)


def true_positions(mask: Any, how: str) -> tuple[Any, ...]:
    """As `np.nonzero`: an array of positions for each axis, in row-major order.

    A recording of other calls too has them as tensors, and a guard on their number: there is a path for each number.

    Args:
        mask: an array of any dtype, or a tensor.
        how: what a recording that can't have guards says of a mask that it depends on.
    """
    tensor = lift(mask) if isinstance(mask, ArrayProtocol) else None
    if tensor is None or not tensor._array.ndim or not is_guarded(tensor):
        return np.nonzero(plain_values(mask, how))
    flat = _flat_positions(tensor)
    shape = tensor._array.shape
    if len(shape) < 2:
        return (flat,)
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return tuple([flat // stride % extent for extent, stride in zip(shape, strides, strict=True)])


def _flat_positions(tensor: Tensor) -> Tensor:
    """Row-major positions: each is put where the running count says, those of what is false behind all others."""
    size = tensor._array.size
    if not size:
        return lift(np.zeros(0, np.int64))
    true = reshape(tensor if tensor._array.dtype.kind == "b" else tensor != 0, (size,))
    before = apply(reduction.cumsum, (cast(true, _I64),), {"axis": 0, "reverse": False}) - 1
    count = int(take(before, lift(np.int64(size - 1)), 0)) + 1
    # Where the guard fails there may be more; the call is run again then, and must not write outside before.
    place = minimum(select(true, before, count), lift(np.int64(count)))
    room = lift(np.zeros(count + 1, np.int64))
    found = apply(indexing.put, (room, place, lift(np.arange(size))), {"axis": 0, "distinct": False})
    return found[:count]
