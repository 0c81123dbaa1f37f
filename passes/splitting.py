"""Cutting a nest into parts that may run at once, so that no bit depends on how many there are.

A *map* is cut along an axis, as is a reduction along an axis that it keeps. A reduction that keeps little is cut along
what it reduces, at multiples of its blocks times a power of two: the results of such parts meet in the tree of
`tapec.passes.reducing` at the very places where those blocks would.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tapec.passes.loops import Nest, Reduce
from tapec.passes.reducing import COLUMN_BLOCK, ROW_BLOCK
from tapec.passes.strip_choice import in_strips
from tapec.passes.work import nanoseconds

# Nanoseconds of work that a part should have: going parallel and back costs one microsecond or two, but tens of them
# where threads have gone to sleep, and threads that wait awake take cores from BLAS.
GRAIN = 20_000
ENOUGH = 64  # units along an axis for which no other way of cutting is looked for
MOST_FOLDED = 256  # parts of what is reduced
FOLDED_ELEMENTS = 16_384  # numbers that parts may leave to be folded, of all reductions: they lie on the stack
BALANCED = 8  # units of which any number of parts gets about as many each
LINE = 64  # positions across lanes: a cut falls between cache lines


@dataclass(frozen=True, slots=True)
class Split:
    """A way to cut a nest.

    Args:
        axis: what is cut, by its number; of several reduced axes together, the first.
        extent: positions along it; of several axes together, their product.
        unit: cuts lie at multiples of this.
        units: number of units. The last takes what is left, and may be longer than the others if `folds` is false,
            shorter if it is true.
        folds: whether the axis is reduced, so that every unit leaves a number to be folded.
        most: parts for which there is work.
    """

    axis: int
    extent: int
    unit: int
    units: int
    folds: bool
    most: int

    @property
    def parts(self) -> int:
        """The largest number of parts that makes sense."""
        return min(self.units, self.most)


def parts_of(work: float) -> int:
    """For how many parts there is work, given in nanoseconds."""
    return int(work // GRAIN)


def split_of(nest: Nest, lanes: int) -> Split | None:
    """How to cut a nest; None if it is too small, or has no axis to cut.

    Args:
        nest: extents are numbers.
        lanes: positions of the lane axis that are taken at once.
    """
    most = parts_of(nanoseconds(nest))
    if most < 2:
        return None
    extents = [int(n) for n in nest.extents]
    kept = [a for a, reduced in enumerate(nest.reduced) if not reduced]
    splits = [_along(a, extents[a], _kept_unit(nest, a, kept, lanes), most) for a in kept]
    folded = _folded(nest, extents, kept, most)
    if folded is not None and folded.units >= BALANCED and in_strips(nest, lanes):
        return folded  # whole rows, which are read faster than a piece of each by each thread
    enough = next((s for s in splits if s.units >= ENOUGH), None)
    if enough is None:
        splits += [folded] if folded is not None else []
        enough = max(splits, key=lambda s: s.units, default=None)
    return enough if enough is not None and enough.parts > 1 else None


def _kept_unit(nest: Nest, axis: int, kept: list[int], lanes: int) -> int:
    """A part along the lane axis holds whole vectors: a map's whole cache lines, a column's as few as can be."""
    if axis != kept[-1] or nest.row:
        return 1
    return lanes if any(nest.reduced) else max(lanes, LINE)


def _along(axis: int, extent: int, unit: int, most: int) -> Split:
    return Split(axis, extent, unit, extent // unit, False, most)


def _folded(nest: Nest, extents: list[int], kept: list[int], most: int) -> Split | None:
    """A cut of the reduced axes: one, or two of a row, whose elements count one behind the other."""
    reduced = [a for a, is_reduced in enumerate(nest.reduced) if is_reduced]
    if not reduced or len(reduced) > (2 if nest.row else 1):
        return None
    extent = prod(extents[a] for a in reduced)
    reductions = sum(isinstance(i, Reduce) for i in nest.body)
    allowed = min(MOST_FOLDED, FOLDED_ELEMENTS // (reductions * prod(extents[a] for a in kept)))
    unit = ROW_BLOCK if nest.row else COLUMN_BLOCK
    if allowed < 2:
        return None
    while -(-extent // unit) > allowed:
        unit *= 2
    return Split(reduced[0], extent, unit, -(-extent // unit), True, most)
