"""Reductions over axes: sums, products, extremes, truth, positions and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import ShapeError, UnsupportedFunctionError
from tapec.ir.dtypes import FLOATS
from tapec.ir.primitive import Primitive
from tapec.ops import reduction
from tapec.surface.axes import kept, one_axis, several_axes
from tapec.surface.primitives import broadcast, reshape, select, strong, truth
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor

_MISSING = np._NoValue


def reduce(primitive: Primitive, x: Tensor, axis: Any, keepdims: Any) -> Tensor:
    """One reducing primitive with NumPy's `axis` and `keepdims`."""
    shape = x._array.shape
    axes = tuple(range(len(shape))) if axis is None else tuple(sorted(several_axes(axis, len(shape))))
    out = apply(primitive, (x,), {"axes": axes}) if axes else x
    return reshape(out, kept(shape, axes)) if _given(keepdims) else out


def _given(flag: Any) -> bool:
    return flag is not _MISSING and bool(flag)


def accumulated(x: Tensor, dtype: Any) -> Tensor:
    """`x` in the dtype in which NumPy sums it: the one asked for, or 64 bits for narrower integers and booleans."""
    if dtype is not None:
        return cast(x, np.dtype(dtype))
    kind, size = x._array.dtype.kind, x._array.dtype.itemsize
    if kind in FLOATS or (size == 8 and kind != "b"):
        return x
    return cast(x, np.dtype(np.uint64 if kind == "u" else np.int64))


def _additive(function: Any, primitive: Primitive, identity: int) -> Callable[..., Tensor]:
    def call(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _MISSING,
        where: Any = True,
    ) -> Tensor:
        if out is not None:
            refuse(function, out=out)
        x = accumulated(strong(a), dtype)
        if where is not True and where is not _MISSING:
            x = select(truth(lift(where)), x, identity)
        result = reduce(primitive, x, axis, keepdims)
        if initial is _MISSING or initial is None:
            return result
        whole: Tensor = result + initial if primitive is reduction.sum else result * initial
        return whole

    return call


sum_over = _additive(np.sum, reduction.sum, 0)
prod_over = _additive(np.prod, reduction.prod, 1)
implements(np.sum)(sum_over)
implements(np.prod)(prod_over)


def _extreme(function: Any, primitive: Primitive, ufunc: np.ufunc) -> Callable[..., Tensor]:
    def call(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _MISSING, where: Any = True
    ) -> Tensor:
        if out is not None:
            refuse(function, out=out)
        x = strong(a)
        have_initial = initial is not _MISSING and initial is not None
        if where is not True and where is not _MISSING:
            if not have_initial:
                raise ValueError(f"{function.__name__} with `where` needs `initial`, as it has no identity")
            x = select(truth(lift(where)), x, lift(initial, x._array.dtype))
        axes = several_axes(axis, x._array.ndim)
        if any(x._array.shape[i] == 0 for i in axes):
            if not have_initial:
                raise located(
                    ShapeError(f"zero-size array (shape {x.shape}) to reduction {function.__name__} has no identity")
                )
            remaining = kept(x._array.shape, axes)
            if not _given(keepdims):
                remaining = tuple([n for i, n in enumerate(x._array.shape) if i not in axes])
            return broadcast(lift(initial, x._array.dtype), remaining)
        result = reduce(primitive, x, axis, keepdims)
        return NUMPY_FUNCTIONS[ufunc](result, initial) if have_initial else result

    return call


max_over = _extreme(np.max, reduction.max, np.maximum)
min_over = _extreme(np.min, reduction.min, np.minimum)
implements(np.max, np.amax)(max_over)
implements(np.min, np.amin)(min_over)


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Tensor:
    refuse(np.ptp, out=out)
    return max_over(a, axis, None, keepdims) - min_over(a, axis, None, keepdims)


@implements(np.any)
def _any(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Tensor:
    refuse(np.any, out=out)
    return _truth_reduction(a, axis, keepdims, where, some=True)


@implements(np.all)
def _all(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Tensor:
    refuse(np.all, out=out)
    return _truth_reduction(a, axis, keepdims, where, some=False)


def _truth_reduction(a: Any, axis: Any, keepdims: Any, where: Any, some: bool) -> Tensor:
    x = truth(lift(a))
    if where is not True and where is not _MISSING:
        x = select(truth(lift(where)), x, not some)
    axes = several_axes(axis, x._array.ndim)
    if any(x._array.shape[i] == 0 for i in axes):
        rest = kept(x._array.shape, axes)
        if not _given(keepdims):
            rest = tuple([n for i, n in enumerate(x._array.shape) if i not in axes])
        return broadcast(lift(np.bool_(not some)), rest)
    return reduce(reduction.max if some else reduction.min, x, axis, keepdims)


@implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Tensor:
    return sum_over(truth(lift(a)), axis, np.int64, None, keepdims)


def _position(function: Any, primitive: Primitive) -> None:
    @implements(function)
    def call(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Tensor:
        refuse(function, out=out)
        x = lift(a)
        shape = x._array.shape
        if axis is None or not shape:
            one_axis(axis or 0, max(len(shape), 1))
            flat = apply(primitive, (reshape(x, (x._array.size,)),), {"axis": 0})
            return reshape(flat, (1,) * len(shape)) if _given(keepdims) else flat
        number = one_axis(axis, len(shape))
        result = apply(primitive, (x,), {"axis": number})
        return reshape(result, kept(shape, (number,))) if _given(keepdims) else result


_position(np.argmax, reduction.argmax)
_position(np.argmin, reduction.argmin)


# Methods of ufuncs ---------------------------------------------------------------------------------------------------


def _reduce_method(ufunc: np.ufunc, function: Any) -> None:
    whole = NUMPY_FUNCTIONS[function]

    @implements((ufunc, "reduce"))
    def call(_: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **options: Any) -> Tensor:
        refuse(ufunc, out=out)
        if dtype is not None:
            array = cast(lift(array), np.dtype(dtype))
        return whole(array, axis=axis, **options)  # type: ignore[no-any-return]


for _ufunc, _function in (
    (np.add, np.sum),
    (np.multiply, np.prod),
    (np.maximum, np.max),
    (np.minimum, np.min),
    (np.logical_and, np.all),
    (np.logical_or, np.any),
):
    _reduce_method(_ufunc, _function)


@implements((np.ufunc, "outer"))
def _outer_method(ufunc: np.ufunc, a: Any, b: Any, **options: Any) -> Any:
    function = NUMPY_FUNCTIONS.get(ufunc)
    if function is None:
        raise UnsupportedFunctionError(f"numpy.{ufunc.__name__}.outer is not recorded on tensors")
    a, b = lift(a), lift(b)
    return function(reshape(a, a._array.shape + (1,) * b._array.ndim), b, **options)
