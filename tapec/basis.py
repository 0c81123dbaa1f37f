"""The basis vectors of a space, as one tensor."""

from __future__ import annotations

from math import prod

import numpy as np

from tapec.dispatch import apply
from tapec.ir import dtypes
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew
from tapec.tensor import Tensor


def basis(shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> Tensor:
    """For each element of an array of `shape`, in row-major order along axis 0, the array that is 1 there and else 0.

    Made by ops and not held as an array, so that compiled code need not read it.
    """
    size = prod(shape)
    square = {"shape": (size, size), "dtype": dtypes.I64.name}
    rows = apply(creation.iota, (), {"axis": 0, **square})
    columns = apply(creation.iota, (), {"axis": 1, **square})
    ones = apply(ew.cast, (apply(ew.eq, (rows, columns)),), {"dtype": dtypes.of(dtype).name})
    return reshaped(ones, (size, *shape))


def reshaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` in another shape; `x` itself if it has it."""
    return x if x.shape == shape else apply(movement.reshape, (x,), {"shape": shape})
