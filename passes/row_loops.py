"""One row of a reduction: the elements along its reduced axes, in the order of `tapec.passes.reducing`.

A row whose reduced axes collapsed into one is read in blocks of 2,048; one over several axes that did not collapse is
staged (`tapec.passes.staged_rows`). Either can also give the result of a part of the row that begins with a block; such
results meet in the same tree as blocks do. `tapec.passes.whole_rows` reads all of a row, or of several in step.
"""

from __future__ import annotations

from tapec.passes.interior import TwoBodies
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import count_loop, i64, lane_mask, when
from tapec.passes.moved_lanes import MovedLanes
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.reducing import LANES, ROW_BLOCK, Accumulator, Reducer, Tree
from tapec.passes.row_streams import PLACES, blocks_at_places, is_cheap


def reducers_of(body: BodyText) -> list[Reducer]:
    """The reductions of a nest."""
    return [Reducer(body.f, r.primitive, r.dtype) for _, r in body.reduces()]


def short_chunks(n: int, most: int) -> list[int]:
    """The vectors of a row of `n` elements, fewer than 16: one, or some and a shorter last one; the last may be masked.

    Args:
        n: elements.
        most: lanes of a vector.
    """
    above = 1 << (n - 1).bit_length()
    below = 1 << (n.bit_length() - 1)
    # Two thirds of the next power of two, or more, are cheaper masked.
    split = above > 4 and n - below <= below // 2
    width = min(most, below if split else above)
    whole, rest = divmod(n, width)
    widths = [width] * whole + [1 << (rest - 1).bit_length()] * bool(rest)
    # The halving wants a power of two of them; those behind the row are identities.
    return widths + [width] * ((1 << (len(widths) - 1).bit_length()) - len(widths))


class RowText:
    """Writes a row along one axis.

    Args:
        body: of the nest, the reduced axis being its lane axis and innermost.
        outer: the place of the row.
        width: lanes.
    """

    def __init__(self, body: BodyText, outer: Place, width: int) -> None:
        assert body.lane_axis is not None
        self.f = body.f
        self.body = body
        self.outer = outer
        self.width = width
        self.axis = body.lane_axis
        self.extent = body.nest.extents[self.axis]
        self.reducers = reducers_of(body)
        # Vectors of more than 16 lanes are added 16 by 16.
        self.added = min(width, LANES)
        self.accumulators = self._accumulators()
        self.bodies = TwoBodies(self.f, body.nest, outer, self.axis)

    def _accumulators(self) -> list[Accumulator]:
        return [Accumulator(r, self.added, LANES // self.added) for r in self.reducers]

    def short(self) -> list[Reg]:
        """The results of a row of fewer than 16 elements."""
        parts = self._few(i64(0), int(self.extent), self.width)
        return [reducer.halve(vectors) for reducer, vectors in zip(self.reducers, parts, strict=True)]

    def _few(self, start: Reg, count: int, most: int) -> list[list[Reg]]:
        """For each reduction some elements, fewer than 16, as vectors of equal width.

        Lanes that have no element hold the identity, so they need not be there at all.
        """
        f = self.f
        values: list[list[Reg]] = [[] for _ in self.reducers]
        widths = short_chunks(count, most)
        taken = 0
        for width in widths:
            if taken >= count:
                for reducer, parts in zip(self.reducers, values, strict=True):
                    parts.append(reducer.identity(width))
                continue
            mask = lane_mask(f, i64(taken), i64(count), width) if taken + width > count else None
            inside = self.outer.inside(self.axis, f.add(start, i64(taken)) if taken else start, width, mask)
            self.body.emit(inside)
            for (_, reduce), reducer, parts in zip(self.body.reduces(), self.reducers, values, strict=True):
                value = f.splat(reducer.hold(inside.registers[reduce.value]), width)
                if mask is not None:
                    value = f.select(mask, value, reducer.identity(width))
                parts.append(reducer.widened(value, widths[0]))
            taken += width
        return values

    def part(self, start: Reg, end: Reg, length: int) -> list[Reg]:
        """The results of a part, which starts with a block and has at most `length` elements."""
        return self.block(start, end) if length <= ROW_BLOCK else self.blocks(start, end)

    def blocks(self, start: Reg, end: Reg) -> list[Reg]:
        """The results of blocks."""
        f = self.f
        tree = Tree(self.reducers, 1)
        tree.reset()

        def one_block(at: Reg) -> None:
            stop = f.add(at, f.number(ROW_BLOCK, "i64"))
            tree.push(self.block(at, f.select(f.icmp("slt", stop, end), stop, end)))

        if blocks_at_places(self.body.nest, self.axis):
            span = PLACES * ROW_BLOCK
            whole = f.add(start, f.binary("and", f.sub(end, start), f.number(-span, "i64")))
            beside = [self._accumulators() for _ in range(PLACES)]
            count_loop(f, start, whole, span, lambda at: self._some_blocks(at, tree, beside))
            start = whole
        count_loop(f, start, end, ROW_BLOCK, one_block)
        return tree.result()

    def _some_blocks(self, at: Reg, tree: Tree, beside: list[list[Accumulator]]) -> None:
        """Whole blocks that lie one behind the other, read side by side."""
        f = self.f
        for accumulators in beside:
            for accumulator in accumulators:
                accumulator.reset()

        def step(distance: Reg) -> None:
            for k, accumulators in enumerate(beside):
                first = f.add(at, i64(k * ROW_BLOCK)) if k else at
                self._chunk(f.add(first, distance), None, accumulators)

        count_loop(f, i64(0), i64(ROW_BLOCK), self.width, step)
        for accumulators in beside:
            tree.push([r.halve(a.read()) for r, a in zip(self.reducers, accumulators, strict=True)])

    def block(self, start: Reg, end: Reg) -> list[Reg]:
        """The results of a block."""
        self.reset()
        self.gather(start, end)
        return self.results()

    def reset(self) -> None:
        """Starts a row or a block."""
        for accumulator in self.accumulators:
            accumulator.reset()

    def results(self) -> list[Reg]:
        """Of the elements that were taken."""
        return [r.halve(a.read()) for r, a in zip(self.reducers, self.accumulators, strict=True)]

    def take(self, index: Reg) -> None:
        """Adds a vector of elements to the accumulators."""
        self._chunk(index, None, self.accumulators)

    def take_few(self, start: Reg, count: int) -> None:
        """Adds the last elements of a row, fewer than 16."""
        few = self._few(start, count, LANES)
        for vectors, reducer, accumulator in zip(few, self.reducers, self.accumulators, strict=True):
            self._add(reducer, accumulator, reducer.widened(reducer.joined(vectors), LANES))

    def gather(self, start: Reg, end: Reg) -> None:
        """Adds elements to the accumulators: 16 at a time, or whole vectors, but for those at the end of the row."""
        f, extent, added = self.f, self.extent, self.accumulators
        length, unit = f.sub(end, start), max(self.width, LANES)
        if isinstance(extent, int) and extent % unit and extent >= unit and not is_cheap(self.body.nest):
            self._gather_at_once(start, end, f.binary("and", f.add(length, i64(unit - 1)), i64(-unit)))
            return
        full = f.add(start, f.binary("and", length, f.number(-unit, "i64")))

        def tail() -> None:
            stop = f.add(full, f.number(unit, "i64"))
            count_loop(f, full, stop, self.width, lambda i: self._chunk(i, lane_mask(f, i, end, self.width), added))

        if not isinstance(extent, int) or extent >= unit:
            count_loop(f, start, full, self.width, lambda i: self._chunk(i, None, added))
        if not isinstance(extent, int) or extent % unit:
            when(f, f.icmp("slt", full, end), tail)

    def _gather_at_once(self, start: Reg, end: Reg, length: Reg) -> None:
        """Adds elements in one loop, so that a long body is written, and compiled, once.

        A vector that would reach beyond the end is moved back to end there; what it gives goes by way of memory to the
        lanes where it belongs, identities behind it. Those positions are visited twice, with the same result.

        Args:
            start: the first element.
            end: the one behind the last.
            length: their number, rounded up to what fills all accumulators.
        """
        f, width = self.f, self.width
        last = f.sub(end, i64(width))
        moved = [MovedLanes(reducer, width, max(width, LANES)) for reducer in self.reducers]
        for lanes in moved:
            lanes.reset()

        def step(index: Reg) -> None:
            whole = f.icmp("sle", index, last)
            at, distance = f.select(whole, index, last), f.sub(index, last)

            def write(within: bool) -> None:
                inside = self.outer.inside(self.axis, at, width, None, within)
                self.body.emit(inside)
                for (_, reduce), lanes, accumulator in zip(self.body.reduces(), moved, self.accumulators, strict=True):
                    value = f.splat(lanes.reducer.hold(inside.registers[reduce.value]), width)
                    self._add(lanes.reducer, accumulator, lanes.unless(whole, value, distance))

            self.bodies.write(at, width, write)

        count_loop(f, start, f.add(start, length), width, step)

    def _chunk(self, index: Reg, mask: Reg | None, accumulators: list[Accumulator]) -> None:
        f, width = self.f, self.width

        def write(within: bool) -> None:
            inside = self.outer.inside(self.axis, index, width, mask, within)
            self.body.emit(inside)
            for (_, reduce), reducer, accumulator in zip(self.body.reduces(), self.reducers, accumulators, strict=True):
                value = f.splat(reducer.hold(inside.registers[reduce.value]), width)
                if mask is not None:
                    value = f.select(mask, value, reducer.identity(width))
                self._add(reducer, accumulator, value)

        if mask is None:
            self.bodies.write(index, width, write)
        else:
            write(False)

    def _add(self, reducer: Reducer, accumulator: Accumulator, value: Reg) -> None:
        for part in reducer.parts(value, self.added):
            accumulator.add(part)
