"""Tensors as TensorFlow makes them of Python's numbers: floats are float32, integers int32."""

from __future__ import annotations

from typing import Any

import numpy as np

import tapec as tp
from tapec import dispatch
from tapec.array_protocol import TENSOR_FUNCTIONS
from tapec.dispatch import lift
from tapec.ir.dtypes import FLOATS
from tapec.tensor import Tensor

_INT32 = np.iinfo(np.int32)


def _plain(value: Any) -> bool:
    """Whether a value consists of Python's own numbers, so that nobody has said which dtype he wants."""
    if isinstance(value, list | tuple):
        return all(_plain(item) for item in value)
    return isinstance(value, bool | int | float) and not isinstance(value, np.generic)


def default_dtype(value: Any, dtype: Any = None) -> np.dtype[Any] | None:
    """The dtype that a value gets: the one that is wanted, TensorFlow's for Python's numbers, or None for NumPy's."""
    if dtype is not None:
        wanted: np.dtype[Any] = np.dtype(dtype)
        return wanted
    if not _plain(value):
        return None
    array: np.ndarray[Any, np.dtype[Any]] = np.asarray(value)
    if array.dtype.kind in FLOATS:
        return np.dtype(np.float32)
    if array.dtype.kind == "i" and (not array.size or _INT32.min <= array.min() <= array.max() <= _INT32.max):
        return np.dtype(np.int32)
    return None


def operand(value: Any, dtype: Any = None) -> Tensor:
    """Whatever a function takes, as a tensor."""
    tensor = lift(value)
    wanted = default_dtype(value, dtype)
    return dispatch.cast(tensor, tensor.dtype if wanted is None else wanted)


def pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands; a number beside something else stays one, whose dtype gives way."""
    numbers = (bool, int, float)
    if type(x) in numbers and type(y) in numbers:
        return operand(x), operand(y)
    return (x if type(x) in numbers else operand(x)), (y if type(y) in numbers else operand(y))


def extents(shape: Any) -> tuple[int, ...]:
    """A shape: an integer, a sequence of integers, or an integer tensor."""
    if isinstance(shape, list | tuple):
        return tuple([int(n) for n in shape])
    found = lift(shape)
    return tuple([int(n) for n in found]) if found.ndim else (int(found),)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """`tp.constant`, in the shape that is given."""
    tensor = tp.constant(value, default_dtype(value, dtype))
    if shape is None:
        return tensor
    change = np.reshape if tensor.ndim else np.broadcast_to
    return TENSOR_FUNCTIONS[change](tensor, extents(shape))


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor of a value; a tensor stays the tensor that it is."""
    return operand(value, dtype)


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`tf.cast`: a tensor in another dtype."""
    return dispatch.cast(operand(x), np.dtype(dtype))


def is_tensor(x: Any) -> bool:
    """Whether a value is a Tensor or a Variable."""
    return isinstance(x, tp.Tensor | tp.Variable)
