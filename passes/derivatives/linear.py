"""Transposes of the primitives that are linear in some operands.

A lean cotangent only broadcasts to the result's shape; most gradients begin as one scalar, and stay one for as long as
the ops allow.
"""

from __future__ import annotations

from itertools import product
from math import prod

from tapec.ops import contraction, indexing, movement, reduction
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, broadcast, cast, matmul, reshape, select, take, transpose, zeros
from tapec.passes.derivatives.table import Linear, Rows
from tapec.passes.derivatives.window_products import of_product
from tapec.passes.lean import expand, sum_to


def _scalar_or_full(ct: Sym, out: Sym) -> tuple[Sym, bool]:
    """A cotangent that is one number everywhere as a scalar and True; any other in full and False."""
    if prod(ct.shape) == 1:
        return reshape(ct, ()), True
    return broadcast(ct, out.shape), False


def _select(i: int, ct: Sym, out: Sym, condition: Sym, *branches: Sym) -> Sym:
    masked = select(condition, ct, 0.0) if i == 1 else select(condition, 0.0, ct)
    return sum_to(masked, out.shape, branches[i - 1].shape)


def _cast(i: int, ct: Sym, out: Sym, x: Sym, *, dtype: str) -> Sym:
    return cast(ct, x.dtype)


def _same(i: int, ct: Sym, out: Sym, x: Sym) -> Sym:
    return ct


def _broadcast(i: int, ct: Sym, out: Sym, x: Sym, *, shape: tuple[int, ...]) -> Sym:
    return sum_to(ct, shape, x.shape)


def _reshape(i: int, ct: Sym, out: Sym, x: Sym, *, shape: tuple[int, ...]) -> Sym:
    full, uniform = _scalar_or_full(ct, out)
    return full if uniform else reshape(full, x.shape)


def _transpose(i: int, ct: Sym, out: Sym, x: Sym, *, permutation: tuple[int, ...]) -> Sym:
    full, uniform = _scalar_or_full(ct, out)
    if uniform:
        return full
    return transpose(full, tuple([permutation.index(axis) for axis in range(len(permutation))]))


def _slice(
    i: int, ct: Sym, out: Sym, x: Sym, *, start: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]
) -> Sym:
    return apply(movement.unslice, broadcast(ct, out.shape), start=start, step=step, shape=x.shape)


def _unslice(
    i: int, ct: Sym, out: Sym, x: Sym, *, start: tuple[int, ...], step: tuple[int, ...], shape: tuple[int, ...]
) -> Sym:
    full, uniform = _scalar_or_full(ct, out)
    return full if uniform else apply(movement.slice_, full, start=start, size=x.shape, step=step)


def _windows(i: int, ct: Sym, out: Sym, x: Sym, *, size: tuple[int, ...], step: tuple[int, ...]) -> Sym:
    full, counts = broadcast(ct, out.shape), out.shape[: len(size)]
    if prod(counts) == 0:
        return zeros(ct.builder, x.type)
    if size == step and x.shape == tuple([n * extent for n, extent in zip(counts, size, strict=True)]):
        pairs = [axis for i in range(len(size)) for axis in (i, len(size) + i)]
        return reshape(transpose(full, tuple(pairs)), x.shape)
    as_product = of_product(full, x, size, step)
    if as_product is not None:
        return as_product
    received = None
    for place in product(*map(range, size)):
        part = apply(
            movement.slice_, full, start=(0,) * len(counts) + place, size=counts + (1,) * len(size),
            step=(1,) * (2 * len(size)),
        )  # fmt: skip
        spread = apply(movement.unslice, reshape(part, counts), start=place, step=step, shape=x.shape)
        received = spread if received is None else received + spread
    assert received is not None  # a window has at least one place
    return received


def _concat(i: int, ct: Sym, out: Sym, *parts: Sym, axis: int) -> Sym:
    full, uniform = _scalar_or_full(ct, out)
    if uniform:
        return full
    before = sum(part.shape[axis] for part in parts[:i])
    start = tuple([before if n == axis else 0 for n in range(len(out.shape))])
    return apply(movement.slice_, full, start=start, size=parts[i].shape, step=(1,) * len(start))


def _sum(i: int, ct: Sym, out: Sym, x: Sym, *, axes: tuple[int, ...]) -> Sym:
    return expand(ct, axes, len(x.shape))


def _cumsum(i: int, ct: Sym, out: Sym, x: Sym, *, axis: int, reverse: bool) -> Sym:
    return apply(reduction.cumsum, broadcast(ct, out.shape), axis=axis, reverse=not reverse)


def _matrix_transpose(x: Sym) -> Sym:
    rank = len(x.shape)
    return transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def _matmul(i: int, ct: Sym, out: Sym, a: Sym, b: Sym) -> Sym:
    full = broadcast(ct, out.shape)
    return matmul(full, _matrix_transpose(b)) if i == 0 else matmul(_matrix_transpose(a), full)


def _take(i: int, ct: Sym, out: Sym, x: Sym, indices: Sym, *, axis: int) -> Sym:
    empty = zeros(ct.builder, x.type)
    if prod(indices.shape) == 1:  # 0.0 + -0.0 would be 0.0
        return apply(indexing.put, empty, indices, broadcast(ct, out.shape), axis=axis, distinct=True)
    return apply(indexing.scatter_add, empty, indices, broadcast(ct, out.shape), axis=axis)


def _take_along(i: int, ct: Sym, out: Sym, x: Sym, indices: Sym, *, axis: int) -> Sym:
    empty = zeros(ct.builder, x.type)
    return apply(indexing.scatter_add_along, empty, indices, broadcast(ct, out.shape), axis=axis)


def _scatter_add(i: int, ct: Sym, out: Sym, x: Sym, indices: Sym, updates: Sym, *, axis: int) -> Sym:
    full, uniform = _scalar_or_full(ct, out)
    return full if i == 0 or uniform else take(full, indices, axis)


def _scatter_add_along(i: int, ct: Sym, out: Sym, x: Sym, indices: Sym, updates: Sym, *, axis: int) -> Sym:
    full, uniform = _scalar_or_full(ct, out)
    return full if i == 0 or uniform else apply(indexing.take_along, full, indices, axis=axis)


ROWS: Rows = {
    ew.select: Linear((1, 2), _select, lean=True),
    ew.cast: Linear(None, _cast, lean=True),
    ew.copy: Linear(None, _same, lean=True),
    ew.barrier: Linear(None, _same, lean=True),
    movement.broadcast: Linear(None, _broadcast, lean=True),
    movement.reshape: Linear(None, _reshape),
    movement.transpose: Linear(None, _transpose),
    movement.slice_: Linear(None, _slice),
    movement.unslice: Linear(None, _unslice),
    movement.windows: Linear(None, _windows),
    movement.concat: Linear(None, _concat),
    reduction.sum: Linear(None, _sum),
    reduction.cumsum: Linear(None, _cumsum),
    contraction.matmul: Linear(None, _matmul, joint=False),
    indexing.take: Linear((0,), _take),
    indexing.take_along: Linear((0,), _take_along),
    indexing.scatter_add: Linear((0, 2), _scatter_add, additive=True),
    indexing.scatter_add_along: Linear((0, 2), _scatter_add_along, additive=True),
}
