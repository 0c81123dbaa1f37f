"""Transposes of updates: what was overwritten receives nothing, what was written receives its part."""

from __future__ import annotations

from tapec.ops import movement, update
from tapec.ops.symbolic import Sym, apply, broadcast, reshape, take, zeros
from tapec.passes.derivatives.table import Linear, Rows


def _slice_set(i: int, ct: Sym, out: Sym, x: Sym, new: Sym, *, start: tuple[int, ...], step: tuple[int, ...]) -> Sym:
    full = broadcast(ct, out.shape)
    if i == 1:
        return apply(movement.slice_, full, start=start, size=new.shape, step=step)
    return apply(update.slice_set, full, zeros(ct.builder, new.type), start=start, step=step)


def _put(i: int, ct: Sym, out: Sym, x: Sym, positions: Sym, new: Sym) -> Sym:
    full = broadcast(ct, out.shape)
    if i == 2:
        return take(reshape(full, (x.type.size,)), positions, 0)
    return apply(update.put, full, positions, zeros(ct.builder, new.type))


ROWS: Rows = {
    update.slice_set: Linear(None, _slice_set),
    update.put: Linear((0, 2), _put),
}
