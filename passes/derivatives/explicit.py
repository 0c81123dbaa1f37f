"""Reductions that are not sums, and the primitives that have no derivative for want of an operand or of a float."""

from __future__ import annotations

from math import prod

from tapec.ops import creation, movement, ordering, reduction
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, broadcast, equal, reduce_sum, reshape, transpose
from tapec.passes.derivatives.table import Excused, Partial, ReducedPartial, Rows
from tapec.passes.lean import expand


def _swapped(pairs: Sym) -> Sym:
    """The two elements of the last axis in the other order."""
    rank = len(pairs.shape)
    start, step = (0,) * (rank - 1) + (1,), (1,) * (rank - 1) + (-1,)
    return apply(movement.slice_, pairs, start=start, size=pairs.shape, step=step)


def _product_of_others(x: Sym) -> Sym:
    """For each element the product of all others on the last axis, which has two or more.

    A tree of pairs: what an element misses is its neighbour, times what its pair misses one level up. Products only,
    so that zeros need no special case and every derivative of the formula is right as well.
    """
    *rest, n = x.shape
    if n == 2:
        return _swapped(x)
    even = n + n % 2
    if even != n:
        one = broadcast(x.constant(1.0), (*rest, 1))
        x = apply(movement.concat, x, one, axis=len(rest))
    pairs = reshape(x, (*rest, even // 2, 2))
    above = _product_of_others(apply(reduction.prod, pairs, axes=(len(rest) + 1,)))
    others = reshape(reshape(above, (*above.shape, 1)) * _swapped(pairs), (*rest, even))
    if even == n:
        return others
    return apply(movement.slice_, others, start=(0,) * (len(rest) + 1), size=(*rest, n), step=(1,) * (len(rest) + 1))


def _prod(out: Sym, x: Sym, *, axes: tuple[int, ...]) -> Partial:
    count = prod([x.shape[axis] for axis in axes])
    if count <= 1:
        return 1.0
    kept = tuple([axis for axis in range(len(x.shape)) if axis not in axes])
    order = kept + axes
    moved = x if order == tuple(range(len(order))) else transpose(x, order)
    flat = reshape(moved, (*[x.shape[axis] for axis in kept], count))
    others = reshape(_product_of_others(flat), moved.shape)
    return others if moved is x else transpose(others, tuple([order.index(axis) for axis in range(len(order))]))


def _extremum(out: Sym, x: Sym, *, axes: tuple[int, ...]) -> Sym:
    """Equal shares among ties. Where the result is NaN no element equals it, and the shares are NaN as well."""
    holds = apply(ew.cast, equal(x, expand(out, axes, len(x.shape))), dtype=x.dtype.name)
    return holds * expand(1.0 / reduce_sum(holds, axes), axes, len(x.shape))


_POSITIONS = Excused("positions are integers, which have no derivative")

ROWS: Rows = {
    reduction.prod: ReducedPartial(_prod),
    reduction.max: ReducedPartial(_extremum),
    reduction.min: ReducedPartial(_extremum),
    reduction.argmax: _POSITIONS,
    reduction.argmin: _POSITIONS,
    ordering.argsort: _POSITIONS,
    creation.constant: Excused("a constant depends on nothing"),
    creation.iota: Excused("a constant depends on nothing"),
    creation.guard: Excused("a guard has no result"),
}
