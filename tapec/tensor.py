"""`Tensor`: an immutable array whose operations are recorded."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from tapec.errors import UnsupportedFunctionError
from tapec.ir import dtypes
from tapec.ir.types import TensorType, tensor_type
from tapec.recording import ACTIVE

_serials = count(1).__next__

# Filled by `tapec.surface`: what a NumPy function or ufunc means on tensors. They take the NumPy function's arguments.
NUMPY_FUNCTIONS: dict[Any, Callable[..., Any]] = {}


class Tensor:
    """An immutable array. Operators, NumPy's functions and tapec's own work on it and are recorded by active tapes.

    Made by `tp.constant`, by reading a `tp.Variable`, and by operations on tensors.
    """

    __slots__ = ("__weakref__", "_array", "_literal", "_serial", "_weak")
    __array_priority__ = 1000.0

    _array: np.ndarray[Any, Any]
    _serial: int
    _weak: bool  # the dtype gives way to the other operand's, as that of a Python number does
    _literal: bool  # a number in the user's source: recorders keep it as a constant

    # Attributes ------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._array.size

    @property
    def type(self) -> TensorType:
        """The IR's type of this tensor."""
        return tensor_type(dtypes.of(self._array.dtype), self._array.shape)

    # Leaving for plain Python ----------------------------------------------------------------------------------------

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a read-only NumPy array, without a copy. What is computed from it is not recorded."""
        for recorder in ACTIVE.recorders:
            recorder.leak(self, "t.numpy()")
        return self._array

    def __bool__(self) -> bool:
        seen = bool(self._array)
        for recorder in ACTIVE.recorders:
            recorder.observe(self, int(seen))
        return seen


def make(array: Any, weak: bool = False, literal: bool = False) -> Tensor:
    """A tensor around an array that nobody will write to again (or a NumPy scalar)."""
    tensor = Tensor.__new__(Tensor)
    tensor._array = array if type(array) is np.ndarray else np.asarray(array)
    tensor._serial = _serials()
    tensor._weak = weak
    tensor._literal = literal
    return tensor


def unsupported(function: Any, hint: str = "") -> UnsupportedFunctionError:
    """The error for a NumPy function that tapec does not record."""
    name = getattr(function, "__name__", str(function))
    module = getattr(function, "__module__", None) or "numpy"
    advice = hint or "compute it from functions that are listed in docs/numpy.md, or leave the tape with .numpy() first"
    return UnsupportedFunctionError(f"{module}.{name} is not recorded on tensors; {advice}")
