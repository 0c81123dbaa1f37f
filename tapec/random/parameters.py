"""What the functions of `tapec.random` do with their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, TypeAlias

import numpy as np

from tapec.dispatch import cast, common_dtype, lift
from tapec.errors import DTypeError, ShapeError
from tapec.ir import dtypes
from tapec.tensor import Tensor

Shape: TypeAlias = int | Sequence[int]


def extents(shape: Shape) -> tuple[int, ...]:
    """A shape as NumPy takes it: a number of elements, or a sequence of extents.

    Raises:
        ShapeError: an extent is negative.
    """
    found = tuple([index(n) for n in shape]) if isinstance(shape, Sequence) else (index(shape),)
    if any(n < 0 for n in found):
        raise ShapeError(f"a shape has no negative extents, got {found}")
    return found


def floating_dtype(dtype: Any, *parameters: Tensor) -> np.dtype[Any]:
    """`dtype`, or without it what the parameters promote to: float32 if they are Python numbers.

    Raises:
        DTypeError: it is not floating.
    """
    wanted: np.dtype[Any]
    if dtype is not None:
        wanted = np.dtype(dtype)
    else:
        strong = tuple([p for p in parameters if not p._weak])
        wanted = common_dtype(strong) if strong else np.dtype(np.float32)
        if wanted.kind in "iub":
            wanted = np.dtype(np.float64)
    if not dtypes.of(wanted).is_float:
        raise DTypeError(f"random numbers of this kind are floating, got dtype {wanted}")
    return wanted


def parameter(value: Any, dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> Tensor:
    """A parameter in the dtype of the result, which must not need a larger shape.

    Raises:
        ShapeError: it does not broadcast to `shape`.
    """
    tensor = cast(lift(value, dtype), dtype)
    inner = shape[len(shape) - tensor.ndim :]
    if tensor.ndim > len(shape) or any(n not in (1, wanted) for n, wanted in zip(tensor.shape, inner, strict=True)):
        raise ShapeError(f"{name} of shape {tensor.shape} does not broadcast to the shape {shape} that was asked for")
    return tensor
