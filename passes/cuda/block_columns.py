"""A reduction of columns inside a block of threads, in the order of `tapec.passes.reducing`: some columns a thread."""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.block_span import Span
from tapec.passes.cuda.columns import column_block, store_columns
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, lanes_along
from tapec.passes.cuda.reductions import Reductions, for_each
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.reducing import COLUMN_BLOCK, Tree


def column_phase(thread: Thread, span: Span) -> None:
    """A thread's part of a nest that reduces columns."""
    f, nest = thread.f, span.nest
    reductions = Reductions(nest)
    last = reductions.kept[-1]
    width = lanes_along(nest, last, False) if not span.is_rows(last) else 1
    body = BodyText(f, nest, reductions.kept + reductions.reduced, last, thread.around, Alignment(last, width))
    start = Place()
    body.emit(start)
    counts = span.counts(reductions.kept)
    counts[-1] //= width

    def item(number: Reg) -> None:
        where, exists = span.positions(thread, number, reductions.kept, counts)

        def compute() -> None:
            place = enter(body, start, reductions.kept[:-1], where[:-1])
            place = enter_lanes(body, place, last, f.mul(where[-1], i64(width)), width)

            def block(first: Reg) -> list[Reg]:
                return column_block(body, place, reductions, width, first)

            if reductions.length <= COLUMN_BLOCK:
                values = block(i64(0))
            else:
                tree = Tree(reductions.reducers(f), width)
                tree.reset()
                count_loop(f, i64(0), i64(reductions.length), COLUMN_BLOCK, lambda first: tree.push(block(first)))
                values = tree.result()
            store_columns(body, place, values)

        when(f, exists, compute)

    for_each(thread, prod(counts), item)
