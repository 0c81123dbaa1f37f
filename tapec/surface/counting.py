"""`np.bincount`: how many, or how much, there is of each integer."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import cast, lift, located
from tapec.errors import AttributeValueError, DTypeError, ShapeError
from tapec.scattering import sum_into
from tapec.surface.primitives import filled, floating
from tapec.surface.registry import implements
from tapec.tensor import Tensor

_I64 = np.dtype(np.int64)


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Tensor:
    """The number of bins depends on the data: compiled functions guard it."""
    places = lift(x)
    if places._array.dtype.kind not in "iub":
        raise located(DTypeError(f"bincount takes integers, got {places.dtype}"))
    if places._array.ndim != 1:
        raise located(ShapeError(f"bincount takes one axis, got shape {places.shape}"))
    if index(minlength) < 0:
        raise located(AttributeValueError("'minlength' must not be negative"))
    places = cast(places, _I64)
    rows = filled(1, places._array.shape, _I64) if weights is None else cast(floating(weights), np.dtype(np.float64))
    if rows._array.shape != places._array.shape:
        raise located(ShapeError(f"bincount: {places.shape} and weights of shape {rows.shape} differ"))
    count = index(minlength)
    if places._array.size:
        if NUMPY_FUNCTIONS[np.min](places) < 0:
            raise located(AttributeValueError("bincount takes no negative integers"))
        count = max(count, int(NUMPY_FUNCTIONS[np.max](places)) + 1)
    return sum_into(rows, places, count)
