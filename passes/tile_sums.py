"""Reductions over an axis that is tiled: what a block of elements has come to is kept in memory from tile to tile.

The order is that of `tapec.passes.reducing`: blocks begin where they always do, whatever the tiles are, and meet in the
tree behind the last tile.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, exact_vector_loop, i64
from tapec.passes.loops import Reduce
from tapec.passes.nest_lanes import lane_count
from tapec.passes.nest_parts import Span
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place, Surroundings
from tapec.passes.reducing import COLUMN_BLOCK, LANES, ROW_BLOCK, Accumulator, Reducer, Tree
from tapec.passes.row_loops import RowText
from tapec.passes.steps import Sum


def emit_sum(f: FunctionText, item: Sum, around: Surroundings, span: Span) -> None:
    """Appends the share of one tile."""
    if item.nest.row:
        _row(f, item, around, span)
    else:
        _columns(f, item, around, span)


def emit_sum_end(f: FunctionText, item: Sum, around: Surroundings) -> None:
    """Appends what follows the last tile: the blocks meet, and the result is stored."""
    nest, reducer = item.nest, _reducer(f, item)
    block = ROW_BLOCK if nest.row else COLUMN_BLOCK
    blocks = -(-int(nest.extents[0]) // block)
    base = around.pointer(item.partials)
    result = _reduce(item).access
    to = f.element_pointer(around.pointer(result.buffer), i64(result.offset), reducer.element)

    def fold(width: int, block_value: Callable[[Reg], Reg]) -> Reg:
        if blocks == 1:
            return block_value(i64(0))
        tree = Tree([reducer], width)
        tree.reset()
        count_loop(f, i64(0), i64(blocks), 1, lambda index: tree.push([block_value(index)]))
        return tree.result()[0]

    def lanes(index: Reg) -> Reg:
        at = f.element_pointer(base, f.mul(index, i64(LANES)), reducer.element)
        return reducer.halve([f.load(at, reducer.element, LANES)])

    if nest.row:
        f.store(fold(1, lanes), to)
        return
    columns = int(nest.extents[1])

    def column(first: Reg, width: int) -> None:
        def one(index: Reg) -> Reg:
            at = f.add(f.mul(index, i64(columns)), first)
            return f.load(f.element_pointer(base, at, reducer.element), reducer.element, width)

        f.store(fold(width, one), f.element_pointer(to, first, reducer.element))

    exact_vector_loop(f, columns, lane_count(nest, around.vector_bits), column)


def _reduce(item: Sum) -> Reduce:
    reduce = item.nest.body[-1]
    assert isinstance(reduce, Reduce)
    return reduce


def _reducer(f: FunctionText, item: Sum) -> Reducer:
    reduce = _reduce(item)
    return Reducer(f, reduce.primitive, reduce.dtype)


def _blocks(f: FunctionText, span: Span, block: int, inner: Callable[[Reg, Reg, Reg, Reg], None]) -> None:
    """For each block that the span touches: `inner(block, first position, position behind the last, is it new)`."""
    last = f.binary("sdiv", f.sub(span.stop, i64(1)), i64(block))

    def one(index: Reg) -> None:
        begin = f.mul(index, i64(block))
        end = f.add(begin, i64(block))
        start = f.intrinsic("smax", begin, span.start)
        inner(index, start, f.intrinsic("smin", end, span.stop), f.icmp("eq", start, begin))

    count_loop(f, f.binary("sdiv", span.start, i64(block)), f.add(last, i64(1)), 1, one)


def _row(f: FunctionText, item: Sum, around: Surroundings, span: Span) -> None:
    width = lane_count(item.nest, around.vector_bits)
    body = BodyText(f, item.nest, [0], 0, around)
    place = Place()
    body.emit(place)
    row = RowText(body, place, width)
    (accumulator,) = row.accumulators
    base = around.pointer(item.partials)

    def block(index: Reg, start: Reg, stop: Reg, new: Reg) -> None:
        first = f.element_pointer(base, f.mul(index, i64(LANES)), row.reducers[0].element)
        _resume(f, accumulator, first, new)
        row.gather(start, stop)
        _leave(f, accumulator, first)

    _blocks(f, span, ROW_BLOCK, block)


def _columns(f: FunctionText, item: Sum, around: Surroundings, span: Span) -> None:
    nest, reducer = item.nest, _reducer(f, item)
    columns = int(nest.extents[1])
    body = BodyText(f, nest, [1, 0], 1, around)
    place = Place()
    body.emit(place)
    base = around.pointer(item.partials)
    value = _reduce(item).value

    def block(index: Reg, start: Reg, stop: Reg, new: Reg) -> None:
        row = f.element_pointer(base, f.mul(index, i64(columns)), reducer.element)

        def some(first: Reg, width: int) -> None:
            outer = place.inside(1, first, width)
            body.emit(outer)
            accumulator = Accumulator(reducer, width, 1)
            at = f.element_pointer(row, first, reducer.element)
            _resume(f, accumulator, at, new)

            def element(position: Reg) -> None:
                inside = outer.inside(0, position)
                body.emit(inside)
                accumulator.add(f.splat(reducer.hold(inside.registers[value]), width))

            count_loop(f, start, stop, 1, element)
            _leave(f, accumulator, at)

        exact_vector_loop(f, columns, lane_count(nest, around.vector_bits), some)

    _blocks(f, span, COLUMN_BLOCK, block)


def _resume(f: FunctionText, accumulator: Accumulator, first: Reg, new: Reg) -> None:
    """What the block has come to so far; the identity if it is new, when the memory holds nothing yet."""
    reducer, width = accumulator.reducer, accumulator.width
    for part, slot in enumerate(accumulator.slots):
        at = f.element_pointer(first, i64(part * width), reducer.element)
        known = f.load(at, reducer.element, width)
        f.store(f.select(new, reducer.identity(width), known), slot)


def _leave(f: FunctionText, accumulator: Accumulator, first: Reg) -> None:
    reducer, width = accumulator.reducer, accumulator.width
    for part, value in enumerate(accumulator.read()):
        f.store(value, f.element_pointer(first, i64(part * width), reducer.element))
