"""The loops of a nest on a CPU: which axis outside, which across lanes, and where reductions end.

Three plans. A *map* has no reductions: all axes in order, the last across lanes. *Columns* keep their last axis: it goes
across lanes and every lane reduces on its own. *Rows* reduce their last axis: across lanes too, and the lanes meet at the
end (`tapec.passes.reducing` fixes the order). Rows over several axes that do not collapse into one are staged: their
elements are written to a small buffer in order, which is reduced whenever it fills.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64, lane_mask, vector_loop, when
from tapec.passes.loops import Compute, Nest, Reduce
from tapec.passes.nest_text import BodyText, Place, Surroundings
from tapec.passes.reducing import COLUMN_BLOCK, LANES, ROW_BLOCK, Accumulator, Reducer, Tree
from tapec.passes.scalar.table import cost
from tapec.passes.staging import Staged

# Up to this many instructions per element four vectors in flight fit the registers; beyond it two hide latencies best.
_CHEAP = 12


def lane_count(nest: Nest, vector_bits: int) -> int:
    """How many positions of the lane axis to take at once: a power of two, at most 16."""
    types = nest.register_dtypes.values()
    widest = max([t.bits for t in types if t.kind != "b"], default=8)
    native = max(1, vector_bits // widest)
    work = sum(cost(i.primitive, i.dtype) for i in nest.body if isinstance(i, Compute))
    factor = 4 if work <= _CHEAP else 2
    return min(LANES, native * factor)


def emit_nest(f: FunctionText, nest: Nest, around: Surroundings) -> None:
    """Appends the nest's loops to `f`."""
    _NestLoops(f, nest, around).run()


class _NestLoops:
    def __init__(self, f: FunctionText, nest: Nest, around: Surroundings) -> None:
        self.f = f
        self.nest = nest
        self.around = around
        self.lanes = lane_count(nest, around.vector_bits)
        axes = range(len(nest.extents))
        self.reduced = [a for a in axes if nest.reduced[a]]
        self.kept = [a for a in axes if not nest.reduced[a]]

    def run(self) -> None:
        nest = self.nest
        if not self.reduced:
            self._start(self.kept, self.kept[-1] if self.kept else None, self._map)
        elif nest.row:
            self._start(self.kept + self.reduced, self.reduced[-1], self._rows if len(self.reduced) == 1 else self._staged)
        else:
            self._start(self.kept + self.reduced, self.kept[-1], self._columns)

    def _start(self, order: list[int], lane_axis: int | None, plan: Callable[[BodyText, Place], None]) -> None:
        body = BodyText(self.f, self.nest, order, lane_axis, self.around)
        place = Place()
        body.emit(place)
        plan(body, place)

    def _loop(self, body: BodyText, place: Place, axis: int, inner: Callable[[Place], None]) -> None:
        """A plain loop over one axis."""

        def step(index: Reg) -> None:
            inside = place.inside(axis, index)
            body.emit(inside)
            inner(inside)

        count_loop(self.f, i64(0), i64(self.nest.extents[axis]), 1, step)

    def _loops(self, body: BodyText, place: Place, axes: list[int], inner: Callable[[Place], None]) -> None:
        if not axes:
            inner(place)
            return
        self._loop(body, place, axes[0], lambda inside: self._loops(body, inside, axes[1:], inner))

    # Maps ------------------------------------------------------------------------------------------------------------

    def _map(self, body: BodyText, place: Place) -> None:
        if not self.kept:
            self._store_reductions(body, place)
            return
        self._loops(body, place, self.kept[:-1], lambda outer: self._map_lanes(body, outer))

    def _map_lanes(self, body: BodyText, outer: Place) -> None:
        axis = self.kept[-1]

        def step(index: Reg, width: int, mask: Reg | None) -> None:
            inside = outer.inside(axis, index, width, mask)
            body.emit(inside)
            self._store_reductions(body, inside)

        vector_loop(self.f, self.nest.extents[axis], self.lanes, step)

    def _store_reductions(self, body: BodyText, place: Place) -> None:
        """Reductions over axes of extent 1: the value itself."""
        for position, reduce in body.reduces():
            body.store(position, reduce.access, place.registers[reduce.value], place)

    # Columns ---------------------------------------------------------------------------------------------------------

    def _columns(self, body: BodyText, place: Place) -> None:
        self._loops(body, place, self.kept[:-1], lambda outer: self._column_lanes(body, outer))

    def _column_lanes(self, body: BodyText, outer: Place) -> None:
        axis = self.kept[-1]

        def step(index: Reg, width: int, mask: Reg | None) -> None:
            inside = outer.inside(axis, index, width, mask)
            body.emit(inside)
            for (position, reduce), value in zip(body.reduces(), self._column(body, inside), strict=True):
                body.store(position, reduce.access, self._as_stored(reduce, value), inside)

        vector_loop(self.f, self.nest.extents[axis], self.lanes, step)

    def _as_stored(self, reduce: Reduce, value: Reg) -> Reg:
        return self.f.convert("trunc", value, "i1") if reduce.dtype.kind == "b" else value

    def _column(self, body: BodyText, place: Place) -> list[Reg]:
        f, width = self.f, place.width
        reducers = [Reducer(f, r.primitive, r.dtype) for _, r in body.reduces()]
        accumulators = [Accumulator(r, width, 1) for r in reducers]
        for accumulator in accumulators:
            accumulator.reset()
        total = self._static_count()
        blocks = None if total is not None and total <= COLUMN_BLOCK else _Blocks(f, reducers, accumulators, width)

        def element(inner: Place) -> None:
            for (_, reduce), reducer, accumulator in zip(body.reduces(), reducers, accumulators, strict=True):
                accumulator.add(f.splat(reducer.hold(inner.registers[reduce.value]), width))
            if blocks is not None:
                blocks.advance()

        self._loops(body, place, self.reduced, element)
        if blocks is None:
            return [a.read()[0] for a in accumulators]
        return blocks.finish()

    def _static_count(self) -> int | None:
        total = 1
        for axis in self.reduced:
            extent = self.nest.extents[axis]
            if isinstance(extent, str):
                return None
            total *= extent
        return total

    # Rows ------------------------------------------------------------------------------------------------------------

    def _rows(self, body: BodyText, place: Place) -> None:
        self._loops(body, place, self.kept, lambda outer: self._row(body, outer))

    def _finish_row(self, body: BodyText, place: Place, values: list[Reg]) -> None:
        # The reduced axes have stride 0 in a result, so its address is complete here; only its lanes are not lanes.
        for (position, reduce), value in zip(body.reduces(), values, strict=True):
            self.f.store(value, place.pointers[position])

    def _row(self, body: BodyText, outer: Place) -> None:
        f, axis, width = self.f, self.reduced[0], self.lanes
        n = i64(self.nest.extents[axis])
        reducers = [Reducer(f, r.primitive, r.dtype) for _, r in body.reduces()]
        accumulators = [Accumulator(r, width, LANES // width) for r in reducers]

        def block(start: Reg, end: Reg) -> list[Reg]:
            for accumulator in accumulators:
                accumulator.reset()
            length = f.sub(end, start)
            full = f.add(start, f.binary("and", length, f.number(-LANES, "i64")))

            def chunk(index: Reg, mask: Reg | None) -> None:
                inside = outer.inside(axis, index, width, mask)
                body.emit(inside)
                for (_, reduce), reducer, accumulator in zip(body.reduces(), reducers, accumulators, strict=True):
                    value = f.splat(reducer.hold(inside.registers[reduce.value]), width)
                    if mask is not None:
                        value = f.select(mask, value, reducer.identity(width))
                    accumulator.add(value)

            def tail() -> None:
                stop = f.add(full, f.number(LANES, "i64"))
                count_loop(f, full, stop, width, lambda i: chunk(i, lane_mask(f, i, end, width)))

            extent = self.nest.extents[axis]
            if not isinstance(extent, int) or extent >= LANES:
                count_loop(f, start, full, width, lambda i: chunk(i, None))
            if not isinstance(extent, int) or extent % LANES:
                when(f, f.icmp("slt", full, end), tail)
            return [r.halve(a.read()) for r, a in zip(reducers, accumulators, strict=True)]

        extent = self.nest.extents[axis]
        if isinstance(extent, int) and extent <= ROW_BLOCK:
            self._finish_row(body, outer, block(i64(0), n))
            return
        tree = Tree(reducers, 1)
        tree.reset()

        def one_block(start: Reg) -> None:
            stop = f.add(start, f.number(ROW_BLOCK, "i64"))
            tree.push(block(start, f.select(f.icmp("slt", stop, n), stop, n)))

        count_loop(f, i64(0), n, ROW_BLOCK, one_block)
        self._finish_row(body, outer, tree.result())

    # Staged rows -----------------------------------------------------------------------------------------------------

    def _staged(self, body: BodyText, place: Place) -> None:
        self._loops(body, place, self.kept, lambda outer: self._staged_row(body, outer))

    def _staged_row(self, body: BodyText, outer: Place) -> None:
        f, axis, width = self.f, self.reduced[-1], self.lanes
        staged = [Staged(f, r.primitive, r.dtype, width) for _, r in body.reduces()]
        for stage in staged:
            stage.reset()

        def tile(inner: Place, start: Reg, end: Reg) -> None:
            def step(index: Reg) -> None:
                inside = inner.inside(axis, index, width, lane_mask(f, index, end, width))
                body.emit(inside)
                for (_, reduce), stage in zip(body.reduces(), staged, strict=True):
                    value = f.splat(stage.reducer.hold(inside.registers[reduce.value]), width)
                    stage.put(f.sub(index, start), value)

            count_loop(f, start, end, width, step)
            for stage in staged:
                stage.advance(f.sub(end, start))

        def rows(inner: Place) -> None:
            n = i64(self.nest.extents[axis])

            def one_tile(start: Reg) -> None:
                stop = f.add(start, i64(Staged.TILE))
                tile(inner, start, f.select(f.icmp("slt", stop, n), stop, n))

            count_loop(f, i64(0), n, Staged.TILE, one_tile)

        self._loops(body, outer, self.reduced[:-1], rows)
        self._finish_row(body, outer, [stage.finish() for stage in staged])


class _Blocks:
    """Counts elements of a column and ends a block whenever it is full."""

    def __init__(
        self, f: FunctionText, reducers: list[Reducer], accumulators: list[Accumulator], width: int
    ) -> None:
        self.f = f
        self.accumulators = accumulators
        self.tree = Tree(reducers, width)
        self.tree.reset()
        self.count = f.alloca("i64", 1)
        f.store(f.number(0, "i64"), self.count)

    def _flush(self) -> None:
        self.tree.push([a.read()[0] for a in self.accumulators])
        for accumulator in self.accumulators:
            accumulator.reset()
        self.f.store(self.f.number(0, "i64"), self.count)

    def advance(self) -> None:
        """One more element has been added."""
        f = self.f
        count = f.add(f.load(self.count, "i64"), f.number(1, "i64"))
        f.store(count, self.count)
        when(f, f.icmp("eq", count, f.number(COLUMN_BLOCK, "i64")), self._flush)

    def finish(self) -> list[Reg]:
        """The results; a column has at least one element."""
        f = self.f
        when(f, f.icmp("ne", f.load(self.count, "i64"), f.number(0, "i64")), self._flush)
        return self.tree.result()
