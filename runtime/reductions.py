"""Eager runs of reductions: one kernel for any shape, or some where axes are short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from tapec.ir import dtypes
from tapec.ir.dtypes import FLOATS, DType
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import reduction as reductions
from tapec.passes.identities import of_nothing
from tapec.passes.short_axes import innermost, shifted, short_axis, without
from tapec.runtime.conversions import converted
from tapec.runtime.kept_kernels import Kernel, kernel_of
from tapec.runtime.target import vector_bits

Array: TypeAlias = np.ndarray[Any, Any]
_Reduce: TypeAlias = Callable[[Array], Array]

_REDUCTIONS: dict[tuple[Any, ...], _Reduce] = {}
_MOST_REDUCTIONS = 4096


# Integers and booleans have the same sums and extremes in any order. NumPy takes the first few: guards of a recording
# ask for one or two, and a kernel takes 15 ms to make.
_REDUCE: Final[dict[Primitive, Callable[..., Any]]] = {
    reductions.sum: np.add.reduce,
    reductions.prod: np.multiply.reduce,
    reductions.max: np.maximum.reduce,
    reductions.min: np.minimum.reduce,
}
_FEW: Final = 64
_RUNS: Final[Counter[tuple[Primitive, int]]] = Counter()


def _is_seldom(primitive: Primitive, dtype: np.dtype[Any]) -> bool:
    key = primitive, dtype.num
    _RUNS[key] += 1
    return _RUNS[key] <= _FEW


def reduction(primitive: Primitive, arrays: list[Array], attributes: dict[str, Any]) -> Array:
    """`sum`, `prod`, `max` or `min` over axes."""
    (x,) = arrays
    axes: tuple[int, ...] = attributes["axes"]
    key = (primitive, x.dtype.num, x.shape, axes)
    run = _REDUCTIONS.get(key)
    if run is None:
        if x.size == 0:
            return _of_nothing(primitive, x, attributes)
        if x.dtype.kind not in FLOATS and x.dtype.kind in primitive.operand_kinds and _is_seldom(primitive, x.dtype):
            return np.asarray(_REDUCE[primitive](x, axes, x.dtype), order="C")
        if len(_REDUCTIONS) >= _MOST_REDUCTIONS:
            _REDUCTIONS.clear()
        dtype = dtypes.of(x.dtype)
        run = _REDUCTIONS[key] = (_in_single if dtype.is_short else _reduce)(primitive, dtype, x.shape, axes)
    return run(x)


def _in_single(primitive: Primitive, dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> _Reduce:
    """How a reduction of floats of 16 bits runs: as compiled programs have it (`passes.widen`)."""
    run = _reduce(primitive, dtypes.F32, shape, axes)
    return lambda x: converted(run(converted(x, dtypes.F32)), dtype)


def _of_nothing(primitive: Primitive, x: Array, attributes: dict[str, Any]) -> Array:
    dtype = dtypes.of(x.dtype)
    # raises where nothing has no value
    (result,) = primitive.family.infer(primitive, (tensor_type(dtype, x.shape),), attributes)
    return np.full(result.shape, of_nothing(primitive.name, dtype), x.dtype)


def _reduce(primitive: Primitive, dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> _Reduce:
    """How a reduction of one shape runs; what it does with short axes is said in `passes.ordered_reductions`."""
    short = short_axis(shape)
    if short is None:
        return _reduce_at_once(primitive, dtype, shape, axes)
    part, rest = without(shape, short), shifted(axes, short)
    rows = prod([part[i] for i in rest]) > 1 and innermost(part) in rest
    if (rows and short_axis(part) is None) or axes == (short,):
        return _reduce_short(primitive, dtype, shape, axes)
    if short in axes:
        first = _reduce_short(primitive, dtype, shape, (short,))
        second = _reduce(primitive, dtype, part, rest)
        return lambda x: second(first(x))
    if not rows and short_axis(part) is None:  # a column stays one, whatever stands beside it
        return _reduce_at_once(primitive, dtype, shape, axes)
    moved = (shape[short], *part)
    each = _reduce(primitive, dtype, moved, tuple([i + 1 for i in rest]))
    at = short - sum(i < short for i in axes)
    return lambda x: np.ascontiguousarray(np.moveaxis(each(np.moveaxis(x, short, 0)), 0, at))


def _reduce_short(primitive: Primitive, dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> _Reduce:
    """One kernel over outer × reduced × the short axis, which is `(outer, n, count)` to it."""
    short = short_axis(shape)
    assert short is not None
    count, over = shape[short], short in axes
    long_axes = [i for i in axes if i != short]
    kept = [i for i in range(len(shape)) if i not in axes and i != short]
    out_shape = tuple([n for i, n in enumerate(shape) if i not in axes])
    kernel = _short_kernel(primitive, dtype, count, over, bool(long_axes))
    outer, n = prod([shape[i] for i in kept]), prod([shape[i] for i in long_axes])
    if not long_axes:
        outer, n = 1, outer
    order = (*kept, *long_axes, short)
    return _over(partial(kernel, outer, n, n * count), order, out_shape)


def _reduce_at_once(primitive: Primitive, dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> _Reduce:
    """One kernel over outer × reduced × inner elements."""
    kept = [i for i in range(len(shape)) if i not in axes]
    out_shape = tuple([shape[i] for i in kept])
    n = prod([shape[i] for i in axes])
    if n == 1:
        return lambda x: np.array(x.reshape(out_shape), order="C")
    row = innermost(shape) in axes
    inner_axes = [] if row else [i for i in kept if i > max(axes)]
    order = (*[i for i in kept if i not in inner_axes], *axes, *inner_axes)
    inner = prod([shape[i] for i in inner_axes])
    outer = prod(shape) // (n * inner)
    kernel = _reduction_kernel(primitive, dtype, row)
    return _over(partial(kernel, outer, n, inner, n * inner), order, out_shape)


def _over(kernel: Callable[..., Any], order: tuple[int, ...], out_shape: tuple[int, ...]) -> _Reduce:
    """The kernel over arrays whose axes are put in this order first, with the array that it fills."""
    permuted = order != tuple(range(len(order)))

    def run(x: Array) -> Array:
        if permuted:
            x = x.transpose(order)
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        out = np.empty(out_shape, x.dtype)
        kernel(x, out)
        return out

    return run


def _reduction_kernel(primitive: Primitive, dtype: DType, row: bool) -> Kernel:
    def text() -> str:
        from tapec.passes.eager_kernels import reduction_kernel

        return reduction_kernel(primitive, dtype, row, vector_bits())

    description = ("reduction", primitive.name, dtype.name, repr(row))
    return kernel_of((primitive, dtype, row), description, text, "iiiipp")


def _short_kernel(primitive: Primitive, dtype: DType, count: int, over: bool, rows: bool) -> Kernel:
    def text() -> str:
        from tapec.passes.eager_kernels import short_kernel

        return short_kernel(primitive, dtype, count, over, rows, vector_bits())

    key = (primitive, dtype, count, over, rows)
    return kernel_of(key, ("short reduction", primitive.name, dtype.name, repr(key[2:])), text, "iiipp")
