"""`np.add.reduceat` and the like: a reduction of each of several stretches of an axis."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS, ArrayProtocol
from tapec.dispatch import lift, located
from tapec.errors import IndexOutOfRangeError, ShapeError, UnsupportedFunctionError
from tapec.scattering import sum_into
from tapec.surface.axes import one_axis
from tapec.surface.primitives import concat, reshape, strong, take, window
from tapec.surface.reductions import accumulated
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor

_I64 = np.dtype(np.int64)


@implements((np.ufunc, "reduceat"))
def _reduceat(
    ufunc: np.ufunc, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **options: Any
) -> Tensor:
    """Stretches begin at `indices` and end at the next index; where that is no larger, they have one element."""
    refuse(ufunc, out=out, **options)
    if (ufunc, "reduce") not in NUMPY_FUNCTIONS:
        raise UnsupportedFunctionError(
            f"numpy.{ufunc.__name__}.reduceat is not recorded on tensors; reduce each stretch, and np.stack the results"
        )
    x = strong(array)
    number = one_axis(axis, x._array.ndim)
    starts = _starts(ufunc, indices, x._array.shape[number])
    ends = [b if b > a else a + 1 for a, b in pairwise([*starts, x._array.shape[number]])]
    if ufunc is np.add:
        return _sums(accumulated(x, dtype), starts, ends, number)
    reduce = NUMPY_FUNCTIONS[ufunc, "reduce"]
    kept = list(x._array.shape)
    kept[number] = 1
    parts = [
        reshape(reduce(ufunc, window(x, number, a, b - a), axis=number, dtype=dtype), tuple(kept))
        for a, b in zip(starts, ends, strict=True)
    ]
    return concat(parts, number) if parts else take(x, lift(np.zeros(0, np.int64)), number)


def _starts(ufunc: np.ufunc, indices: Any, extent: int) -> list[int]:
    """The indices as integers, which are guarded where they are tensors."""
    if np.ndim(indices) != 1:
        raise located(ShapeError(f"numpy.{ufunc.__name__}.reduceat takes one axis of indices, not {np.ndim(indices)}"))
    starts = [int(i) for i in (lift(indices) if isinstance(indices, ArrayProtocol) else indices)]
    for start in starts:
        if not 0 <= start < extent:
            message = f"index {start} is out of bounds in numpy.{ufunc.__name__}.reduceat, for an extent of {extent}"
            raise located(IndexOutOfRangeError(message))
    return starts


def _sums(x: Tensor, starts: list[int], ends: list[int], axis: int) -> Tensor:
    """All stretches at once: their elements one after another, each added to its stretch."""
    rows = TENSOR_FUNCTIONS[np.moveaxis](x, axis, 0)
    sizes = [b - a for a, b in zip(starts, ends, strict=True)]
    places = np.concatenate([np.zeros(0, np.int64), *[np.arange(a, b) for a, b in zip(starts, ends, strict=True)]])
    if starts and places.size == ends[-1] - starts[0]:  # they follow one another
        elements = window(rows, 0, starts[0], places.size)
    else:
        elements = take(rows, lift(places.astype(_I64)), 0)
    sums = sum_into(elements, lift(np.repeat(np.arange(len(sizes)), sizes)), len(sizes))
    return TENSOR_FUNCTIONS[np.moveaxis](sums, 0, axis)
