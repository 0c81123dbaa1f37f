"""Nests seen row by row: which walk one outermost axis, and which memory belongs to one position of it.

A nest whose first axes every access walks as one can present them as one axis. Its reductions over that axis are taken
out of it into nests of their own (`Sum`), so that the rest has every position to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import gcd, prod

from tapec.ir.dtypes import DType
from tapec.passes.collapse import collapse, mergeable
from tapec.passes.loops import Access, Buffer, Instruction, Load, Nest, Reduce, Store, needed
from tapec.passes.reducing import COLUMN_BLOCK, LANES, ROW_BLOCK
from tapec.passes.views import dense_strides


def accesses(nest: Nest) -> Iterator[tuple[Access, bool]]:
    """Every access, and whether it writes."""
    for i in nest.body:
        if isinstance(i, Load | Store | Reduce):
            yield i.access, not isinstance(i, Load)


def leading_extents(nest: Nest) -> list[int]:
    """The extents that the nest's outermost axis may have, the largest first."""
    found, extent = [], 1
    for axes in range(1, len(nest.extents) + 1):
        if axes > 1 and not mergeable(nest, axes - 2, axes - 1):
            break
        extent *= int(nest.extents[axes - 1])
        if extent > 1:
            found.append(extent)
    return list(dict.fromkeys(reversed(found)))


def with_leading(nest: Nest, extent: int) -> Nest | None:
    """The nest with an outermost axis of this extent; None if it has none."""
    count, product = 0, 1
    while product < extent and count < len(nest.extents):
        product *= int(nest.extents[count])
        count += 1
    if product != extent or any(not mergeable(nest, a, a + 1) for a in range(count - 1)):
        return None
    return collapse(nest, count)


def row_of(access: Access, nest: Nest) -> int | None:
    """The number of elements of the buffer that belong to one position of axis 0, if the access keeps to them."""
    extent = int(nest.extents[0])
    size = access.buffer.size
    row = size // extent
    windows = access.windows or (None,) * len(access.strides)
    if size % extent or access.strides[0] != row or windows[0] is not None:
        return None
    low = high = access.offset
    for n, stride, window in zip(nest.extents[1:], access.strides[1:], windows[1:], strict=True):
        reach = int(stride) * ((window.extent if window is not None else int(n)) - 1)
        low, high = low + min(reach, 0), high + max(reach, 0)
    return row if low >= 0 and high < row else None


@dataclass(frozen=True, slots=True)
class Use:
    """That something which is tiled reads or writes a buffer.

    Args:
        buffer: the memory.
        row: elements of it that belong to one position; None if a position may touch any.
        writes: whether it writes.
    """

    buffer: Buffer
    row: int | None
    writes: bool


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A reduction over axis 0 that was taken out of its nest.

    Args:
        nest: one load and one reduction: of a row, or of columns.
        whole_blocks: threads may begin at multiples of this.
    """

    nest: Nest
    whole_blocks: int

    @property
    def source(self) -> Buffer:
        """What is reduced."""
        load = self.nest.body[0]
        assert isinstance(load, Load)
        return load.access.buffer

    @property
    def result(self) -> Buffer:
        """Where the result goes."""
        reduce = self.nest.body[1]
        assert isinstance(reduce, Reduce)
        return reduce.access.buffer

    def partials(self) -> int:
        """How many numbers its blocks leave."""
        elements = int(self.nest.extents[0])
        if self.nest.row:
            return -(-elements // ROW_BLOCK) * LANES
        return -(-elements // COLUMN_BLOCK) * int(self.nest.extents[1])


@dataclass(frozen=True, slots=True)
class Parted:
    """A nest without its reductions over axis 0, and those.

    Args:
        rest: the nest; None if nothing is left.
        taken: the reductions.
    """

    rest: Nest | None
    taken: tuple[Taken, ...]

    @property
    def adds(self) -> bool:
        """Whether blocks of the inner index of a product are added over the axis."""
        return False

    @property
    def steps(self) -> list[Nest]:
        """All of them."""
        return [*([self.rest] if self.rest is not None else []), *[t.nest for t in self.taken]]

    def uses(self, extent: int) -> list[Use]:
        """What one of `extent` positions reads and writes, but for the results of the reductions."""
        rest = self.rest
        own = [] if rest is None else [Use(a.buffer, row_of(a, rest), writes) for a, writes in accesses(rest)]
        return [*own, *[Use(t.source, t.source.size // extent, False) for t in self.taken]]

    @property
    def ended(self) -> set[Buffer]:
        """Results of the reductions."""
        return {t.result for t in self.taken}


def parted(nest: Nest, temporary: Callable[[DType, int], Buffer]) -> Parted | None:
    """Takes the reductions over axis 0 out of a nest; None where they are of no kind that can be tiled.

    Args:
        nest: with the axis that is tiled in front.
        temporary: makes a buffer for what is reduced and lies in no memory yet.
    """
    if not nest.reduced[0]:
        return Parted(nest, ())
    extents = tuple([int(n) for n in nest.extents])
    dense = dense_strides(extents)
    reduces = [i for i in nest.body if isinstance(i, Reduce)]
    homes = {i.value: i.access for i in nest.body if isinstance(i, Store) and _covers(i.access, dense, extents)}
    homes |= {i.out: i.access for i in nest.body if isinstance(i, Load) and _covers(i.access, dense, extents)}
    body: list[Instruction] = [i for i in nest.body if not isinstance(i, Reduce)]
    taken = []
    for reduce in reduces:
        home = homes.get(reduce.value)
        if home is None:
            home = homes[reduce.value] = Access(temporary(reduce.dtype, prod(extents)), 0, dense)
            body.append(Store(reduce.value, home))
        alone = (Load(0, home), replace(reduce, value=0))
        single = collapse(Nest(nest.extents, nest.reduced, alone, nest.row, reduce.primitive.name))
        if single.reduced not in ((True,), (True, False)):
            return None
        block = ROW_BLOCK if nest.row else COLUMN_BLOCK
        taken.append(Taken(single, block // gcd(block, int(single.extents[0]) // extents[0])))
    kept = needed(body)
    label = nest.label
    rest = Nest(nest.extents, (False,) * len(extents), kept, False, label) if kept else None
    return Parted(rest, tuple(taken))


def _covers(access: Access, dense: tuple[int, ...], extents: tuple[int, ...]) -> bool:
    if any(w is not None for w in access.windows) or access.offset:
        return False
    same = all(n == 1 or s == d for n, s, d in zip(extents, access.strides, dense, strict=True))
    return same and access.buffer.size == prod(extents)
