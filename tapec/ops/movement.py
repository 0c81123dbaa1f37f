"""Movement primitives: the same elements in another arrangement. `unslice` also fills with zeros."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tapec.errors import AttributeValueError, DTypeError, ShapeError
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.reduction import check_axis
from tapec.ops.registry import define


class Movement(Family):
    """One operand; the result's shape follows from the attributes."""

    name = "movement"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        (x,) = operands
        return (tensor_type(x.dtype, _SHAPES[primitive.name](x.shape, **attributes)),)


class Concatenation(Family):
    """Any number of operands that agree on all axes but `axis`."""

    name = "concatenation"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        axis: Any = attributes["axis"]
        first = operands[0]
        check_axis(primitive.name, axis, first.rank)
        total = 0
        for x in operands:
            if x.dtype is not first.dtype:
                raise DTypeError(f"concat takes operands of one dtype, got {first.dtype.numpy}, {x.dtype.numpy}")
            if x.rank != first.rank or any(
                m != n for i, (m, n) in enumerate(zip(first.shape, x.shape, strict=True)) if i != axis
            ):
                raise ShapeError(f"concat along axis {axis}: shapes {first.shape} and {x.shape} differ elsewhere too")
            total += x.shape[axis]
        return (tensor_type(first.dtype, first.shape[:axis] + (total,) + first.shape[axis + 1 :]),)


def _broadcast_shape(old: tuple[int, ...], *, shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) < len(old) or any(m not in (1, n) for m, n in zip(old, shape[len(shape) - len(old) :], strict=True)):
        raise ShapeError(f"shape {old} does not broadcast to {shape}")
    return shape


def _reshape_shape(old: tuple[int, ...], *, shape: tuple[int, ...]) -> tuple[int, ...]:
    if prod(old) != prod(shape) or any(n < 0 for n in shape):
        raise ShapeError(f"cannot reshape {old} ({prod(old)} elements) to {shape}")
    return shape


def _transpose_shape(old: tuple[int, ...], *, permutation: tuple[int, ...]) -> tuple[int, ...]:
    if sorted(permutation) != list(range(len(old))):
        raise AttributeValueError(f"transpose of shape {old}: {permutation} is no permutation of its axes")
    return tuple([old[i] for i in permutation])


def check_window(
    name: str, whole: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]
) -> None:
    """Raises `AttributeValueError` for a window that is not within an array of shape `whole`."""
    if not len(whole) == len(start) == len(size) == len(step):
        raise AttributeValueError(f"{name}: start, size and step must have one entry per axis of {whole}")
    for n, first, count, stride in zip(whole, start, size, step, strict=True):
        last = first + (count - 1) * stride
        if stride == 0 or count < 0 or (count > 0 and not (0 <= first < n and 0 <= last < n)):
            raise AttributeValueError(f"{name}: start {first}, size {count}, step {stride} leaves an axis of size {n}")


def _slice_shape(
    old: tuple[int, ...], *, start: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]
) -> tuple[int, ...]:
    check_window("slice", old, start, size, step)
    return size


def _unslice_shape(
    old: tuple[int, ...], *, start: tuple[int, ...], step: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[int, ...]:
    check_window("unslice", shape, start, old, step)
    return shape


def _windows_shape(old: tuple[int, ...], *, size: tuple[int, ...], step: tuple[int, ...]) -> tuple[int, ...]:
    if not len(old) == len(size) == len(step) or min((*size, *step), default=1) < 1:
        raise AttributeValueError(f"windows of shape {old}: size {size} and step {step} take a number from 1 per axis")
    counts = [max((n - extent) // stride + 1, 0) for n, extent, stride in zip(old, size, step, strict=True)]
    return (*counts, *size)


_SHAPES: dict[str, Any] = {
    "broadcast": _broadcast_shape,
    "reshape": _reshape_shape,
    "transpose": _transpose_shape,
    "slice": _slice_shape,
    "unslice": _unslice_shape,
    "windows": _windows_shape,
}


@lru_cache(maxsize=4096)
def window(start: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]) -> tuple[slice, ...]:
    """The Python slices that pick `start + i * step` for `i < size` on each axis, negative steps included."""
    out = []
    for first, count, stride in zip(start, size, step, strict=True):
        stop = first + count * stride
        out.append(slice(first, None if stop < 0 else stop, stride) if count else slice(0, 0))
    return tuple(out)


def _slice(x: Any, *, start: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]) -> Any:
    return x[window(start, size, step)]


def _unslice(x: Any, *, start: tuple[int, ...], step: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    out[window(start, x.shape, step)] = x
    return out


def _windows(x: Any, *, size: tuple[int, ...], step: tuple[int, ...]) -> Any:
    shape = _windows_shape(x.shape, size=size, step=step)
    strides = (*[s * stride for s, stride in zip(x.strides, step, strict=True)], *x.strides)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


MOVEMENT, CONCATENATION = Movement(), Concatenation()

broadcast = define(
    Primitive(
        "broadcast", MOVEMENT, 1, lambda x, *, shape: np.broadcast_to(x, shape), "Repeats along axes.", ("shape",)
    )
)
reshape = define(
    Primitive("reshape", MOVEMENT, 1, lambda x, *, shape: x.reshape(shape), "Same row-major order.", ("shape",))
)
transpose = define(
    Primitive("transpose", MOVEMENT, 1, lambda x, *, permutation: np.transpose(x, permutation),
              "Result axis i is operand axis permutation[i].", ("permutation",))
)  # fmt: skip
slice_ = define(
    Primitive("slice", MOVEMENT, 1, _slice, "Elements start + i * step for i < size, on every axis.",
              ("start", "size", "step"))
)  # fmt: skip
unslice = define(
    Primitive("unslice", MOVEMENT, 1, _unslice, "Zeros of `shape` with the operand where `slice` would read it.",
              ("start", "step", "shape"))
)  # fmt: skip
windows = define(
    Primitive("windows", MOVEMENT, 1, _windows, "Element (i, d) of the result is element i * step + d, d < size.",
              ("size", "step"))
)  # fmt: skip
concat = define(
    Primitive("concat", CONCATENATION, -1, lambda *xs, axis: np.concatenate(xs, axis), "Operands one after another.",
              ("axis",))
)  # fmt: skip
