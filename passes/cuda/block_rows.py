"""A reduction of rows inside a block of threads: 16 threads for each row, in the order of `tapec.passes.reducing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from tapec.passes.cuda.block_span import Span
from tapec.passes.cuda.kernel import Part, Phase, Repeat, Slot, Uniform
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, positions
from tapec.passes.cuda.reductions import Reductions, halving_parts, power_of_two
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.reducing import LANES, ROW_BLOCK, Reducer, Tree

MakePhase = Callable[[str, Callable[[Thread], None], bool], Phase]


def row_parts(span: Span, threads: int, phase: MakePhase) -> tuple[list[Part], list[Slot]]:
    """The parts of a nest that reduces rows, and the slots that they need."""
    rows = _BlockRows(span, threads, phase)
    return rows.parts(), [*rows.sums, *rows.others, *rows.places]


class _BlockRows:
    """Rows are taken some at a time, one by each group of threads.

    Attributes:
        lanes: threads of a group: 16, or as many as a short row fills.
        rounds: how often groups take a row.
        blocks: blocks of 2,048 elements of a row.
        places: where the tree of several blocks keeps its state.
    """

    def __init__(self, span: Span, threads: int, phase: MakePhase) -> None:
        self.span, self.phase = span, phase
        reductions = self.reductions = Reductions(span.nest)
        self.lanes = min(LANES, power_of_two(min(reductions.length, ROW_BLOCK)))
        self.groups = threads // self.lanes
        self.counts = span.counts(reductions.kept)
        self.rounds = -(-prod(self.counts) // self.groups)
        self.blocks = -(-reductions.length // ROW_BLOCK)
        self.sums = [Slot(e) for e in reductions.elements]
        self.others = [Slot(e) for e in reductions.elements]
        self.places: list[Slot] = []
        if self.blocks > 1:
            f = FunctionText("unused", "")
            Tree(reductions.reducers(f), 1, self._noted)
        self.row_round, self.block_round = Uniform(), Uniform()

    def _noted(self, element: str, count: int) -> Reg:
        self.places.append(Slot(element, count))
        return Reg("%unused", "ptr")

    def _tree(self, thread: Thread, reducers: list[Reducer]) -> Tree:
        slots: Iterator[Slot] = iter(self.places)
        return Tree(reducers, 1, lambda *_: thread.slot(next(slots)))

    def parts(self) -> list[Part]:
        body: list[Part] = [self.phase("lanes", self._add, False)]
        body += halving_parts(self.reductions, self.sums, self.others, self.lanes)
        if self.blocks > 1:
            body.append(Phase("blocks", self._push, alone=True))
            body = [Repeat(self.blocks, self.block_round, tuple(body))]
        body.append(self.phase("store", self._store, False))
        return [Repeat(self.rounds, self.row_round, tuple(body))]

    def _where(self, thread: Thread) -> tuple[Reg, list[Reg], Reg]:
        """The lane, the row's positions, and whether there is such a row."""
        f, kept = thread.f, self.reductions.kept
        group, lane = positions(f, thread.index, (self.groups, self.lanes), self.groups * self.lanes)
        number = f.add(f.mul(thread.round(self.row_round), i64(self.groups)), group)
        total = prod(self.counts)
        here = f.icmp("slt", number, i64(total))
        number = f.select(here, number, i64(0))
        where, exists = self.span.positions(thread, number, kept, self.counts)
        return lane, where, f.binary("and", here, exists)

    def _add(self, thread: Thread) -> None:
        f, reductions = thread.f, self.reductions
        reducers = reductions.reducers(f)
        lane, where, exists = self._where(thread)
        for reducer, slot in zip(reducers, self.sums, strict=True):
            f.store(reducer.identity(), thread.slot(slot))

        def row() -> None:
            last = reductions.reduced[-1]
            order = reductions.kept + reductions.reduced
            body = BodyText(f, reductions.values, order, last, thread.around, Alignment(last, 1))
            place = Place()
            body.emit(place)
            place = enter(body, place, reductions.kept, where)

            def element(index: Reg) -> None:
                *outer, at = positions(f, index, reductions.reduced_extents, reductions.length)
                inside = enter(body, place, reductions.reduced[:-1], outer)
                inside = enter_lanes(body, inside, last, at, 1)
                for reducer, slot, i in zip(reducers, self.sums, reductions.reduces, strict=True):
                    held = f.load(thread.slot(slot), slot.element)
                    f.store(reducer.combine(held, reducer.hold(inside.registers[i.value])), thread.slot(slot))

            if self.blocks == 1:
                start, stop = i64(0), i64(reductions.length)
            else:
                start = f.mul(thread.round(self.block_round), i64(ROW_BLOCK))
                stop = f.intrinsic("smin", f.add(start, i64(ROW_BLOCK)), i64(reductions.length))
            count_loop(f, f.add(start, lane), stop, LANES, element)

        when(f, exists, row)

    def _push(self, thread: Thread) -> None:
        f = thread.f
        tree = self._tree(thread, self.reductions.reducers(f))
        when(f, f.icmp("eq", thread.round(self.block_round), i64(0)), tree.reset)
        tree.push([f.load(thread.slot(s), s.element) for s in self.sums])

    def _store(self, thread: Thread) -> None:
        f = thread.f
        lane, where, exists = self._where(thread)
        if self.blocks > 1:
            values = self._tree(thread, self.reductions.reducers(f)).result()
        else:
            values = [f.load(thread.slot(s), s.element) for s in self.sums]
        leads = f.binary("and", exists, f.icmp("eq", lane, i64(0)))
        when(f, leads, lambda: self.reductions.store_at(thread, where, values))
