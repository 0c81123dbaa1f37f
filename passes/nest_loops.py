"""The loops of a nest on a CPU: which axis outside, which across lanes, and where reductions end.

Three plans. A *map* has no reductions: all axes in order, the last across lanes. *Columns* keep their last axis: it
goes across lanes and every lane reduces on its own. *Rows* reduce their last axis: across lanes too, and the lanes meet
at the end (`tapec.passes.reducing` fixes the order, `tapec.passes.row_loops` and `whole_rows` write rows).

Each plan can be written for a part of a nest (`tapec.passes.splitting`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapec.passes.column_blocks import ColumnBlocks
from tapec.passes.column_strips import ColumnStrips
from tapec.passes.interior import TwoBodies
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, vector_loop, vector_range
from tapec.passes.loops import Nest, Reduce
from tapec.passes.nest_lanes import in_step, lane_count, turned_axis
from tapec.passes.nest_parts import Part, Partials, Span
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place, Surroundings
from tapec.passes.reducing import COLUMN_BLOCK, Accumulator
from tapec.passes.row_loops import RowText, reducers_of
from tapec.passes.row_streams import PLACES, rows_at_places
from tapec.passes.staged_rows import StagedRowText
from tapec.passes.streaming import finish_streams
from tapec.passes.strip_choice import in_strips
from tapec.passes.turned_maps import TurnedMap
from tapec.passes.whole_rows import side_by_side, whole


def emit_nest(
    f: FunctionText, nest: Nest, around: Surroundings, part: Part | None = None, partials: Partials | None = None
) -> None:
    """Appends the nest's loops to `f`.

    Args:
        f: where to write.
        nest: the nest.
        around: what it needs of the function.
        part: the part of the nest to write; all of it if None.
        partials: of a nest that is cut where it reduces. With `part`, that part's share is written to them; without,
            they have been written and are folded.
    """
    span = part.span(f) if part is not None and partials is None else None
    _NestLoops(f, nest, around, span, part, partials).run()
    if around.streamed:
        finish_streams(f)


def emit_span(f: FunctionText, nest: Nest, around: Surroundings, span: Span) -> None:
    """Appends the nest's loops for some positions of an axis that it keeps."""
    _NestLoops(f, nest, around, span, None, None).run()


class _NestLoops:
    def __init__(
        self,
        f: FunctionText,
        nest: Nest,
        around: Surroundings,
        span: Span | None,
        part: Part | None,
        partials: Partials | None,
    ) -> None:
        self.f = f
        self.nest = nest
        self.around = around
        self.part = part
        self.partials = partials
        self.span = span
        self.lanes = lane_count(nest, around.vector_bits)
        axes = range(len(nest.extents))
        self.reduced = [a for a in axes if nest.reduced[a]]
        self.kept = [a for a in axes if not nest.reduced[a]]

    def run(self) -> None:
        """Writes them."""
        if in_step(self.nest, self.around.vector_bits):
            with self.f.in_order():
                self._write()
        else:
            self._write()

    def _write(self) -> None:
        nest = self.nest
        across = turned_axis(nest) if not self.reduced else None
        if across is not None:
            outer = [a for a in self.kept[:-1] if a != across]
            order = [*outer, across, self.kept[-1]]
            self._start(order, self.kept[-1], lambda body, at: self._turned(body, at, outer, across))
        elif not self.reduced:
            self._start(self.kept, self.kept[-1] if self.kept else None, self._map)
        elif nest.row:
            plan = self._rows if len(self.reduced) == 1 else self._staged
            self._start(self.kept + self.reduced, self.reduced[-1], plan)
        elif self._folds or not in_strips(nest, self.lanes):
            self._start(self.kept + self.reduced, self.kept[-1], self._columns)
        else:
            self._start(self.kept[:-1] + self.reduced + self.kept[-1:], self.kept[-1], self._strips)

    @property
    def _folds(self) -> bool:
        """Whether parts have left their results, which are to be folded."""
        return self.partials is not None and self.part is None

    def _start(self, order: list[int], lane_axis: int | None, plan: Callable[[BodyText, Place], None]) -> None:
        body = BodyText(self.f, self.nest, order, lane_axis, self.around)
        place = Place()
        body.emit(place)
        plan(body, place)

    def _loop(
        self,
        body: BodyText,
        place: Place,
        axis: int,
        inner: Callable[[Place], None],
        positions: tuple[Reg, Reg] | None = None,
    ) -> None:
        """A plain loop over one axis."""

        def step(index: Reg) -> None:
            inside = place.inside(axis, index)
            body.emit(inside)
            inner(inside)

        start, stop = positions or self._range(axis)
        count_loop(self.f, start, stop, 1, step)

    def _range(self, axis: int) -> tuple[Reg, Reg]:
        """The first position to write along this axis, and the one behind the last."""
        span = self._span(axis)
        return (i64(0), i64(self.nest.extents[axis])) if span is None else (span.start, span.stop)

    def _span(self, axis: int) -> Span | None:
        """The positions to write along this axis; None if it is all of them."""
        return self.span if self.span is not None and self.span.axis == axis else None

    def _lanes(self, axis: int, step: Callable[[Reg, int, Reg | None], None]) -> None:
        """The loop across lanes over an axis that is kept."""
        f, lanes, span = self.f, self.lanes, self._span(axis)
        if span is None:
            vector_loop(f, self.nest.extents[axis], lanes, step)
        elif span.multiple % lanes == 0:
            count_loop(f, span.start, span.stop, lanes, lambda index: step(index, lanes, None))
        elif span.least >= lanes:
            vector_range(f, span.start, span.stop, lanes, step)
        else:
            whole = f.binary("and", f.sub(span.stop, span.start), f.number(-lanes, "i64"))
            rest = f.add(span.start, whole)
            count_loop(f, span.start, rest, lanes, lambda index: step(index, lanes, None))
            count_loop(f, rest, span.stop, 1, lambda index: step(index, 1, None))

    def _results(self, body: BodyText, place: Place, whole: Callable[[], list[Reg]]) -> list[Reg]:
        """Results of the reductions at a place: computed, or folded of what parts have left."""
        return whole() if self.partials is None else self.partials.fold(reducers_of(body), place)

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
        bodies = TwoBodies(self.f, self.nest, outer, axis)

        def step(index: Reg, width: int, mask: Reg | None) -> None:
            def write(within: bool) -> None:
                inside = outer.inside(axis, index, width, mask, within)
                body.emit(inside)
                self._store_reductions(body, inside)

            bodies.write(index, width, write)

        self._lanes(axis, step)

    def _turned(self, body: BodyText, place: Place, outer: list[int], across: int) -> None:
        """A map that reads along another axis than it writes."""
        turned = TurnedMap(body, self.around, self.lanes, lambda inside: self._store_reductions(body, inside))
        lines, positions = self._range(across), self._range(self.kept[-1])
        self._loops(body, place, outer, lambda inside: turned.write(inside, lines, positions))

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
            if self.part is not None and self.partials is not None:
                self.partials.write(self.part, reducers_of(body), inside, lambda a, b: self._column(body, inside, a, b))
                return
            values = self._results(body, inside, lambda: self._column(body, inside))
            for (position, reduce), value in zip(body.reduces(), values, strict=True):
                body.store(position, reduce.access, self._as_stored(reduce, value), inside)

        self._lanes(axis, step)

    def _strips(self, body: BodyText, place: Place) -> None:
        strips = ColumnStrips(body, self.lanes)
        self._loops(body, place, self.kept[:-1], lambda outer: self._strips_of(body, outer, strips))

    def _strips_of(self, body: BodyText, outer: Place, strips: ColumnStrips) -> None:
        f, axis, part, partials = self.f, self.kept[-1], self.part, self.partials
        first, stop = self._range(axis)

        def store(place: Place, values: Sequence[Reg]) -> None:
            for (position, reduce), value in zip(body.reduces(), values, strict=True):
                step = f.mul(place.index[axis], i64(reduce.access.strides[axis]))
                element = memory_element(reduce.dtype)
                place.pointers[position] = f.element_pointer(outer.pointers[position], step, element)
                body.store(position, reduce.access, self._as_stored(reduce, value), place)

        def strip(start: Reg, end: Reg) -> None:
            columns = (start, end)
            if part is None or partials is None:
                strips.reduce(outer, columns, (i64(0), i64(self.nest.extents[self.reduced[0]])))
                strips.results(outer, columns, store)
                return

            def unit(index: Reg, from_row: Reg, to_row: Reg) -> None:
                strips.reduce(outer, columns, (from_row, to_row))
                strips.results(
                    outer, columns, lambda place, values: partials.leave(strips.reducers, index, place, values)
                )

            partials.units(f, part, unit)

        strips.write(first, stop, self._span(axis) is None, strip)

    def _as_stored(self, reduce: Reduce, value: Reg) -> Reg:
        return self.f.convert("trunc", value, "i1") if reduce.dtype.kind == "b" else value

    def _column(self, body: BodyText, place: Place, start: Reg | None = None, end: Reg | None = None) -> list[Reg]:
        """The results of a vector of columns; of positions `start` to `end` of the only reduced axis if given."""
        f, width = self.f, place.width
        reducers = reducers_of(body)
        accumulators = [Accumulator(r, width, 1) for r in reducers]
        for accumulator in accumulators:
            accumulator.reset()
        total = self._static_count()
        blocks = None if total is not None and total <= COLUMN_BLOCK else ColumnBlocks(f, reducers, accumulators, width)

        def element(inner: Place) -> None:
            for (_, reduce), reducer, accumulator in zip(body.reduces(), reducers, accumulators, strict=True):
                accumulator.add(f.splat(reducer.hold(inner.registers[reduce.value]), width))
            if blocks is not None:
                blocks.advance()

        if start is None or end is None:
            self._loops(body, place, self.reduced, element)
        else:
            self._loop(body, place, self.reduced[0], element, (start, end))
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
        if self.partials is None and rows_at_places(self.nest):
            self._loops(body, place, self.kept[:-1], lambda outer: self._rows_at_places(body, outer))
        else:
            self._loops(body, place, self.kept, lambda outer: self._row(body, outer))

    def _rows_at_places(self, body: BodyText, outer: Place) -> None:
        """Rows of each quarter of the axis in step, then those that are left."""
        f, axis = self.f, self.kept[-1]
        start, stop = self._range(axis)
        each = f.binary("udiv", f.sub(stop, start), i64(PLACES))

        def step(index: Reg) -> None:
            places = []
            for k in range(PLACES):
                inside = outer.inside(axis, f.add(index, f.mul(each, i64(k))) if k else index)
                body.emit(inside)
                places.append(inside)
            for inside, values in zip(
                places, side_by_side([RowText(body, p, self.lanes) for p in places]), strict=True
            ):
                self._finish_row(body, inside, values)

        count_loop(f, start, f.add(start, each), 1, step)
        behind = f.add(start, f.mul(each, i64(PLACES)))
        self._loop(body, outer, axis, lambda inside: self._row(body, inside), (behind, stop))

    def _row(self, body: BodyText, outer: Place) -> None:
        row = RowText(body, outer, self.lanes)
        if self.part is not None and self.partials is not None:
            unit = self.part.split.unit
            self.partials.write(self.part, row.reducers, outer, lambda a, b: row.part(a, b, unit))
        else:
            self._finish_row(body, outer, self._results(body, outer, lambda: whole(row)))

    def _finish_row(self, body: BodyText, place: Place, values: list[Reg]) -> None:
        # The reduced axes have stride 0 in a result, so its address is complete here; only its lanes are not lanes.
        for (position, _), value in zip(body.reduces(), values, strict=True):
            self.f.store(value, place.pointers[position])

    def _staged(self, body: BodyText, place: Place) -> None:
        self._loops(body, place, self.kept, lambda outer: self._staged_row(body, outer))

    def _staged_row(self, body: BodyText, outer: Place) -> None:
        row = StagedRowText(body, self.lanes)

        def whole() -> list[Reg]:
            row.reset()
            n = i64(self.nest.extents[self.reduced[-1]])
            self._loops(body, outer, self.reduced[:-1], lambda inner: row.line(inner, i64(0), n))
            return row.finish()

        if self.part is not None and self.partials is not None:
            self.partials.write(
                self.part, reducers_of(body), outer, lambda a, b: self._staged_part(body, outer, row, a, b)
            )
        else:
            self._finish_row(body, outer, self._results(body, outer, whole))

    def _staged_part(self, body: BodyText, outer: Place, row: StagedRowText, start: Reg, end: Reg) -> list[Reg]:
        """Elements `start` to `end` of two reduced axes, counted one behind the other."""
        f, n = self.f, i64(self.nest.extents[self.reduced[-1]])
        row.reset()

        def line(index: Reg) -> None:
            inside = outer.inside(self.reduced[0], index)
            body.emit(inside)
            before = f.mul(index, n)
            first = f.intrinsic("smax", f.sub(start, before), i64(0))
            row.line(inside, first, f.intrinsic("smin", f.sub(end, before), n))

        last = f.binary("sdiv", f.sub(end, i64(1)), n)
        count_loop(f, f.binary("sdiv", start, n), f.add(last, i64(1)), 1, line)
        return row.finish()
