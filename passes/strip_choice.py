"""Which nests take columns row by row (`tapec.passes.column_strips`)."""

from __future__ import annotations

from math import prod

from tapec.passes.loops import Compute, Index, Load, Nest
from tapec.passes.scalar.costs import cost

# Bytes that a nest must read: less stays in the second-level cache from one column to the next.
LEAST_BYTES = 512 << 10


def in_strips(nest: Nest, lanes: int) -> bool:
    """Whether a nest that reduces columns is written in strips.

    Args:
        nest: extents may be unknown.
        lanes: positions of the lane axis that are taken at once.
    """
    kept = [a for a, reduced in enumerate(nest.reduced) if not reduced]
    reduced = [a for a, is_reduced in enumerate(nest.reduced) if is_reduced]
    if nest.row or len(reduced) != 1 or not kept or not all(isinstance(n, int) for n in nest.extents):
        return False
    extents = [int(n) for n in nest.extents]
    if extents[kept[-1]] <= lanes or not _works_on_rows(nest, reduced[0]):
        return False
    return any(
        prod(n for n, s in zip(extents, i.access.strides, strict=True) if s != 0) * i.access.buffer.dtype.itemsize
        >= LEAST_BYTES
        for i in nest.body
        if isinstance(i, Load) and i.access.strides[kept[-1]] == 1
    )


def _works_on_rows(nest: Nest, axis: int) -> bool:
    """Whether what takes long to compute is another for each row, so that nothing is computed again for each."""
    moving: set[int] = set()
    for i in nest.body:
        if isinstance(i, Load):
            moves = i.access.strides[axis] != 0 or bool(i.access.windows and i.access.windows[axis] is not None)
        elif isinstance(i, Index):
            moves = i.axis == axis
        elif isinstance(i, Compute):
            moves = not moving.isdisjoint(i.operands)
            if not moves and cost(i.primitive, i.dtype) > 1:
                return False
        else:
            continue
        if moves:
            moving.add(i.out)
    return True
