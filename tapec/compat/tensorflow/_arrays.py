"""Making, joining, moving and choosing: NumPy's functions, under TensorFlow's names."""

from __future__ import annotations

from typing import Any

import numpy as np

import tapec as tp
from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.compat.tensorflow._conversion import constant, default_dtype, extents, operand, pair
from tapec.dispatch import cast, lift
from tapec.surface.primitives import filled
from tapec.tensor import Tensor

_F32 = np.dtype(np.float32)


# Making --------------------------------------------------------------------------------------------------------------


def zeros(shape: Any, dtype: Any = _F32, name: str | None = None) -> Tensor:
    """A tensor of zeros."""
    return filled(0, extents(shape), np.dtype(dtype))


def ones(shape: Any, dtype: Any = _F32, name: str | None = None) -> Tensor:
    """A tensor of ones."""
    return filled(1, extents(shape), np.dtype(dtype))


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of one number."""
    return TENSOR_FUNCTIONS[np.broadcast_to](operand(value), extents(dims))


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros in the shape of a tensor."""
    return TENSOR_FUNCTIONS[np.zeros_like](operand(input), dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones in the shape of a tensor."""
    return TENSOR_FUNCTIONS[np.ones_like](operand(input), dtype)


def eye(num_rows: int, num_columns: int | None = None, *, dtype: Any = _F32, name: str | None = None) -> Tensor:
    """The identity matrix."""
    return lift(np.eye(num_rows, num_columns, dtype=dtype))


def linspace(start: Any, stop: Any, num: int, name: str | None = None, axis: int = 0) -> Tensor:
    """`num` numbers from `start` to `stop`, both included."""
    return TENSOR_FUNCTIONS[np.linspace](operand(start), operand(stop), int(num), axis=axis)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Tensor:
    """Numbers from `start`, or 0, to below `limit`, or `start`."""
    first, beyond = (0, start) if limit is None else (start, limit)
    bounds = [n.item() if isinstance(n, tp.Tensor | tp.Variable) else n for n in (first, beyond, delta)]
    return constant(np.arange(*bounds, dtype=default_dtype(bounds, dtype)))


def one_hot(indices: Any, depth: int, *, dtype: Any = _F32, name: str | None = None) -> Tensor:
    """`tp.nn.one_hot`."""
    return tp.nn.one_hot(operand(indices), depth, dtype)


def meshgrid(*args: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid."""
    return list(NUMPY_FUNCTIONS[np.meshgrid](*[operand(x) for x in args], indexing=indexing))


# Shapes --------------------------------------------------------------------------------------------------------------


def shape(input: Any, out_type: Any = np.int32, name: str | None = None) -> Tensor:
    """The extents, as a tensor."""
    return constant(np.array(operand(input).shape, out_type))


def size(input: Any, out_type: Any = np.int32, name: str | None = None) -> Tensor:
    """The number of elements, as a tensor."""
    return constant(np.array(operand(input).size, out_type))


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes, as a tensor."""
    return constant(operand(input).ndim)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements in another shape."""
    return operand(tensor).reshape(extents(shape))


def transpose(a: Any, perm: Any = None, *, name: str | None = None) -> Tensor:
    """The axes in another order."""
    return TENSOR_FUNCTIONS[np.transpose](operand(a), perm)


def expand_dims(input: Any, axis: int, name: str | None = None) -> Tensor:
    """One more axis."""
    return TENSOR_FUNCTIONS[np.expand_dims](operand(input), axis)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Without the axes of extent 1."""
    axes = tuple(axis) if isinstance(axis, list) else axis
    return TENSOR_FUNCTIONS[np.squeeze](operand(input), axes)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Repeated along new axes and axes of extent 1."""
    return TENSOR_FUNCTIONS[np.broadcast_to](operand(input), extents(shape))


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeated as a whole."""
    return TENSOR_FUNCTIONS[np.tile](operand(input), extents(multiples))


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element repeated."""
    return TENSOR_FUNCTIONS[np.repeat](operand(input), repeats, axis)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Backwards along some axes."""
    return TENSOR_FUNCTIONS[np.flip](operand(tensor), tuple(axis) if isinstance(axis, list) else axis)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Moved in a circle."""
    return TENSOR_FUNCTIONS[np.roll](operand(input), shift, axis)


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Tensor:
    """With a margin."""
    options = {"constant_values": constant_values} if mode.upper() == "CONSTANT" else {}
    return TENSOR_FUNCTIONS[np.pad](operand(tensor), paddings, mode.lower(), **options)


# Joining and parting -------------------------------------------------------------------------------------------------


def concat(values: Any, axis: int, name: str | None = None) -> Tensor:
    """One behind the other."""
    return TENSOR_FUNCTIONS[np.concatenate]([operand(x) for x in values], axis)


def stack(values: Any, axis: int = 0, name: str | None = None) -> Tensor:
    """Along a new axis."""
    return TENSOR_FUNCTIONS[np.stack]([operand(x) for x in values], axis)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices along an axis."""
    return list(NUMPY_FUNCTIONS[np.unstack](operand(value), axis=axis))


def split(value: Any, num_or_size_splits: Any, axis: int = 0, *, name: str | None = None) -> list[Tensor]:
    """Parts along an axis: a number of equal ones, or parts of given extents."""
    if not isinstance(num_or_size_splits, int):
        num_or_size_splits = np.cumsum(extents(num_or_size_splits))[:-1].tolist()
    return list(NUMPY_FUNCTIONS[np.split](operand(value), num_or_size_splits, axis))


# Choosing ------------------------------------------------------------------------------------------------------------


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """`x` where the condition holds, else `y`; without them the indices where it holds."""
    if x is None and y is None:
        return TENSOR_FUNCTIONS[np.argwhere](operand(condition))
    return TENSOR_FUNCTIONS[np.where](operand(condition), *pair(x, y))


def gather(params: Any, indices: Any, *, axis: int = 0, name: str | None = None) -> Tensor:
    """Slices along an axis by their indices."""
    return TENSOR_FUNCTIONS[np.take](operand(params), operand(indices), axis)


def boolean_mask(tensor: Any, mask: Any, *, name: str | None = None) -> Tensor:
    """The slices where a mask holds."""
    return operand(tensor)[operand(mask)]


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Values moved into a range."""
    return TENSOR_FUNCTIONS[np.clip](operand(t), clip_value_min, clip_value_max)


def sort(values: Any, axis: int = -1, *, name: str | None = None) -> Tensor:
    """In ascending order along an axis."""
    return TENSOR_FUNCTIONS[np.sort](operand(values), axis)


def argsort(values: Any, axis: int = -1, *, name: str | None = None) -> Tensor:
    """Indices that put values into ascending order; equal ones keep theirs."""
    return cast(NUMPY_FUNCTIONS[np.argsort](operand(values), axis), np.dtype(np.int32))
