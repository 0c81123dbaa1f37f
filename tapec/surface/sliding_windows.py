"""`sliding_window_view`: all windows of an array, which are read where they lie."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tapec.dispatch import apply, lift, located
from tapec.errors import ShapeError
from tapec.ops import movement
from tapec.surface.axes import one_axis
from tapec.surface.primitives import reshape, transpose
from tapec.surface.registry import implements
from tapec.tensor import Tensor


@implements(sliding_window_view)
def _sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Tensor:
    if writeable:
        raise ValueError("windows of a tensor can't be written to; leave writeable=True out")
    array = lift(x)
    sizes = [index(n) for n in (window_shape if np.iterable(window_shape) else (window_shape,))]
    ndim = array._array.ndim
    if axis is None:
        axes = list(range(ndim))
    else:
        axes = [one_axis(number, ndim) for number in (axis if np.iterable(axis) else (axis,))]
    if len(sizes) != len(axes):
        raise located(
            ShapeError(f"there are windows of shape {tuple(sizes)}, along axes {tuple(axes)}: one extent for each")
        )
    if min(sizes, default=0) < 0:
        raise located(ShapeError(f"a window has no negative extent, got {tuple(sizes)}"))
    done = 0
    while done < len(axes):  # an axis that comes again has windows of windows
        some = done + 1
        while some < len(axes) and axes[some] not in axes[done:some]:
            some += 1
        array = _windows(array, sizes[done:some], axes[done:some])
        done = some
    return array


def _windows(x: Tensor, sizes: list[int], axes: list[int]) -> Tensor:
    """Windows along different axes; theirs come last, in the order in which they are given."""
    shape = x._array.shape
    size = [1] * len(shape)
    for axis, extent in zip(axes, sizes, strict=True):
        if extent > shape[axis]:
            raise located(ShapeError(f"a window of {extent} is larger than axis {axis} of a tensor of shape {shape}"))
        size[axis] = extent
    found = apply(movement.windows, (x,), {"size": tuple(size), "step": (1,) * len(size)})
    counts = found._array.shape[: len(shape)]
    in_order = sorted(range(len(axes)), key=axes.__getitem__)
    found = reshape(found, (*counts, *[sizes[i] for i in in_order]))
    back = [len(counts) + in_order.index(i) for i in range(len(axes))]
    return transpose(found, (*range(len(counts)), *back))
