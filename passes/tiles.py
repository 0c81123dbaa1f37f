"""Tiling: nests that walk one outermost axis run together, a few positions at a time, so that what one leaves for the
next is still in cache.

A chain with reductions in it (softmax, layer normalisation, their derivatives) is a nest for each reduction. Where the
reductions leave one number or more for each position of an outer axis (the rows), all nests of the chain can do some
rows before any does the next. What they leave for one another need not outlive these rows: it stays in a buffer of one
tile. Threads get the whole chain at once, not nest by nest. Reductions over the axis itself go on from tile to tile, in
the order of `tapec.passes.reducing`, and end behind the last.

Steps change places only where neither touches what the other writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tapec.ir.dtypes import DType
from tapec.passes.arena import owner
from tapec.passes.collapse import collapse, squeezed
from tapec.passes.loops import Buffer, Nest
from tapec.passes.nest_loops import turned_axis
from tapec.passes.reducing import LANES
from tapec.passes.splitting import parts_of
from tapec.passes.step_effects import effects
from tapec.passes.steps import Step, Sum, Tiles
from tapec.passes.tile_rows import Parted, Taken, accesses, leading_extents, parted, row_of, with_leading
from tapec.passes.work import instructions_per_position, nanoseconds

Temporary = Callable[[DType, int], Buffer]

# A tile's share of all buffers: half of a second-level cache of 256 KiB, so that it fits the smallest in use.
TILE_BYTES = 1 << 16
# Nests that touch less than this in all are left alone: it stays in cache anyway.
LEAST_BYTES = 1 << 17
# The first nest of a chain touches at least so much.
SEED_BYTES = 1 << 14
# Where one position alone has more than this, no cache holds it.
MOST_ROW_BYTES = 1 << 19
# How many steps behind the first may be looked at for one that joins.
WINDOW = 40
# Tiles are one function, and LLVM's time grows faster than a function's length.
MOST_INSTRUCTIONS = 2_000
# A nest that adds over rows takes a strip of columns at a time, through all rows. From so many pages on, half of what
# address translation remembers, each row of a strip costs a walk of the page tables.
MANY_PAGES = 1_024
PAGE_BYTES = 4_096
# Threads want this many places to begin at.
PLACES = 8


class _Waiting:
    """A step that has no place yet. Many attempts ask the same of it, which is worked out once."""

    def __init__(self, step: Step) -> None:
        self.step = step

    @cached_property
    def effects(self) -> tuple[set[Buffer], set[Buffer]]:
        """What it reads and what it writes."""
        return effects(self.step)

    @cached_property
    def squeezed(self) -> Nest:
        """The nest that it is, without axes of one position."""
        assert isinstance(self.step, Nest)
        return squeezed(self.step)


def tiled(steps: Sequence[Step], lasting: Collection[Buffer], temporary: Temporary) -> list[Step]:
    """The steps, in an order that means the same, with `Tiles` in the place of nests that run together.

    Args:
        steps: of one graph or region; nests have their axes as they were recorded.
        lasting: buffers that are read when the steps are over.
        temporary: makes a buffer.
    """
    waiting = [_Waiting(step) for step in steps]
    done: list[Step] = []
    while waiting:
        first = waiting[0].step
        made = _best(waiting, lasting, temporary) if isinstance(first, Nest) else None
        if made is None:
            done.append(collapse(first) if isinstance(first, Nest) else first)
            waiting.pop(0)
        else:
            step, rest = made
            done.append(step)
            waiting = rest
    return done


def _best(
    steps: list[_Waiting], lasting: Collection[Buffer], temporary: Temporary
) -> tuple[Tiles, list[_Waiting]] | None:
    """Tiles that begin with the first step, and the steps that are left; None if there are none worth it."""
    first = steps[0].step
    assert isinstance(first, Nest)
    if sum({access.buffer: access.buffer.nbytes for access, _ in accesses(first)}.values()) < SEED_BYTES:
        return None
    best: _Attempt | None = None
    for extent in leading_extents(steps[0].squeezed):
        attempt = _Attempt(extent, temporary)
        attempt.gather(steps)
        if attempt.pays() and (best is None or len(attempt.joined) > len(best.joined)):
            best = attempt
    return best.finish(steps, lasting) if best is not None else None


@dataclass(slots=True)
class _Attempt:
    """Nests that may run together over one axis.

    Attributes:
        extent: of the axis.
        joined: indices of their steps.
        parts: what each becomes.
        rows: elements of a position, of the buffers that positions share out among them.
        written: those of the buffers that the nests write.
        whole: buffers of which a position reads what it likes.
        ended: results of reductions over the axis, which are there behind the last tile only.
        instructions: of all nests for one position.
    """

    extent: int
    temporary: Temporary
    joined: list[int] = field(default_factory=list)
    parts: list[Parted] = field(default_factory=list)
    rows: dict[Buffer, int] = field(default_factory=dict)
    written: set[Buffer] = field(default_factory=set)
    whole: set[Buffer] = field(default_factory=set)
    ended: set[Buffer] = field(default_factory=set)
    instructions: int = 0

    def gather(self, steps: Sequence[_Waiting]) -> None:
        """Takes the first step, and of the following ones all that may run with it."""
        reads: set[Buffer] = set()
        writes: set[Buffer] = set()
        for index, step in enumerate(steps[: WINDOW + 1]):
            read, write = step.effects
            apart = not (write & (reads | writes) or read & writes)
            if isinstance(step.step, Nest) and apart and self._join(index, step.squeezed):
                continue
            if index == 0:
                return
            reads |= read
            writes |= write

    def _join(self, index: int, step: Nest) -> bool:
        if self.joined and not any(access.buffer in self.rows for access, _ in accesses(step)):
            return False
        length = self.instructions + instructions_per_position(step)
        if self.joined and length > MOST_INSTRUCTIONS:
            return False
        nest = with_leading(step, self.extent)
        parts = parted(nest, self.temporary) if nest is not None else None
        if parts is None:
            return False
        rows, written, whole, ended = dict(self.rows), set(self.written), set(self.whole), set(self.ended)
        for access, writes in accesses(parts.rest) if parts.rest is not None else ():
            assert parts.rest is not None
            buffer, row = access.buffer, row_of(access, parts.rest)
            if writes:
                written.add(buffer)
            if row is None:
                whole.add(buffer)
            elif rows.setdefault(buffer, row) != row:
                return False
        for t in parts.taken:
            source, result = t.source, t.result
            ended.add(result)
            row = source.size // self.extent
            if rows.setdefault(source, row) != row:
                return False
        if written & whole or ended & (rows.keys() | whole) or _aliases(written | ended, rows.keys() | whole | ended):
            return False
        if self.joined and not rows.keys() & self.rows.keys():
            return False
        self.rows, self.written, self.whole, self.ended = rows, written, whole, ended
        self.instructions = length
        self.joined.append(index)
        self.parts.append(parts)
        return True

    def pays(self) -> bool:
        """Whether nests may gain by running tile by tile: several, or one that adds over the axis in long strips."""
        if len(self.joined) != 1:
            return len(self.joined) > 1
        (part,) = self.parts
        if part.rest is None or not any(not t.nest.row and int(t.nest.extents[1]) > LANES for t in part.taken):
            return False
        touched = {access.buffer for nest in _nests(part) for access, _ in accesses(nest)} & self.rows.keys()
        sizes = [self.rows[buffer] * buffer.dtype.itemsize for buffer in touched]
        return sum(min(self.extent, self.extent * size // PAGE_BYTES) for size in sizes) >= MANY_PAGES

    def finish(self, steps: list[_Waiting], lasting: Collection[Buffer]) -> tuple[Tiles, list[_Waiting]] | None:
        """The tiles and the steps that are left; None if the nests are better left alone."""
        row_bytes = sum(row * buffer.dtype.itemsize for buffer, row in self.rows.items())
        if row_bytes * self.extent < LEAST_BYTES or row_bytes > MOST_ROW_BYTES:
            return None
        taken = [t for part in self.parts for t in part.taken]
        tile = _power_of_two(TILE_BYTES // row_bytes)
        rests = [part.rest for part in self.parts if part.rest is not None]
        if any(t.nest.row for t in taken) or any(turned_axis(rest) is not None for rest in rests):
            tile = max(tile, LANES)  # whole vectors of a row, whole cache lines of what lies across
        if self.extent < 2 * tile:
            return None
        heavy = parts_of(sum(nanoseconds(n) for part in self.parts for n in _nests(part))) > 1
        behind = [t for t in taken if heavy and self.extent // max(t.whole_blocks, tile) < PLACES]
        unit = max([tile, *[t.whole_blocks for t in taken if t not in behind]])
        joined = set(self.joined)
        rest = [*[_Waiting(t.nest) for t in behind], *[s for i, s in enumerate(steps) if i not in joined]]
        items = [item for part in self.parts for item in self._items(part, behind)]
        return Tiles(self.extent, tile, unit, tuple(items), self._local(rest, lasting)), rest

    def _items(self, part: Parted, behind: list[Taken]) -> list[Nest | Sum]:
        rest: list[Nest | Sum] = [collapse(part.rest)] if part.rest is not None else []
        inside = [t for t in part.taken if t not in behind]
        return rest + [Sum(t.nest, self.temporary(t.result.dtype, t.partials())) for t in inside]

    def _local(self, rest: list[_Waiting], lasting: Collection[Buffer]) -> dict[Buffer, int]:
        """Buffers that only the tiles know, with the number of elements of one position."""
        elsewhere = set(lasting).union(*[touched for step in rest for touched in step.effects])
        own = {b for b in self.written if b.kind == "temporary"} - elsewhere
        return {b: row for b, row in self.rows.items() if b in own}


def _nests(part: Parted) -> list[Nest]:
    return [*([part.rest] if part.rest is not None else []), *[t.nest for t in part.taken]]


def _aliases(written: set[Buffer], touched: Collection[Buffer]) -> bool:
    """Whether memory that is written also goes by another name."""
    owners: dict[Buffer, Buffer] = {}
    for buffer in touched:
        other = owners.setdefault(owner(buffer), buffer)
        if other is not buffer and (buffer in written or other in written):
            return True
    return False


def _power_of_two(n: int) -> int:
    return 1 << max(n.bit_length() - 1, 0)
