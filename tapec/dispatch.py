"""Running a primitive on tensors, and telling the active recorders.

Everything that a user does with tensors ends in `apply`. `lift` and `promote` bring operands to one dtype by NumPy's
rules before that; the casts that this takes are primitives themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import DTypeError
from tapec.ir import dtypes
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE
from tapec.runtime.eager import execute
from tapec.tensor import Tensor, make

_NOTHING: dict[str, Any] = {}


def apply(primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any] = _NOTHING) -> Tensor:
    """Runs one primitive and records it.

    Raises:
        ShapeError, DTypeError, AttributeValueError: what the primitive's family says of the operands.
    """
    result = make(execute(primitive, [t._array for t in operands], attributes))
    recorders = ACTIVE.recorders
    if recorders:
        for recorder in recorders:
            recorder.record(primitive, operands, attributes, result)
    return result


def lift(value: Any, like: np.dtype[Any] | None = None) -> Tensor:
    """A tensor from whatever an operand may be: a tensor, a Variable, an array, nested lists, or a number.

    A Python number takes the dtype `like` if that can hold its kind (NumPy's rule for literals); without `like` it is
    weak, so that the other operand decides.
    """
    kind = type(value)
    if kind is Tensor:
        return value
    if kind is float or kind is int or kind is bool:
        return make(np.asarray(value), weak=kind is not bool, literal=True)
    read = getattr(kind, "__tapec_tensor__", None)  # Variables, and what derives from them, read as tensors
    if read is not None:
        return read(value)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"cannot use a {kind.__name__} (dtype {array.dtype}) as a tensor")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    dtypes.of(array.dtype)
    return make(array)


def cast(x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """`x` in another dtype; `x` itself if it has it. A literal is converted without an op."""
    if x._array.dtype == dtype:
        return x if not x._weak else _strong(x, dtype)
    if x._literal:
        return make(x._array.astype(dtype), literal=True)
    return apply(ew.cast, (x,), {"dtype": dtypes.of(dtype).name})


def _strong(x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    if x._literal:
        return make(x._array, literal=True)
    return apply(ew.cast, (x,), {"dtype": dtypes.of(dtype).name})


def promote(*operands: Tensor) -> tuple[Tensor, ...]:
    """Operands in their common dtype, by NumPy's promotion (NEP 50): weak ones do not widen the others."""
    first = operands[0]._array.dtype
    if all(t._array.dtype == first and not t._weak for t in operands):
        return operands
    dtype = common_dtype(operands)
    return tuple([t if t._array.dtype == dtype else cast(t, dtype) for t in operands])


def common_dtype(operands: tuple[Tensor, ...]) -> np.dtype[Any]:
    """NumPy's result dtype of the operands, with weak tensors in the place of Python numbers."""
    samples: list[Any] = []
    for t in operands:
        if not t._weak:
            samples.append(t._array.dtype)
        else:
            samples.append(1.0 if t._array.dtype.kind == "f" else 1)
    return np.result_type(*samples)
