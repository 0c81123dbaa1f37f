"""The same elements in another arrangement: reshapes, transposes, repetitions and reversals."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any

import numpy as np

from tapec.dispatch import cast, lift, located
from tapec.errors import AttributeValueError, ShapeError
from tapec.ops import elementwise as ew
from tapec.surface.axes import one_axis, several_axes
from tapec.surface.primitives import broadcast, concat, reshape, take, transpose, window
from tapec.surface.registry import implements
from tapec.tensor import Tensor


@implements(np.reshape)
def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Tensor:
    x = lift(a)
    wanted = shape if shape is not None else newshape
    extents = tuple([index(n) for n in wanted]) if isinstance(wanted, (tuple, list)) else (index(wanted),)
    if extents.count(-1) == 1:
        others = prod(n for n in extents if n != -1)
        if others == 0 or x._array.size % others:
            raise located(ShapeError(f"cannot reshape tensor of shape {x.shape} (size {x.size}) into shape {extents}"))
        extents = tuple([x._array.size // others if n == -1 else n for n in extents])
    if order == "F":
        return _reverse_axes(reshape(_reverse_axes(x), extents[::-1]))
    if order not in ("C", "A", "K"):
        raise ValueError(f"order must be one of 'C', 'F', 'A', got {order!r}")
    return reshape(x, extents)


def _reverse_axes(x: Tensor) -> Tensor:
    return transpose(x, tuple(range(x._array.ndim))[::-1])


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Tensor:
    """All elements along one axis."""
    x = lift(a)
    return _reshape(x, (x._array.size,), order)


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Tensor:
    x = lift(a)
    if axes is None:
        return _reverse_axes(x)
    if len(axes) != x._array.ndim:
        raise located(AttributeValueError(f"axes {tuple(axes)} don't match a tensor of shape {x.shape}"))
    return transpose(x, several_axes(tuple(axes), x._array.ndim))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Tensor:
    t = lift(x)
    if t._array.ndim < 2:
        raise located(ShapeError(f"matrix_transpose takes at least two axes, got shape {t.shape}"))
    return _swapaxes(t, -1, -2)


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Tensor:
    x = lift(a)
    order = list(range(x._array.ndim))
    i, j = one_axis(axis1, len(order)), one_axis(axis2, len(order))
    order[i], order[j] = order[j], order[i]
    return transpose(x, tuple(order))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Tensor:
    """Axes at other places, the others in their order."""
    x = lift(a)
    sources, targets = several_axes(source, x._array.ndim), several_axes(destination, x._array.ndim)
    if len(sources) != len(targets):
        raise ValueError("moveaxis takes as many destinations as sources")
    order = [i for i in range(x._array.ndim) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return transpose(x, tuple(order))


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Tensor:
    x = lift(a)
    number = one_axis(axis, x._array.ndim)
    begin = start + x._array.ndim if start < 0 else start
    order = [i for i in range(x._array.ndim) if i != number]
    order.insert(begin - (begin > number), number)
    return transpose(x, tuple(order))


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Tensor:
    x = lift(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    places = several_axes(axis, x._array.ndim + count)
    old = iter(x._array.shape)
    return reshape(x, tuple([1 if i in places else next(old) for i in range(x._array.ndim + count)]))


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Tensor:
    x = lift(a)
    shape = x._array.shape
    places = [i for i, n in enumerate(shape) if n == 1] if axis is None else several_axes(axis, len(shape))
    if any(shape[i] != 1 for i in places):
        raise located(ShapeError(f"cannot select an axis to squeeze out which has size not equal to one: {shape}"))
    return reshape(x, tuple([n for i, n in enumerate(shape) if i not in places]))


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Tensor:
    wanted = (index(shape),) if not isinstance(shape, (tuple, list)) else tuple([index(n) for n in shape])
    return broadcast(lift(array), wanted)


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Tensor, ...]:
    operands = [lift(a) for a in args]
    shape: tuple[int, ...] = ()
    for x in operands:
        shape = _common_shape(shape, x._array.shape)
    return tuple([broadcast(x, shape) for x in operands])


def _common_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return ew.broadcast_shapes(a, b)
    except ShapeError as error:
        raise located(error) from None


@implements(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes = [ravel(x) for x in xi]
    order = list(range(len(axes)))
    if indexing == "xy" and len(axes) > 1:
        order[:2] = [1, 0]
    shape = [1] * len(axes)
    for x, place in zip(axes, order, strict=True):
        shape[place] = x._array.size
    columns = []
    for x, place in zip(axes, order, strict=True):
        columns.append(reshape(x, tuple([x._array.size if i == place else 1 for i in range(len(axes))])))
    return tuple(columns if sparse else [broadcast(x, tuple(shape)) for x in columns])


def _reversed(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    for axis in axes:
        extent = x._array.shape[axis]
        if extent > 1:
            x = window(x, axis, extent - 1, extent, -1)
    return x


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Tensor:
    """Elements in reverse order along axes; along all for None."""
    x = lift(m)
    return _reversed(x, several_axes(axis, x._array.ndim))


@implements(np.fliplr)
def _fliplr(m: Any) -> Tensor:
    return flip(m, 1)


@implements(np.flipud)
def _flipud(m: Any) -> Tensor:
    return flip(m, 0)


@implements(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    x = lift(m)
    first, second = several_axes(tuple(axes), x._array.ndim)
    turns = k % 4
    if turns == 2:
        return _reversed(x, (first, second))
    if turns == 1:
        return _swapaxes(_reversed(x, (second,)), first, second)
    return _reversed(_swapaxes(x, first, second), (second,)) if turns == 3 else x


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    x = lift(a)
    if axis is None:
        return reshape(_roll(reshape(x, (x._array.size,)), shift, 0), x._array.shape)
    shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis))
    for by, number in zip(shifts.tolist(), axes.tolist(), strict=True):
        place = one_axis(number, x._array.ndim)
        extent = x._array.shape[place]
        cut = -by % extent if extent else 0
        if cut:
            x = concat([window(x, place, cut, extent - cut), window(x, place, 0, cut)], place)
    return x


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Tensor:
    x = lift(A)
    counts = tuple([index(n) for n in reps]) if isinstance(reps, (tuple, list)) else (index(reps),)
    rank = max(len(counts), x._array.ndim)
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - x._array.ndim) + x._array.shape
    spread = tuple([n for pair in zip(counts, shape, strict=True) for n in pair])
    narrow = tuple([n for extent in shape for n in (1, extent)])
    repeated = broadcast(reshape(x, narrow), spread)
    return reshape(repeated, tuple([c * n for c, n in zip(counts, shape, strict=True)]))


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Tensor:
    x = lift(a)
    if axis is None or not x._array.ndim:
        x = reshape(x, (x._array.size,))
    number = one_axis(axis or 0, x._array.ndim)
    counts = np.asarray(repeats)
    shape = x._array.shape
    if counts.size == 1:
        n = int(counts.reshape(()))
        wide = broadcast(
            reshape(x, (*shape[: number + 1], 1, *shape[number + 1 :])), (*shape[: number + 1], n, *shape[number + 1 :])
        )
        return reshape(wide, (*shape[:number], shape[number] * n, *shape[number + 1 :]))
    if counts.shape != (shape[number],):
        raise located(ShapeError(f"repeats of shape {counts.shape} do not fit axis {number} of shape {shape}"))
    return take(x, lift(np.repeat(np.arange(shape[number]), counts)), number)


@implements(np.resize)
def _resize(a: Any, new_shape: Any) -> Tensor:
    x = ravel(a)
    shape = tuple(new_shape) if isinstance(new_shape, (tuple, list)) else (index(new_shape),)
    return reshape(take(x, lift(np.arange(prod(shape)) % x._array.size), 0), shape)


@implements(np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    return cast(lift(x), np.dtype(dtype))


@implements(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Tensor:
    return lift(a)


def at_least_one_axis(a: Any) -> Tensor:
    """A scalar as a vector of one element; anything else as it is."""
    x = lift(a)
    return x if x._array.ndim else reshape(x, (1,))


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Scalars as vectors of one element."""
    return _each(arys, at_least_one_axis)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Vectors as single rows."""
    return _each(arys, lambda x: reshape(x, (1,) * (2 - x._array.ndim) + x._array.shape))


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Vectors and matrices with three axes, as NumPy places them."""

    def deepen(x: Tensor) -> Tensor:
        shape = x._array.shape
        return reshape(x, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}.get(len(shape), shape))

    return _each(arys, deepen)


def _each(arrays: tuple[Any, ...], change: Any) -> Any:
    results = tuple([change(lift(a)) for a in arrays])
    return results[0] if len(results) == 1 else results
