"""Lean cotangents and tangents: of a shape that only broadcasts to that of the value they belong to.

Most gradients start as one scalar; keeping it one until an op needs the full shape spares whole arrays.
"""

from __future__ import annotations

from math import prod

from tapec.ops.symbolic import Sym, reduce_sum, reshape


def expand(x: Sym, axes: tuple[int, ...], rank: int) -> Sym:
    """`x`, which misses `axes` of a value of `rank`, with extents 1 in their place. A lean `x` stays lean."""
    missing = rank - len(axes) - len(x.shape)
    extents = iter((1,) * missing + x.shape)
    return reshape(x, _strip([1 if axis in axes else next(extents) for axis in range(rank)]))


def sum_to(x: Sym, whole: tuple[int, ...], part: tuple[int, ...]) -> Sym:
    """The transpose of broadcasting `part` to `whole`, applied to an `x` that is lean for `whole`; lean for `part`."""
    if prod(part) != 0 and prod(whole) == 0:
        return x.constant(0.0)
    rank = len(whole)
    have = (1,) * (rank - len(x.shape)) + x.shape
    want = (1,) * (rank - len(part)) + part
    repeated = [i for i in range(rank) if want[i] == 1 and whole[i] != 1]
    copies = prod([whole[i] for i in repeated if have[i] == 1])
    summed = tuple([i - (rank - len(x.shape)) for i in repeated if have[i] != 1])
    reduced = reduce_sum(x, summed)
    lean = _strip([1 if i in repeated else have[i] for i in range(rank)])
    if _strip(list(reduced.shape)) != lean or len(reduced.shape) > len(part):
        reduced = reshape(reduced, lean)
    return reduced if copies == 1 else reduced * float(copies)


def _strip(shape: list[int]) -> tuple[int, ...]:
    """Without leading ones, which broadcasting supplies."""
    first = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return tuple(shape[first:])
