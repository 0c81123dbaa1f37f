"""Nests without reductions: a thread for some positions of the last axis, 16 bytes at once where it is contiguous."""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.kernel import BLOCK, Kernel, Phase
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, in_range, lanes_along, positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.touched import arrays
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Nest
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place


def map_kernel(name: str, nest: Nest) -> Kernel:
    """The kernel of a nest that has no axis to reduce."""
    reads, writes = arrays(nest)
    mapped = _Map(nest)
    grid = -(-mapped.items // BLOCK)
    return Kernel(name, grid, BLOCK, reads, writes, (Phase("map", mapped.write),))


class _Map:
    """How positions are dealt to threads.

    Attributes:
        width: positions of the last axis that a thread takes.
        vectors: threads that have so many; behind them come threads with one of the positions that are left.
        items: threads with work.
    """

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
        self.extents = [int(n) for n in nest.extents]
        self.axes = list(range(len(self.extents)))
        self.width = lanes_along(nest, self.axes[-1], len(self.axes) == 1) if self.axes else 1
        self.vectors = prod(self.extents) // self.width
        self.items = self.vectors + prod(self.extents) % self.width

    def write(self, thread: Thread) -> None:
        """The text of one thread."""
        f, nest = thread.f, self.nest
        last = self.axes[-1] if self.axes else None
        body = BodyText(f, nest, self.axes, last, thread.around, Alignment(last, self.width))
        number = thread.global_index()

        def whole() -> None:
            place = Place()
            body.emit(place)
            if self.axes:
                place = self._vector(body, place, number)
            store_single(body, place)

        def rest() -> None:
            place = Place()
            body.emit(place)
            behind = f.sub(number, i64(self.vectors - self.vectors * self.width))
            store_single(body, enter(body, place, self.axes, [behind]))

        when(f, in_range(f, number, self.vectors), whole)
        if self.items > self.vectors:
            left = f.binary("and", f.icmp("sge", number, i64(self.vectors)), in_range(f, number, self.items))
            when(f, left, rest)

    def _vector(self, body: BodyText, place: Place, number: Reg) -> Place:
        f = body.f
        *outer, last = self.axes
        counts = [*self.extents[:-1], max(self.extents[-1] // self.width, 1)]
        *where, vector = positions(f, number, counts, self.vectors)
        place = enter(body, place, outer, where)
        first = f.mul(vector, i64(self.width)) if self.width > 1 else vector
        return enter_lanes(body, place, last, first, self.width)


def store_single(body: BodyText, place: Place) -> None:
    """Reductions over axes of extent 1: the value itself."""
    for position, reduce in body.reduces():
        body.store(position, reduce.access, place.registers[reduce.value], place)
