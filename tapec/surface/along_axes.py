"""NumPy functions that call Python for each slice, axis or piece of a domain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import lift, located
from tapec.errors import ShapeError
from tapec.surface.axes import one_axis
from tapec.surface.movement import at_least_one_axis
from tapec.surface.registry import implements
from tapec.tensor import Tensor


@implements(np.apply_along_axis)
def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """One call of `func1d` for each slice: the program is as long as there are slices."""
    x = at_least_one_axis(arr)
    axis = one_axis(axis, x._array.ndim)
    last = NUMPY_FUNCTIONS[np.moveaxis](x, axis, -1)
    around = last._array.shape[:-1]
    if 0 in around:
        raise ValueError("cannot apply_along_axis where there is no slice: the shape of the result would be unknown")
    found = [lift(func1d(last[index], *args, **kwargs)) for index in np.ndindex(around)]
    stacked = NUMPY_FUNCTIONS[np.stack](found)
    shape = stacked._array.shape[1:]
    result = NUMPY_FUNCTIONS[np.reshape](stacked, (*around, *shape))
    # What func1d gives stands where the axis was.
    made, places = range(len(around), len(around) + len(shape)), range(axis, axis + len(shape))
    return NUMPY_FUNCTIONS[np.moveaxis](result, list(made), list(places))


@implements(np.apply_over_axes)
def _apply_over_axes(func: Callable[[Any, int], Any], a: Any, axes: Any) -> Any:
    value = lift(a)
    rank = value._array.ndim
    for axis in np.atleast_1d(axes).tolist():
        result = lift(func(value, one_axis(axis, rank)))
        if result._array.ndim == rank - 1:
            result = NUMPY_FUNCTIONS[np.expand_dims](result, axis)
        if result._array.ndim != rank:
            raise located(ShapeError(f"apply_over_axes: the function made shape {result.shape} of {value.shape}"))
        value = result
    return value


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Tensor:
    """Each function is called with all of `x`, where NumPy hands it the elements of its piece, so that the shapes of a
    compiled program do not depend on data. The last condition that holds wins, as in NumPy.
    """
    at = lift(x)
    if isinstance(condlist, (list, tuple)) and condlist and np.ndim(condlist[0]) == at._array.ndim:
        conditions = [lift(c) for c in condlist]
    elif np.ndim(condlist) == at._array.ndim:
        conditions = [lift(condlist)]
    else:
        conditions = list(lift(condlist))
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise ValueError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or {len(conditions) + 1} functions are "
            f"expected, got {len(funclist)}"
        )
    values = [f(at, *args, **kw) if callable(f) else f for f in funclist]
    cast, where = NUMPY_FUNCTIONS[np.astype], NUMPY_FUNCTIONS[np.where]
    default = values[len(conditions)] if len(values) > len(conditions) else 0
    out: Tensor = NUMPY_FUNCTIONS[np.zeros_like](at) + cast(lift(default), at.dtype)
    for condition, value in zip(conditions, values, strict=False):
        out = where(condition, cast(lift(value), at.dtype), out)
    return out
