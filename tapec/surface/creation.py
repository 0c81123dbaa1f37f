"""NumPy's `*_like` and conversion functions, and ranges between tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import cast, lift, promote
from tapec.placement import beside
from tapec.surface.primitives import broadcast, filled, floating
from tapec.surface.registry import implements
from tapec.tensor import Tensor


def _like(x: Tensor, dtype: Any, shape: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    extents = x._array.shape if shape is None else tuple(np.atleast_1d(shape).tolist())
    return extents, x._array.dtype if dtype is None else np.dtype(dtype)


def _constant_like(function: Any, value: int) -> None:
    @implements(function)
    def call(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
    ) -> Tensor:
        x = lift(a)
        with beside(x):
            return filled(value, *_like(x, dtype, shape))


_constant_like(np.zeros_like, 0)
_constant_like(np.ones_like, 1)
_constant_like(np.empty_like, 0)


@implements(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *,
    device: Any = None,
) -> Tensor:  # fmt: skip
    x = lift(a)
    extents, wanted = _like(x, dtype, shape)
    with beside(x):
        return broadcast(cast(lift(fill_value), wanted), extents)


def _with_like(function: Any) -> None:
    """`np.zeros(shape, like=tensor)` and the like: NumPy's result as a tensor."""

    @implements(function)
    def call(*args: Any, **kwargs: Any) -> Tensor:
        return lift(function(*args, **kwargs))


for _function in (np.zeros, np.ones, np.empty, np.eye, np.identity, np.arange, np.tri, np.frombuffer, np.fromiter):
    _with_like(_function)


@implements(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Tensor:
    x = lift(fill_value)
    extents = tuple(np.atleast_1d(shape).tolist())
    return broadcast(cast(x, x._array.dtype if dtype is None else np.dtype(dtype)), extents)


def _converts(function: Any) -> None:
    @implements(function)
    def call(a: Any, dtype: Any = None, **options: Any) -> Tensor:
        x = lift(a)
        return cast(x, x._array.dtype if dtype is None else np.dtype(dtype))


for _conversion in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require):
    _converts(_conversion)


@implements(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    first, last = (floating(t) for t in promote(lift(start), lift(stop)))
    spans = num - 1 if endpoint else num
    step = (last - first) / float(max(spans, 1))
    rank = max(first._array.ndim, last._array.ndim)
    counter = lift(np.arange(num, dtype=step._array.dtype).reshape((num,) + (1,) * rank))
    out = first + counter * step
    if endpoint and num > 1:  # the end itself, not what rounding makes of it
        ending = broadcast(last, out._array.shape[1:])
        out = NUMPY_FUNCTIONS[np.concatenate]([out[:-1], NUMPY_FUNCTIONS[np.expand_dims](ending, 0)])
    if dtype is not None:
        wanted = np.dtype(dtype)
        out = cast(NUMPY_FUNCTIONS[np.floor](out) if wanted.kind in "iu" else out, wanted)
    out = NUMPY_FUNCTIONS[np.moveaxis](out, 0, axis)
    return (out, step) if retstep else out


@implements(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Tensor:
    out: Tensor = NUMPY_FUNCTIONS[np.power](base, _linspace(start, stop, num, endpoint, axis=axis))
    return out if dtype is None else cast(out, np.dtype(dtype))


@implements(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Tensor:
    log, exp = NUMPY_FUNCTIONS[np.log], NUMPY_FUNCTIONS[np.exp]
    first, last = promote(floating(start), floating(stop))
    sign, size = NUMPY_FUNCTIONS[np.sign](first), NUMPY_FUNCTIONS[np.absolute]
    out: Tensor = sign * exp(_linspace(log(size(first)), log(size(last)), num, endpoint, axis=axis))
    return out if dtype is None else cast(out, np.dtype(dtype))
