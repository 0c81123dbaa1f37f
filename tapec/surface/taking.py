"""Functions that index: `take` and its kin, and the positions of what is not zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import cast, lift
from tapec.plain_values import plain_values
from tapec.surface.axes import one_axis
from tapec.surface.primitives import reshape, take
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor
from tapec.true_positions import true_positions

_I64 = np.dtype(np.int64)


@implements(np.take)
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Tensor:
    refuse(np.take, out=out)
    x = lift(a)
    if axis is None:
        x, number = reshape(x, (x._array.size,)), 0
    else:
        number = one_axis(axis, x._array.ndim)
    where = _index_tensor(indices)
    extent = x._array.shape[number]
    if mode == "wrap":
        where = where % extent
    elif mode == "clip":
        where = NUMPY_FUNCTIONS[np.clip](where, 0, extent - 1)
    elif mode != "raise":
        raise ValueError(f"mode must be 'raise', 'wrap' or 'clip', got {mode!r}")
    return take(x, where, number)


def _index_tensor(indices: Any) -> Tensor:
    if isinstance(indices, (list, tuple)) and not len(indices):
        return lift(np.zeros((0,), np.int64))
    t = lift(indices)
    return cast(t, _I64) if t._weak or t._array.dtype.kind == "b" else t


@implements(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Tensor:
    refuse(np.compress, out=out)
    how = "np.compress, whose result has a size that depends on the data"
    (chosen,) = true_positions(NUMPY_FUNCTIONS[np.ravel](condition), how)
    return _take(a, chosen, axis)


@implements(np.extract)
def _extract(condition: Any, arr: Any) -> Tensor:
    return _compress(NUMPY_FUNCTIONS[np.ravel](condition), NUMPY_FUNCTIONS[np.ravel](arr))


@implements(np.nonzero)
def _nonzero(a: Any) -> tuple[Any, ...]:
    return true_positions(a, "np.nonzero, whose result has a size that depends on the data")


@implements(np.flatnonzero)
def _flatnonzero(a: Any) -> Any:
    how = "np.flatnonzero, whose result has a size that depends on the data"
    return true_positions(NUMPY_FUNCTIONS[np.ravel](a), how)[0]


@implements(np.argwhere)
def _argwhere(a: Any) -> Any:
    how = "np.argwhere, whose result has a size that depends on the data"
    if not np.ndim(a):
        return np.argwhere(plain_values(a, how))
    found = true_positions(a, how)
    return NUMPY_FUNCTIONS[np.stack](found, axis=-1)
