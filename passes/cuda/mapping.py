"""From numbers of threads to positions in a nest, and how many positions a thread takes at once."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.cuda.kernel import ALIGNMENT
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64
from tapec.passes.loops import Access, Load, Nest, Store
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place

_MOST_LANES = 8
_SMALL = 1 << 31


def positions(f: FunctionText, number: Reg, extents: Sequence[int], total: int) -> list[Reg]:
    """The position along each axis of element `number` in row-major order; `number` is below `total`."""
    longer = [axis for axis, extent in enumerate(extents) if extent > 1]
    found = [i64(0)] * len(extents)
    if len(longer) == 1:
        found[longer[0]] = number
    if len(longer) <= 1:
        return found
    # Division of 64-bit numbers takes a GPU a hundred instructions.
    narrow = total < _SMALL
    rest = f.convert("trunc", number, "i32") if narrow else number
    for axis in reversed(longer):
        count = Reg(str(extents[axis]), rest.element)
        here = rest if axis == longer[0] else f.binary("urem", rest, count)
        found[axis] = f.convert("zext", here, "i64") if narrow else here
        if axis != longer[0]:
            rest = f.binary("udiv", rest, count)
    return found


def enter(body: BodyText, place: Place, axes: Sequence[int], where: Sequence[Reg]) -> Place:
    """The place at these positions along axes, which are the next ones of the body's order."""
    for axis, index in zip(axes, where, strict=True):
        place = place.inside(axis, index)
        body.emit(place)
    return place


def enter_lanes(body: BodyText, place: Place, axis: int, index: Reg, width: int) -> Place:
    """The place of `width` positions from `index` on along the lane axis."""
    inside = place.inside(axis, index, width)
    body.emit(inside)
    return inside


def accesses(nest: Nest) -> list[Access]:
    """Loads and stores, not the results of reductions."""
    return [i.access for i in nest.body if isinstance(i, Load | Store)]


def lanes_along(nest: Nest, axis: int, alone: bool) -> int:
    """How many positions along an axis a thread takes at once: as many as 16 bytes hold of the widest contiguous array.

    1 where nothing is contiguous along the axis, or where a line along it does not hold a whole number of vectors.

    Args:
        nest: extents are numbers.
        axis: the lane axis.
        alone: whether positions that no vector holds are taken care of.
    """
    used = accesses(nest)
    if axis in nest.windowed_axes:
        return 1
    contiguous = [a for a in used if a.strides[axis] == 1]
    if not contiguous:
        return 1
    width = min(_MOST_LANES, ALIGNMENT // max(a.buffer.dtype.itemsize for a in contiguous))
    return width if alone or int(nest.extents[axis]) % width == 0 else 1


class Alignment:
    """Whether the vectors of a nest's accesses begin at multiples of their size.

    Args:
        axis: the lane axis; None if there is none.
        width: positions of a vector.
    """

    def __init__(self, axis: int | None, width: int) -> None:
        self.axis = axis
        self.width = width

    def __call__(self, access: Access) -> int | None:
        """Bytes of whose multiples every vector of the access begins; None if only its elements' size is known."""
        itemsize, size = access.buffer.dtype.itemsize, access.buffer.dtype.itemsize * self.width
        steps = [int(s) for a, s in enumerate(access.strides) if a != self.axis]
        aligned = all(n * itemsize % size == 0 for n in (access.offset, *steps))
        return size if aligned and access.buffer.kind != "slice" and not access.windows else None


def in_range(f: FunctionText, number: Reg, count: int) -> Reg:
    """Whether `number` is below `count`."""
    return f.icmp("slt", number, i64(count))
