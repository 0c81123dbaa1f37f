"""Transposes of updates: what was overwritten receives nothing, what was written receives its part."""

from __future__ import annotations

from math import prod

from tapec.ir import dtypes
from tapec.ops import creation, indexing, movement, ordering, update
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, broadcast, cast, reshape, select, take, zeros
from tapec.passes.derivatives.table import Linear, Rows


def _slice_set(i: int, ct: Sym, out: Sym, x: Sym, new: Sym, *, start: tuple[int, ...], step: tuple[int, ...]) -> Sym:
    full = broadcast(ct, out.shape)
    if i == 1:
        return apply(movement.slice_, full, start=start, size=new.shape, step=step)
    return apply(update.slice_set, full, zeros(ct.builder, new.type), start=start, step=step)


def _slice_add(i: int, ct: Sym, out: Sym, x: Sym, new: Sym, *, start: tuple[int, ...], step: tuple[int, ...]) -> Sym:
    if i == 0:
        return ct
    return apply(movement.slice_, broadcast(ct, out.shape), start=start, size=new.shape, step=step)


def _put(i: int, ct: Sym, out: Sym, x: Sym, indices: Sym, new: Sym, *, axis: int, distinct: bool) -> Sym:
    full = broadcast(ct, out.shape)
    if i == 0:
        return apply(indexing.put, full, indices, zeros(ct.builder, new.type), axis=axis, distinct=distinct)
    picked = take(full, indices, axis)
    if distinct or prod(indices.shape) <= 1:
        return picked
    written = reshape(last_of_each(indices, x.shape[axis]), (*indices.shape, *(1,) * (len(x.shape) - axis - 1)))
    return select(written, picked, 0.0)


def last_of_each(indices: Sym, extent: int) -> Sym:
    """For each of the indices whether no later one is the same: of those that repeat, the last one is what counts."""
    count = prod(indices.shape)
    flat = reshape(apply(ew.wrap_index, cast(indices, dtypes.I64), size=extent), (count,))
    order = apply(ordering.argsort, flat, axis=0)
    ordered = take(flat, order, 0)
    one, rest = {"start": (0,), "size": (count - 1,), "step": (1,)}, {"start": (1,), "size": (count - 1,), "step": (1,)}
    differs = apply(ew.ne, apply(movement.slice_, ordered, **one), apply(movement.slice_, ordered, **rest))
    last = apply(movement.concat, differs, _truth(indices, True, (1,)), axis=0)
    # As many false as there are indices, of which each gets one of `last`.
    return apply(indexing.scatter_add, _truth(indices, False, (count,)), order, last, axis=0)


def _truth(like: Sym, value: bool, shape: tuple[int, ...]) -> Sym:
    builder = like.builder
    op = builder.emit(creation.constant, (), {"value": value, "dtype": dtypes.BOOL.name})
    return broadcast(Sym(builder, op.result), shape)


ROWS: Rows = {
    update.slice_set: Linear(None, _slice_set),
    update.slice_add: Linear(None, _slice_add, additive=True),
    indexing.put: Linear((0, 2), _put),
}
