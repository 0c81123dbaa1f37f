"""A reduction of columns inside a block of threads, in the order of `tapec.passes.reducing`: some columns a thread."""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.block_span import Span
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, lanes_along, positions
from tapec.passes.cuda.reductions import Reductions, for_each
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.reducing import COLUMN_BLOCK, Accumulator, Tree


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
    reducers = reductions.reducers(f)
    sums = [Accumulator(r, width, 1) for r in reducers]
    tree = Tree(reducers, width) if reductions.length > COLUMN_BLOCK else None

    def item(number: Reg) -> None:
        where, exists = span.positions(thread, number, reductions.kept, counts)

        def compute() -> None:
            place = enter(body, start, reductions.kept[:-1], where[:-1])
            place = enter_lanes(body, place, last, f.mul(where[-1], i64(width)), width)

            def block(first: Reg) -> None:
                for one in sums:
                    one.reset()
                stop = f.intrinsic("smin", f.add(first, i64(COLUMN_BLOCK)), i64(reductions.length))

                def element(index: Reg) -> None:
                    at = positions(f, index, reductions.reduced_extents, prod(reductions.reduced_extents))
                    inside = enter(body, place, reductions.reduced, at)
                    for one, reducer, i in zip(sums, reducers, reductions.reduces, strict=True):
                        one.add(f.splat(reducer.hold(inside.registers[i.value]), width))

                count_loop(f, first, stop, 1, element)
                if tree is not None:
                    tree.push([one.read()[0] for one in sums])

            if tree is None:
                block(i64(0))
                values = [one.read()[0] for one in sums]
            else:
                tree.reset()
                count_loop(f, i64(0), i64(reductions.length), COLUMN_BLOCK, block)
                values = tree.result()
            for (position, i), value in zip(body.reduces(), values, strict=True):
                held = f.convert("trunc", value, "i1") if i.dtype.kind == "b" else value
                body.store(position, i.access, held, place)

        when(f, exists, compute)

    for_each(thread, prod(counts), item)
