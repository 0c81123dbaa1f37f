"""Running sums, products and extremes, and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, cast, lift
from tapec.ops import reduction
from tapec.surface.axes import one_axis
from tapec.surface.primitives import broadcast, concat, floating, reshape, select, strong, window
from tapec.surface.reductions import accumulated
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor


def _flat_or_axis(x: Tensor, axis: Any) -> tuple[Tensor, int]:
    if axis is None or not x._array.ndim:
        x = reshape(x, (x._array.size,))
    return x, one_axis(axis or 0, x._array.ndim)


@implements(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    refuse(np.cumsum, out=out)
    x, number = _flat_or_axis(accumulated(strong(a), dtype), axis)
    return apply(reduction.cumsum, (x,), {"axis": number, "reverse": False})


@implements(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    refuse(np.cumprod, out=out)
    x, number = _flat_or_axis(accumulated(strong(a), dtype), axis)
    return scan(NUMPY_FUNCTIONS[np.multiply], x, number)


def scan(combine: Callable[[Tensor, Tensor], Tensor], x: Tensor, axis: int) -> Tensor:
    """Running combination by an associative function, in a number of steps that grows with the extent's logarithm."""
    extent = x._array.shape[axis]
    reach = 1
    while reach < extent:
        head = window(x, axis, 0, reach)
        rest = combine(window(x, axis, 0, extent - reach), window(x, axis, reach, extent - reach))
        x = concat([head, rest], axis)
        reach *= 2
    return x


def _cumulative(function: Any, running: Any, identity: int) -> None:
    @implements(function)
    def call(
        x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
    ) -> Tensor:
        t = lift(x)
        if axis is None and t._array.ndim > 1:
            raise ValueError(f"{function.__name__} of more than one dimension needs an axis")
        number = one_axis(axis if axis is not None else 0, t._array.ndim)
        result: Tensor = running(t, number, dtype, out)
        if not include_initial:
            return result
        shape = list(result._array.shape)
        shape[number] = 1
        first = lift(np.full(shape, identity, result._array.dtype))
        return concat([first, result], number)


_cumulative(np.cumulative_sum, _cumsum, 0)
_cumulative(np.cumulative_prod, _cumprod, 1)


@implements(np.nancumsum)
def _nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    x = lift(a)
    return _cumsum(select(x != x, 0, x), axis, dtype, out)


@implements(np.nancumprod)
def _nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    x = lift(a)
    return _cumprod(select(x != x, 1, x), axis, dtype, out)


def _accumulate_method(ufunc: np.ufunc) -> None:
    @implements((ufunc, "accumulate"))
    def call(_: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Tensor:
        refuse(ufunc, out=out)
        x = strong(array)
        if ufunc in (np.add, np.multiply):
            x = accumulated(x, dtype)
        elif dtype is not None:
            x = cast(x, np.dtype(dtype))
        number = one_axis(axis, x._array.ndim)
        if ufunc is np.add:
            return apply(reduction.cumsum, (x,), {"axis": number, "reverse": False})
        return scan(NUMPY_FUNCTIONS[ufunc], x, number)


for _ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2):
    _accumulate_method(_ufunc)


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: Any = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Tensor:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    x = strong(a)
    if n == 0:
        return x
    number = one_axis(axis, x._array.ndim)
    ends = [_as_column(extra, x, number) for extra in (prepend, append)]
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    if len(parts) > 1:
        x = NUMPY_FUNCTIONS[np.concatenate](parts, axis=number)
    for _ in range(n):
        extent = max(x._array.shape[number] - 1, 0)
        if extent == 0:
            return window(x, number, 0, 0)
        later, earlier = window(x, number, 1, extent), window(x, number, 0, extent)
        x = later != earlier if x._array.dtype.kind == "b" else later - earlier
    return x


def _as_column(extra: Any, x: Tensor, axis: int) -> Tensor | None:
    if extra is np._NoValue:
        return None
    t = lift(extra)
    if t._array.ndim:
        return t
    return broadcast(t, tuple([1 if i == axis else m for i, m in enumerate(x._array.shape)]))


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    x = lift(ary)
    out = _diff(reshape(x, (x._array.size,)))
    parts = [NUMPY_FUNCTIONS[np.ravel](part) for part in (to_begin, out, to_end) if part is not None]
    joined: Tensor = NUMPY_FUNCTIONS[np.concatenate](parts) if len(parts) > 1 else out
    return cast(joined, x._array.dtype)


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Tensor:
    values = strong(y)
    number = one_axis(axis, values._array.ndim)
    width: Any = dx
    if x is not None:
        points = lift(x)
        if points._array.ndim == 1:
            shape = [1] * values._array.ndim
            shape[number] = points._array.size - 1
            width = reshape(_diff(points), tuple(shape))
        else:
            width = _diff(points, axis=number)
    extent = values._array.shape[number]
    pairs = max(extent - 1, 0)
    left, right = window(values, number, 0, pairs), window(values, number, 1, pairs)
    return TENSOR_FUNCTIONS[np.sum](width * (left + right) / 2.0, axis=number)


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    from_axes = range(lift(f)._array.ndim) if axis is None else np.atleast_1d(axis).tolist()
    x = floating(f)
    axes = [one_axis(a, x._array.ndim) for a in from_axes]
    spacings = list(varargs) if len(varargs) > 1 else list(varargs or (1.0,)) * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient along {len(axes)} axes takes as many spacings, or one, got {len(varargs)}")
    results = [
        _gradient_along(x, cast(lift(h), x._array.dtype), number, edge_order)
        for h, number in zip(spacings, axes, strict=True)
    ]
    return results[0] if len(results) == 1 else tuple(results)


def _gradient_along(x: Tensor, h: Tensor, axis: int, edge_order: int) -> Tensor:
    """Second-order central differences inside, one-sided ones at the ends (the formulas of `numpy.gradient`)."""
    extent = x._array.shape[axis]
    if extent < edge_order + 1:
        raise ValueError(f"gradient of edge_order {edge_order} takes at least {edge_order + 1} elements, got {extent}")
    column = tuple([-1 if i == axis else 1 for i in range(x._array.ndim)])
    if h._array.ndim:
        steps = NUMPY_FUNCTIONS[np.reshape](_diff(h), column)
    else:
        steps = broadcast(h, tuple([extent - 1 if n < 0 else 1 for n in column]))
    slopes = _diff(x, axis=axis) / steps
    first, last = window(slopes, axis, 0, 1), window(slopes, axis, extent - 2, 1)
    if extent == 2:
        return concat([first, last], axis)
    if h._array.ndim:
        before, after = window(steps, axis, 0, extent - 2), window(steps, axis, 1, extent - 2)
        left, right = window(slopes, axis, 0, extent - 2), window(slopes, axis, 1, extent - 2)
        inner = (after * left + before * right) / (before + after)
    else:
        inner = (window(x, axis, 2, extent - 2) - window(x, axis, 0, extent - 2)) / (h * 2.0)
    if edge_order == 2:
        second = window(slopes, axis, 1, 1)
        h0, h1 = window(steps, axis, 0, 1), window(steps, axis, 1, 1)
        g0, g1 = window(steps, axis, extent - 3, 1), window(steps, axis, extent - 2, 1)
        first = first + (first - second) * h0 / (h0 + h1)
        last = last + (last - window(slopes, axis, extent - 3, 1)) * g1 / (g0 + g1)
    return concat([first, inner, last], axis)
