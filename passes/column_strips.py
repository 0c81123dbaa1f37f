"""Columns of a large array, summed row by row: a strip of neighbouring columns at a time, its sums in cache.

Column by column, each row gives a line or two and the next lies a page further: the processor sees no stream to fetch
ahead. The order in which a column's elements combine is that of `tapec.passes.reducing` either way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.loops import Compute
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.reducing import COLUMN_BLOCK, Reducer
from tapec.passes.row_loops import reducers_of
from tapec.passes.scalar.costs import cost

# Columns of a strip, and bytes of stack that the results of its blocks may take.
STRIP = 1024
_STACK = 128 << 10
# Instructions of a body from which on it is not worth while to take several rows between a sum's load and its store.
_CHEAP = 12
_ROWS = 8


class ColumnStrips:
    """Writes the sums of columns of a nest.

    Args:
        body: of the nest; the axis of the columns is its lane axis and innermost, the reduced one stands before it.
        lanes: positions of the lane axis that are taken at once.
    """

    def __init__(self, body: BodyText, lanes: int) -> None:
        assert body.lane_axis is not None
        nest = body.nest
        self.f = body.f
        self.body = body
        self.lanes = lanes
        self.axis = body.lane_axis
        self.rows = body.order[-2]
        self.reducers = reducers_of(body)
        blocks = -(-int(nest.extents[self.rows]) // COLUMN_BLOCK)
        levels = blocks.bit_length()
        bytes_of_column = sum(levels * r.held.itemsize for r in self.reducers)
        self.strip = STRIP
        while self.strip > lanes and self.strip * bytes_of_column > _STACK:
            self.strip //= 2
        room = self.strip + lanes
        self.sums = [self.f.alloca(r.element, room) for r in self.reducers]
        self.stacks = [self.f.alloca(r.element, room * levels) for r in self.reducers]
        self.room = room
        self.count, self.top = self.f.alloca("i64", 1), self.f.alloca("i64", 1)
        work = sum(cost(i.primitive, i.dtype) for i in nest.body if isinstance(i, Compute))
        self.group = _ROWS if work <= _CHEAP else 1

    def write(self, first: Reg, stop: Reg, whole: bool, strip: Callable[[Reg, Reg], None]) -> None:
        """For each strip of the columns from `first` to `stop`: `strip(first, stop)`.

        Args:
            first: a multiple of the lanes.
            stop: another one, or the end of the axis.
            whole: whether these are all columns.
            strip: writes one.
        """
        f, extent = self.f, int(self.body.nest.extents[self.axis])
        if whole and extent <= self.strip:
            strip(first, stop)
            return

        def one(at: Reg) -> None:
            strip(at, f.intrinsic("smin", f.add(at, i64(self.strip)), stop))

        count_loop(f, first, stop, self.strip, one)

    def reduce(self, outer: Place, columns: tuple[Reg, Reg], rows: tuple[Reg, Reg]) -> None:
        """Leaves the results of a strip's columns over some rows in `sums`."""
        f, n = self.f, int(self.body.nest.extents[self.rows])
        for slot in (self.count, self.top):
            f.store(i64(0), slot)
        start, end = rows

        def block(at: Reg) -> None:
            stop = f.intrinsic("smin", f.add(at, i64(COLUMN_BLOCK)), end)
            self._block(outer, columns, (at, stop))
            self._push(columns)

        count_loop(f, start, end, COLUMN_BLOCK, block)
        if n > COLUMN_BLOCK:
            self._fold(columns)

    def results(self, outer: Place, columns: tuple[Reg, Reg], take: Callable[[Place, Sequence[Reg]], None]) -> None:
        """Has `take` have the results, a vector of columns at a time."""
        f = self.f

        def some(at: Reg, width: int) -> None:
            place = outer.inside(self.axis, f.add(columns[0], at), width)
            take(place, [self._load(r, s, at, width) for r, s in zip(self.reducers, self.sums, strict=True)])

        self._lanes_of(columns, some)

    # Parts of a strip ------------------------------------------------------------------------------------------------

    def _lanes_of(self, columns: tuple[Reg, Reg], body: Callable[[Reg, int], None]) -> None:
        """A strip's columns from 0 on, as many at once as there are lanes and then as many as the axis has left."""
        f = self.f
        first, stop = columns
        extent = int(self.body.nest.extents[self.axis])
        rest = extent % self.lanes
        count = f.sub(stop, first)
        whole = f.binary("and", count, f.number(-self.lanes, "i64"))
        count_loop(f, i64(0), whole, self.lanes, lambda at: body(at, self.lanes))
        if rest:
            when(f, f.icmp("slt", whole, count), lambda: body(whole, rest))

    def _padded(self, columns: tuple[Reg, Reg], body: Callable[[Reg], None]) -> None:
        """The vectors of a strip's sums; the last one may have lanes behind the last column."""
        first, stop = columns
        count_loop(self.f, i64(0), self.f.sub(stop, first), self.lanes, body)

    def _block(self, outer: Place, columns: tuple[Reg, Reg], rows: tuple[Reg, Reg]) -> None:
        f = self.f
        start, end = rows

        def reset(at: Reg) -> None:
            for reducer, sums in zip(self.reducers, self.sums, strict=True):
                f.store(reducer.identity(self.lanes), f.element_pointer(sums, at, reducer.element))

        self._padded(columns, reset)
        if self.group > 1:
            full = f.add(start, f.binary("and", f.sub(end, start), f.number(-self.group, "i64")))
            count_loop(f, start, full, self.group, lambda row: self._add(outer, columns, row, self.group))
            start = full
        count_loop(f, start, end, 1, lambda row: self._add(outer, columns, row, 1))

    def _add(self, outer: Place, columns: tuple[Reg, Reg], row: Reg, count: int) -> None:
        """Adds so many rows to the sums."""
        f, body = self.f, self.body
        places = []
        for k in range(count):
            place = outer.inside(self.rows, f.add(row, i64(k)) if k else row)
            body.emit(place)
            places.append(place)

        def some(at: Reg, width: int) -> None:
            index = f.add(columns[0], at)
            values = [self._load(r, s, at, width) for r, s in zip(self.reducers, self.sums, strict=True)]
            for place in places:
                inside = place.inside(self.axis, index, width)
                body.emit(inside)
                for i, ((_, reduce), reducer) in enumerate(zip(body.reduces(), self.reducers, strict=True)):
                    value = f.splat(reducer.hold(inside.registers[reduce.value]), width)
                    values[i] = reducer.combine(values[i], value)
            for value, reducer, sums in zip(values, self.reducers, self.sums, strict=True):
                f.store(value, f.element_pointer(sums, at, reducer.element))

        self._lanes_of(columns, some)

    # Blocks meet (`reducing.Tree` for numbers) -----------------------------------------------------------------------

    def _push(self, columns: tuple[Reg, Reg]) -> None:
        if int(self.body.nest.extents[self.rows]) <= COLUMN_BLOCK:
            return
        f, one = self.f, i64(1)
        count = f.add(f.load(self.count, "i64"), one)
        f.store(count, self.count)
        head, body, done = (f.fresh(name) for name in ("merge", "join", "joined"))
        before = f.block
        f.branch(head)
        f.label(head)
        latch = f"{body}.latch"
        bits = f.phi("i64", [(count.text, before), (f"%{body}.bits", latch)])
        f.branch_if(f.icmp("ne", f.binary("and", bits, one), i64(0)), done, body)
        f.label(body)
        self._join(columns)
        f.branch(latch)
        f.label(latch)
        f.line(f"%{body}.bits = lshr i64 {bits.text}, 1")
        f.branch(head)
        f.label(done)
        top = f.load(self.top, "i64")

        def keep(at: Reg) -> None:
            for reducer, sums, stack in zip(self.reducers, self.sums, self.stacks, strict=True):
                value = self._load(reducer, sums, at, self.lanes)
                f.store(value, self._in_stack(reducer, stack, top, at))

        self._padded(columns, keep)
        f.store(f.add(top, one), self.top)

    def _join(self, columns: tuple[Reg, Reg]) -> None:
        """Combines the strip on top of the stack with the sums."""
        f = self.f
        top = f.sub(f.load(self.top, "i64"), i64(1))
        f.store(top, self.top)

        def join(at: Reg) -> None:
            for reducer, sums, stack in zip(self.reducers, self.sums, self.stacks, strict=True):
                earlier = f.load(self._in_stack(reducer, stack, top, at), reducer.element, self.lanes)
                later = self._load(reducer, sums, at, self.lanes)
                f.store(reducer.combine(earlier, later), f.element_pointer(sums, at, reducer.element))

        self._padded(columns, join)

    def _fold(self, columns: tuple[Reg, Reg]) -> None:
        """What all blocks give together: the last one is in the sums already."""
        f = self.f
        f.store(f.sub(f.load(self.top, "i64"), i64(1)), self.top)
        head, body, done = (f.fresh(name) for name in ("fold", "folding", "folded"))
        f.branch(head)
        f.label(head)
        f.branch_if(f.icmp("sgt", f.load(self.top, "i64"), i64(0)), body, done)
        f.label(body)
        self._join(columns)
        f.branch(head)
        f.label(done)

    def _load(self, reducer: Reducer, sums: Reg, at: Reg, width: int) -> Reg:
        f: FunctionText = self.f
        return f.load(f.element_pointer(sums, at, reducer.element), reducer.element, width)

    def _in_stack(self, reducer: Reducer, stack: Reg, level: Reg, at: Reg) -> Reg:
        f = self.f
        return f.element_pointer(stack, f.add(f.mul(level, i64(self.room)), at), reducer.element)
