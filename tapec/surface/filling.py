"""NumPy's functions that write to their first argument, for what can be written to: an `Array`, or a view of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, unsupported
from tapec.dispatch import cast, lift, located
from tapec.errors import ShapeError
from tapec.scattering import add_at
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor
from tapec.writable import WritableArray


def _writable(function: Any, array: Any, instead: str = "") -> WritableArray:
    if isinstance(array, WritableArray):
        return array
    raise unsupported(
        function,
        f"it writes to its first argument, a {type(array).__name__}: begin with a copy, a = np.copy(t), of a tensor, "
        f"and with a = tp.asarray(x) for an array of NumPy's{instead}",
    )


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    array = _writable(np.copyto, dst)
    value = lift(src, array.dtype)
    if casting == "unsafe":
        value = cast(value, array.dtype)
    elif casting != "same_kind":
        refuse(np.copyto, casting=casting)
    array.__tapec_write__(value, where)


@implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    if mode != "raise":
        refuse(np.put, mode=mode)
    array, flat = _writable(np.put, a), NUMPY_FUNCTIONS[np.ravel](ind)
    array[_coordinates(flat, array.shape)] = _repeated(v, flat.size)


@implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    array = _writable(np.fill_diagonal, a)
    shape = array.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise located(ShapeError(f"fill_diagonal takes two axes, or more of one extent, got an array of shape {shape}"))
    step = 1 + sum(int(np.prod(shape[i:])) for i in range(1, len(shape)))
    stop = shape[1] * shape[1] if len(shape) == 2 and not wrap else array.size
    _put(array, np.arange(array.size)[:stop:step], val)


@implements(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    array = _writable(np.putmask, a)
    value = cast(lift(values, array.dtype), array.dtype)
    if value.shape != array.shape:
        value = NUMPY_FUNCTIONS[np.reshape](_repeated(value, array.size), array.shape)
    array.__tapec_write__(value, mask)


@implements(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    """How many elements are written is a guard of compiled functions, as it is where a mask is a key."""
    array, chosen = _writable(np.place, arr), cast(lift(mask), np.dtype(bool))
    if chosen.shape != array.shape:
        raise located(ShapeError(f"place: a mask of shape {chosen.shape} and an array of shape {array.shape} differ"))
    count = int(NUMPY_FUNCTIONS[np.count_nonzero](chosen))
    if count:
        array[chosen] = _repeated(vals, count)


@implements(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    array, where = _writable(np.put_along_axis, arr), lift(indices)
    if axis is None:
        array[_coordinates(where, array.shape)] = values
        return
    if where.ndim != array.ndim:
        raise located(ShapeError(f"put_along_axis: indices of {where.ndim} axes and an array of {array.ndim}"))
    along = axis % array.ndim
    grid = np.ogrid[tuple([slice(n) for n in array.shape])]
    array[tuple([where if i == along else places for i, places in enumerate(grid)])] = values


def _add_at(ufunc: np.ufunc, a: Any, indices: Any, b: Any) -> None:
    sign = "" if ufunc is np.add else "-"
    array = _writable(
        f"numpy.{ufunc.__name__}.at", a, f"; or use x = tp.add_at(x, indices, {sign}values), or tp.segment_sum"
    )
    array.__tapec_write__(add_at(array, indices, b if ufunc is np.add else NUMPY_FUNCTIONS[np.negative](b)))


implements((np.add, "at"), (np.subtract, "at"))(_add_at)


def _repeated(values: Any, count: int) -> Tensor:
    """`count` values: those given one after another, from the first again where they end."""
    flat: Tensor = NUMPY_FUNCTIONS[np.ravel](values)
    return flat if flat.size in (1, count) else flat[np.arange(count) % max(flat.size, 1)]


def _coordinates(flat: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Flat positions, which may be negative, as an index for each axis; what is out of range stays so."""
    found: list[Any] = []
    for extent in reversed(shape[1:]):
        found.insert(0, flat % extent)
        flat = flat // extent
    return (flat, *found)
