"""Several tensors as one, and one as several; padding."""

from __future__ import annotations

from itertools import pairwise
from operator import index
from typing import Any

import numpy as np

from tapec.dispatch import cast, lift, located, promote
from tapec.errors import ShapeError, UnsupportedFunctionError
from tapec.surface.axes import one_axis
from tapec.surface.movement import atleast_1d, atleast_2d, atleast_3d, moveaxis, ravel
from tapec.surface.primitives import broadcast, concat, reshape, take, window
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor


def _together(arrays: Any, dtype: Any) -> list[Tensor]:
    operands = [lift(a) for a in arrays]
    if not operands:
        raise ValueError("need at least one array to join")
    if dtype is not None:
        return [cast(x, np.dtype(dtype)) for x in operands]
    return list(promote(*operands))


@implements(np.concatenate, np.concat)
def _concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Tensor:
    refuse(np.concatenate, out=out)
    operands = _together(arrays, dtype)
    if axis is None:
        return concat([ravel(x) for x in operands], 0)
    first = operands[0]
    if not first._array.ndim:
        raise located(ShapeError("zero-dimensional arrays cannot be concatenated; use np.stack"))
    return concat(operands, one_axis(axis, first._array.ndim))


@implements(np.stack)
def _stack(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
    refuse(np.stack, out=out)
    operands = _together(arrays, dtype)
    shape = operands[0]._array.shape
    if any(x._array.shape != shape for x in operands):
        raise located(ShapeError(f"stack takes arrays of one shape, got {[x.shape for x in operands]}"))
    number = one_axis(axis, len(shape) + 1)
    thin = (*shape[:number], 1, *shape[number:])
    return concat([reshape(x, thin) for x in operands], number)


@implements(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
    rows = [atleast_1d(x) for x in tup]
    return _concatenate(rows, 1 if rows and rows[0]._array.ndim > 1 else 0, dtype=dtype)


@implements(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
    return _concatenate([atleast_2d(x) for x in tup], 0, dtype=dtype)


@implements(np.dstack)
def _dstack(tup: Any) -> Tensor:
    return _concatenate([atleast_3d(x) for x in tup], 2)


@implements(np.column_stack)
def _column_stack(tup: Any) -> Tensor:
    columns = []
    for value in tup:
        x = lift(value)
        columns.append(reshape(x, (x._array.size, 1)) if x._array.ndim < 2 else x)
    return _concatenate(columns, 1)


@implements(np.block)
def _block(arrays: Any) -> Tensor:
    def depth(value: Any) -> int:
        return 1 + max(map(depth, value)) if isinstance(value, list) and value else 0

    levels = depth(arrays)
    ranks = [levels]

    def leaves(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                leaves(item)
        else:
            ranks.append(lift(value)._array.ndim)

    leaves(arrays)
    rank = max(ranks)

    def join(value: Any, level: int) -> Tensor:
        if isinstance(value, list):
            return _concatenate([join(item, level + 1) for item in value], rank - levels + level)
        x = lift(value)
        return reshape(x, (1,) * (rank - x._array.ndim) + x._array.shape)

    return join(arrays, 0)


@implements(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Tensor:
    if axis is None:  # numbers are arrays then, which widen the others
        arr, values = atleast_1d(arr), atleast_1d(values)
    return _concatenate([arr, values], axis)


@implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Tensor:
    x = lift(arr)
    if axis is None:
        x, number = ravel(x), 0
    else:
        number = one_axis(axis, x._array.ndim)
    extent = x._array.shape[number]
    # NumPy says where each element goes: the old ones keep their positions, the new ones are numbered from `extent`.
    single = np.ndim(obj) == 0 and not isinstance(obj, slice)
    new = cast(lift(values), x._array.dtype)
    if single:
        new = moveaxis(reshape(new, (1,) * (x._array.ndim - new._array.ndim) + new._array.shape), 0, number)
        count = new._array.shape[number]
        order = np.insert(np.arange(extent), [index(obj)] * count, np.arange(extent, extent + count))
    else:
        count = np.arange(extent)[obj].size if isinstance(obj, slice) else np.size(obj)
        order = np.insert(np.arange(extent), obj, np.arange(extent, extent + count))
    block = tuple([count if i == number else n for i, n in enumerate(x._array.shape)])
    return take(concat([x, broadcast(new, block)], number), lift(order), number)


@implements(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Tensor:
    x = lift(arr)
    if axis is None:
        x, number = ravel(x), 0
    else:
        number = one_axis(axis, x._array.ndim)
    return take(x, lift(np.delete(np.arange(x._array.shape[number]), obj)), number)


# One as several --------------------------------------------------------------------------------------------------


@implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    x = lift(ary)
    number = one_axis(axis, x._array.ndim)
    extent = x._array.shape[number]
    if np.ndim(indices_or_sections):
        cuts = [0, *[range(extent + 1)[slice(None, int(i)).indices(extent)[1]] for i in indices_or_sections], extent]
    else:
        sections = index(indices_or_sections)
        if sections <= 0:
            raise ValueError("number sections must be larger than 0.")
        each, extra = divmod(extent, sections)
        cuts = np.cumsum([0, *[each + 1] * extra, *[each] * (sections - extra)]).tolist()
    return [
        window(x, number, start, stop - start) if stop > start else window(x, number, 0, 0)
        for start, stop in pairwise(cuts)
    ]


@implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    x = lift(ary)
    extent = x._array.shape[one_axis(axis, x._array.ndim)]
    if not np.ndim(indices_or_sections) and extent % index(indices_or_sections):
        raise located(ShapeError(f"axis {axis} of shape {x.shape} has no {indices_or_sections} equal parts"))
    return _array_split(x, indices_or_sections, axis)


@implements(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    return _split(ary, indices_or_sections, 1 if lift(ary)._array.ndim > 1 else 0)


@implements(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    return _split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def _dsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    return _split(ary, indices_or_sections, 2)


@implements(np.unstack)
def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    t = lift(x)
    number = one_axis(axis, t._array.ndim)
    rest = t._array.shape[:number] + t._array.shape[number + 1 :]
    return tuple([reshape(window(t, number, i, 1), rest) for i in range(t._array.shape[number])])


# Padding ---------------------------------------------------------------------------------------------------------

_INDEXED_MODES = ("edge", "reflect", "symmetric", "wrap")


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Tensor:
    x = lift(array)
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - x._array.ndim, 0)) for i in range(x._array.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (x._array.ndim, 2)).tolist()
    if mode in _INDEXED_MODES:
        if options.get("reflect_type", "even") != "even":
            raise UnsupportedFunctionError("numpy.pad with reflect_type='odd' is not recorded on tensors")
        for axis, width in enumerate(widths):
            positions = np.pad(np.arange(x._array.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
            x = take(x, lift(positions), axis)
        return x
    if mode != "constant":
        raise UnsupportedFunctionError(
            f"numpy.pad(mode={mode!r}) is not recorded on tensors; use constant, {', '.join(_INDEXED_MODES)}"
        )
    fills = options.get("constant_values", 0)
    return _pad_constant(x, widths, _fill_pairs(fills, x._array.ndim))


def _fill_pairs(fills: Any, rank: int) -> list[tuple[Any, Any]]:
    if isinstance(fills, (tuple, list)):
        pairs = [tuple(p) if isinstance(p, (tuple, list)) else p for p in fills]
        if pairs and not isinstance(pairs[0], tuple):
            pairs = [tuple(pairs)]
        full = [pair * 2 if len(pair) == 1 else pair for pair in pairs]
        return full * rank if len(full) == 1 else full
    return [(fills, fills)] * rank


def _pad_constant(x: Tensor, widths: list[list[int]], fills: list[tuple[Any, Any]]) -> Tensor:
    for axis, ((before, after), (low, high)) in enumerate(zip(widths, fills, strict=True)):
        parts = [x]
        shape = x._array.shape
        for width, fill, place in ((before, low, 0), (after, high, 1)):
            if width:
                block = tuple([width if i == axis else n for i, n in enumerate(shape)])
                filler = broadcast(cast(lift(fill, x._array.dtype), x._array.dtype), block)
                parts.insert(0 if place == 0 else len(parts), filler)
        x = concat(parts, axis)
    return x
