"""`tp.constant`: tensors from values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.dispatch import cast, lift
from tapec.placement import moved, tracing
from tapec.recording import ACTIVE
from tapec.tensor import Tensor, make


def constant(value: Any, dtype: Any = None) -> Tensor:
    """A tensor that holds a copy of `value`, on the CPU or where a `with tp.device(...)` block says.

    Args:
        value: an array, nested lists of numbers, a number, or a tensor (which is taken as it is).
        dtype: of the result; that which NumPy gives `value` if it is not given.

    Raises:
        DTypeError: `value` is nothing that tapec holds.

    >>> constant([1.0, 2.0]).dtype
    dtype('float64')
    >>> constant(3, dtype="float32").item()
    3.0
    """
    tensor = lift(value)
    if tensor._literal or (isinstance(value, np.ndarray) and not ACTIVE.recorders):  # while recording `lift` copies
        tensor = make(np.array(tensor._array))
    if ACTIVE.device is not None and type(tensor._array) is np.ndarray and not tracing():
        tensor = make(moved(tensor._array, ACTIVE.device), tensor._weak)
    return cast(tensor, tensor.dtype if dtype is None else np.dtype(dtype))
