"""Which rows are read at several places at once.

A processor fetches ahead along each of several streams further than along one: reductions that wait for one array, with
little to compute, read it at four places: several rows at once, or several blocks of a very long one
(`tapec.passes.row_loops`).
"""

from __future__ import annotations

from math import prod
from typing import Final

from tapec.passes.interior import interior
from tapec.passes.loops import Compute, Load, Nest, Reduce, Store
from tapec.passes.scalar.costs import cost

PLACES: Final = 4
# Elements of a row from which on its own blocks are read side by side, and bytes from which on whole rows are: what the
# second-level cache holds comes soon enough.
LENGTH: Final = 1 << 17
BYTES: Final = 1 << 20
_CHEAP: Final = 12


def is_cheap(nest: Nest) -> bool:
    """Whether a nest's body has so little to compute that it waits for memory."""
    return sum(cost(i.primitive, i.dtype) for i in nest.body if isinstance(i, Compute)) <= _CHEAP


def blocks_at_places(nest: Nest, axis: int) -> bool:
    """Whether a row is read at several of its blocks.

    Args:
        nest: with one reduced axis.
        axis: that one.
    """
    extent = nest.extents[axis]
    return isinstance(extent, int) and extent >= LENGTH and _one_stream(nest, axis)


def rows_at_places(nest: Nest) -> bool:
    """Whether several rows are read in step, from places of the last kept axis that lie far apart."""
    kept = [a for a, reduced in enumerate(nest.reduced) if not reduced]
    if not nest.row or sum(nest.reduced) != 1 or not kept or not all(isinstance(n, int) for n in nest.extents):
        return False
    extents, axis = [int(n) for n in nest.extents], nest.reduced.index(True)
    if extents[axis] >= LENGTH or extents[kept[-1]] < PLACES or not _one_stream(nest, axis):
        return False
    for i in nest.body:
        if isinstance(i, Load) and i.access.strides[axis] == 1 and i.access.strides[kept[-1]] != 0:
            moving = [n for n, stride in zip(extents, i.access.strides, strict=True) if stride != 0]
            return prod(moving) * i.access.buffer.dtype.itemsize >= BYTES
    return False


def _one_stream(nest: Nest, axis: int) -> bool:
    """Whether one array is read along an axis and none written: stores at several places cost more."""
    moving = [i for i in nest.body if isinstance(i, Load | Store) and i.access.strides[axis] != 0]
    one = len(moving) == sum(isinstance(i, Reduce) for i in nest.body) == 1
    return one and is_cheap(nest) and interior(nest) is None
