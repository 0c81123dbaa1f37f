"""Floats of 16 bits: every primitive computes with them in float32 and rounds its result once, or only moves them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tapec.errors import DTypeError
from tapec.ir.dtypes import is_short
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType


def in_single(meaning: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of reference meanings: what NumPy would round after each of its steps is rounded once."""

    @wraps(meaning)
    def wide(*arrays: Any, **attributes: Any) -> Any:
        for a in arrays:
            if is_short(a.dtype):
                short = a.dtype
                break
        else:
            return meaning(*arrays, **attributes)
        result = meaning(*[a.astype(np.float32) if a.dtype == short else a for a in arrays], **attributes)
        if result.dtype != np.float32:
            return result
        with np.errstate(over="ignore"):
            return result.astype(short)

    return wide


def refuse_short(primitive: Primitive, operands: tuple[TensorType, ...]) -> None:
    """Raises `DTypeError` if an operand is of floats of 16 bits: nobody has routines for them."""
    for operand in operands:
        if operand.dtype.is_short:
            raise DTypeError(
                f"{primitive.name} takes float32 or float64, got {operand.dtype.numpy}; cast first "
                "(.astype(np.float32)), and the result back if it is to have 16 bits"
            )
