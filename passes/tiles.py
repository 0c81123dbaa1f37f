"""Tiling: nests and skinny products that walk one outermost axis run together, a few positions at a time, so that what
one reads or leaves for the next is still in cache.

A chain with reductions in it (softmax, layer normalisation, their derivatives) is a nest for each reduction. Where the
reductions leave one number or more for each position of an outer axis (the rows), all nests of the chain can do some
rows before any does the next. What they leave for one another need not outlive these rows: it stays in a buffer of one
tile. Threads get the whole chain at once, not nest by nest. Reductions over the axis itself go on from tile to tile, in
the order of `tapec.passes.reducing`, and end behind the last.

Steps change places only where neither touches what the other writes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tapec.passes.arena import owner
from tapec.passes.collapse import collapse
from tapec.passes.loops import Buffer, Nest
from tapec.passes.nest_lanes import turned_axis
from tapec.passes.product_names import BLOCK
from tapec.passes.reducing import LANES
from tapec.passes.splitting import parts_of
from tapec.passes.steps import LibraryStep, Product, Step, Sum, Tiles
from tapec.passes.tile_products import Member
from tapec.passes.tile_rows import Parted, Taken, accesses
from tapec.passes.waiting_steps import Temporary, Waiting
from tapec.passes.work import nanoseconds

# A tile's share of all buffers: half of a second-level cache of 256 KiB, so that it fits the smallest in use.
TILE_BYTES = 1 << 16
# Nests that touch less than this in all are left alone: it stays in cache anyway.
LEAST_BYTES = 1 << 17
# The first step of a chain touches at least so much.
SEED_BYTES = 1 << 14
# Where one position alone has more than this, no cache holds it.
MOST_ROW_BYTES = 1 << 19
# The same where there are products of a matrix at each position: a third-level cache will do for those.
MOST_MATRIX_BYTES = 1 << 22
# How many steps behind the first may be looked at for one that joins.
WINDOW = 40
# A block of the inner index of a product that adds over the rows has at most so much: what a core has of a second and a
# third-level cache, which answers sooner than memory.
MOST_BLOCK_BYTES = 1 << 21
# Tiles are one function, and LLVM's time grows faster than a function's length.
MOST_INSTRUCTIONS = 2_000
# A nest that adds over rows takes a strip of columns at a time, through all rows. From so many pages on, half of what
# address translation remembers, each row of a strip costs a walk of the page tables.
MANY_PAGES = 1_024
PAGE_BYTES = 4_096
# Threads want this many places to begin at.
PLACES = 8


def tiled(steps: Sequence[Step], lasting: Collection[Buffer], temporary: Temporary) -> list[Step]:
    """The steps, in an order that means the same, with `Tiles` in the place of nests that run together.

    Args:
        steps: of one graph or region; nests have their axes as they were recorded.
        lasting: buffers that are read when the steps are over.
        temporary: makes a buffer.
    """
    waiting = [Waiting(step) for step in steps]
    done: list[Step] = []
    while waiting:
        first = waiting[0].step
        made = _best(waiting, lasting, temporary) if isinstance(first, Nest | LibraryStep) else None
        if made is None:
            done.append(collapse(first) if isinstance(first, Nest) else first)
            waiting.pop(0)
        else:
            step, rest = made
            done.append(step)
            waiting = rest
    return done


def _best(
    steps: list[Waiting], lasting: Collection[Buffer], temporary: Temporary
) -> tuple[Tiles, list[Waiting]] | None:
    """Tiles that begin with the first step, and the steps that are left; None if there are none worth it."""
    if sum(buffer.nbytes for buffer in steps[0].touched) < SEED_BYTES:
        return None
    attempts = [_Attempt(extent, temporary) for extent in steps[0].extents]
    for attempt in attempts:
        attempt.gather(steps)
    attempts.sort(key=lambda attempt: -len(attempt.joined))
    finished = (attempt.finish(steps, lasting) for attempt in attempts if attempt.pays())
    return next((made for made in finished if made is not None), None)


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
        barred: indices of steps that do not join.
    """

    extent: int
    temporary: Temporary
    joined: list[int] = field(default_factory=list)
    parts: list[Parted | Member] = field(default_factory=list)
    rows: dict[Buffer, int] = field(default_factory=dict)
    written: set[Buffer] = field(default_factory=set)
    whole: set[Buffer] = field(default_factory=set)
    ended: set[Buffer] = field(default_factory=set)
    instructions: int = 0
    barred: frozenset[int] = frozenset()

    @property
    def heavy(self) -> bool:
        """Whether there is work for several threads."""
        return parts_of(sum(nanoseconds(x) for part in self.parts for x in part.steps)) > 1

    def gather(self, steps: Sequence[Waiting]) -> None:
        """Takes the first step, and of the following ones all that may run with it."""
        reads: set[Buffer] = set()
        writes: set[Buffer] = set()
        for index, step in enumerate(steps[: WINDOW + 1]):
            read, write = step.effects
            apart = not (write & (reads | writes) or read & writes)
            fits = isinstance(step.step, Nest | LibraryStep) and apart and index not in self.barred
            if fits and self._join(index, step):
                continue
            if index == 0:
                return
            reads |= read
            writes |= write

    def _join(self, index: int, step: Waiting) -> bool:
        if self.joined and not any(buffer in self.rows for buffer in step.touched):
            return False
        length = self.instructions + step.instructions
        if self.joined and length > MOST_INSTRUCTIONS:
            return False
        part = step.along(self.extent, self.temporary)
        if part is None:
            return False
        rows, written, whole, ended = dict(self.rows), set(self.written), set(self.whole), self.ended | part.ended
        for use in part.uses(self.extent):
            if use.writes:
                written.add(use.buffer)
            if use.row is None:
                whole.add(use.buffer)
            elif rows.setdefault(use.buffer, use.row) != use.row:
                return False
        if written & whole or ended & (rows.keys() | whole) or _aliases(written | ended, rows.keys() | whole | ended):
            return False
        if not (rows.keys() & self.rows.keys() if self.joined else rows):
            return False
        if any(p.adds for p in (*self.parts, part)) and _row_bytes(rows) * BLOCK > MOST_BLOCK_BYTES:
            return False
        self.rows, self.written, self.whole, self.ended = rows, written, whole, ended
        self.instructions = length
        self.joined.append(index)
        self.parts.append(part)
        return True

    def pays(self) -> bool:
        """Whether steps may gain by running tile by tile: several, a nest that adds over the axis in long strips, or a
        product that adds over it, which can have threads there only.
        """
        if len(self.joined) != 1:
            return len(self.joined) > 1
        (part,) = self.parts
        if isinstance(part, Member):
            return part.adds and self.heavy
        if part.rest is None or not any(not t.nest.row and int(t.nest.extents[1]) > LANES for t in part.taken):
            return False
        touched = {access.buffer for nest in part.steps for access, _ in accesses(nest)} & self.rows.keys()
        sizes = [self.rows[buffer] * buffer.dtype.itemsize for buffer in touched]
        return sum(min(self.extent, self.extent * size // PAGE_BYTES) for size in sizes) >= MANY_PAGES

    def finish(self, steps: list[Waiting], lasting: Collection[Buffer]) -> tuple[Tiles, list[Waiting]] | None:
        """The tiles and the steps that are left; None if the nests are better left alone."""
        row_bytes = _row_bytes(self.rows)
        matrices = any(isinstance(part, Member) and part.by_matrices for part in self.parts)
        most = MOST_MATRIX_BYTES if matrices else MOST_ROW_BYTES
        if row_bytes * self.extent < LEAST_BYTES or row_bytes > most:
            return None
        joined = dict(zip(self.joined, self.parts, strict=True))
        nests = [part for part in self.parts if isinstance(part, Parted)]
        taken = [t for part in nests for t in part.taken]
        tile = _power_of_two(TILE_BYTES // row_bytes)
        rests = [part.rest for part in nests if part.rest is not None]
        if any(t.nest.row for t in taken) or any(turned_axis(rest) is not None for rest in rests):
            tile = max(tile, LANES)  # whole vectors of a row, whole cache lines of what lies across
        if any(part.adds for part in self.parts):
            tile = max(tile, BLOCK)
        if self.extent < 2 * tile:
            return None
        heavy = self.heavy

        def behind(whole: int) -> bool:
            """Whether what adds over so many positions at a time would leave threads too few places to begin at."""
            return heavy and self.extent // max(whole, tile) < PLACES

        sums = [t for t in taken if not behind(t.whole_blocks)]
        alone = self._better_alone([t for t in taken if t not in sums])
        if alone:
            others = _Attempt(self.extent, self.temporary, barred=self.barred | alone)
            others.gather(steps)
            return others.finish(steps, lasting) if others.pays() else None
        products = {i for i, part in joined.items() if part.adds and behind(BLOCK)}
        if len(joined) - len(products) < min(2, len(joined)):
            return None
        unit = max([tile, *[t.whole_blocks for t in sums]])
        rest = [Waiting(t.nest) for t in taken if t not in sums]
        rest += [s for i, s in enumerate(steps) if i not in joined or i in products]
        items = [item for i, part in joined.items() if i not in products for item in self._items(part, sums)]
        return Tiles(self.extent, tile, unit, tuple(items), self._local(rest, lasting)), rest

    def _better_alone(self, behind: list[Taken]) -> frozenset[int]:
        """Steps that only make what is reduced behind the tiles, and read hardly more of what the tiles share."""
        found = set()
        for index, part in zip(self.joined, self.parts, strict=True):
            if isinstance(part, Member):
                continue
            made = {t.source for t in part.taken if t in behind}
            touched = [] if part.rest is None else list(accesses(part.rest))
            if not made or {access.buffer for access, writes in touched if writes} - made:
                continue
            read = {access.buffer for access, writes in touched if not writes} & self.written
            # a number for each row is next to nothing
            if 8 * sum(b.nbytes for b in read - made) <= 9 * sum(b.nbytes for b in made - read):
                found.add(index)
        return frozenset(found)

    def _items(self, part: Parted | Member, sums: list[Taken]) -> list[Nest | Sum | Product]:
        if isinstance(part, Member):
            return [part.item(self.temporary)]
        rest: list[Nest | Sum | Product] = [collapse(part.rest)] if part.rest is not None else []
        return rest + [Sum(t.nest, self.temporary(t.result.dtype, t.partials())) for t in part.taken if t in sums]

    def _local(self, rest: list[Waiting], lasting: Collection[Buffer]) -> dict[Buffer, int]:
        """Buffers that only the tiles know, with the number of elements of one position."""
        elsewhere = set(lasting).union(*[touched for step in rest for touched in step.effects])
        own = {b for b in self.written if b.kind == "temporary"} - elsewhere
        return {b: row for b, row in self.rows.items() if b in own}


def _row_bytes(rows: dict[Buffer, int]) -> int:
    return sum(row * buffer.dtype.itemsize for buffer, row in rows.items())


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
