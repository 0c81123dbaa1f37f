"""Reductions of rows: the innermost axis longer than 1 is reduced, in the order of `tapec.passes.reducing`.

A *unit* is a block of up to 2,048 elements of one row. All threads compute its elements, side by side in memory, and
put them in shared memory. Then 16 threads take it in the 16 lanes of the CPU's order, and halve the lanes by exchanges
in the warp. So the bits are the CPU's, while only the additions themselves are done one after the other.
"""

from __future__ import annotations

from tapec.passes.cuda.folding import fold_kernels
from tapec.passes.cuda.kernel import BLOCK, MANY_BLOCKS, Kernel, Part, Phase, Repeat, Shared, Slot, Uniform
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, lanes_along, positions
from tapec.passes.cuda.reductions import (
    STAGE_BYTES,
    Reductions,
    for_each,
    halving_parts,
    load_shared,
    power_below,
    power_of_two,
    store_parts,
    store_shared,
    tree_phases,
)
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.loops import Nest
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.reducing import LANES, ROW_BLOCK

_AT_ONCE = 8  # elements of a lane that are read before the first of them is added


def row_kernels(nest: Nest, workspace: Workspace) -> list[Kernel]:
    """The kernels of a nest that reduces rows."""
    rows = _Rows(nest, workspace)
    kernel = rows.kernel(workspace.name(nest.label))
    return [kernel, *fold_kernels(rows.reductions, rows.results, rows.parts, workspace, nest.label)]


class _Rows:
    """How units are dealt to blocks of threads.

    Attributes:
        blocks: units of a row.
        lanes: threads of a unit when it is added up: 16, or as many as a short row fills.
        units: units of a block of threads; where a row has several, a power of two, so that they are a subtree.
        chunk: elements of a unit that shared memory holds at once.
        parts: what is left of a row behind this kernel.
        results: where that goes, if it is not the end.
    """

    def __init__(self, nest: Nest, workspace: Workspace) -> None:
        reductions = self.reductions = Reductions(nest)
        self.blocks = -(-reductions.length // ROW_BLOCK)
        longest = min(reductions.length, ROW_BLOCK)
        self.lanes = min(LANES, power_of_two(longest))
        room = STAGE_BYTES // reductions.itemsizes
        self.chunk = longest if longest <= room else power_below(room)
        self.units = self._units(max(room // self.chunk, 1))
        self.pitch = self.chunk + LANES if self.chunk % 32 == 0 else self.chunk
        self.parts = -(-self.blocks // self.units) if self.blocks > 1 else 1
        self.grid = reductions.rows * self.parts if self.blocks > 1 else -(-reductions.rows // self.units)
        self.results = reductions.parts_memory(self.parts, workspace)
        width = lanes_along(nest, reductions.reduced[-1], False)
        self.width = width if self.chunk % width == 0 else 1
        self.staged = tuple([Shared(e, self.pitch * self.units) for e in reductions.elements])
        self.sums = tuple([Slot(e) for e in reductions.elements])
        self.others = tuple([Slot(e) for e in reductions.elements])
        self.tree = tuple([Shared(e, self.units) for e in reductions.elements]) if self.blocks > 1 else ()
        self.round = Uniform()

    def _units(self, room: int) -> int:
        several = self.blocks > 1
        count = self.blocks if several else self.reductions.rows
        total = count * self.reductions.rows if several else count
        units = power_below(min(room, BLOCK // self.lanes, power_of_two(count)))
        while units > 1 and total // units < MANY_BLOCKS:
            units //= 2
        return units

    def kernel(self, name: str) -> Kernel:
        """The kernel that reads the nest's operands."""
        reads, writes = self.reductions.touched(self.results)
        rounds = -(-min(self.reductions.length, ROW_BLOCK) // self.chunk)
        body = (Phase("elements", self._stage), Phase("lanes", self._add))
        parts: list[Part] = [Repeat(rounds, self.round, body)]
        parts += halving_parts(self.reductions, self.sums, self.others, self.lanes)
        if self.blocks > 1:
            parts.append(Phase("units", self._enter_tree))
            parts += tree_phases(self.reductions, self.tree, 1, self.units, 1, self._units_left)
        parts.append(Phase("store", self._store))
        slots = (*self.sums, *self.others)
        return Kernel(name, self.grid, BLOCK, reads, writes, tuple(parts), (*self.staged, *self.tree), slots)

    def _unit(self, thread: Thread, number: Reg) -> tuple[Reg, Reg]:
        """The row of a unit of this block, and the number of the unit in it."""
        f = thread.f
        if self.blocks == 1:
            return f.add(f.mul(thread.block, i64(self.units)), number), i64(0)
        row, part = positions(f, thread.block, (self.reductions.rows, self.parts), self.grid)
        return row, f.add(f.mul(part, i64(self.units)), number)

    def _units_left(self, thread: Thread) -> Reg:
        return thread.f.sub(i64(self.blocks), self._unit(thread, i64(0))[1])

    def _stage(self, thread: Thread) -> None:
        f, reductions = thread.f, self.reductions
        order, last = reductions.kept + reductions.reduced, reductions.reduced[-1]
        body = BodyText(f, reductions.values, order, last, thread.around, Alignment(last, self.width))
        start = Place()
        body.emit(start)
        vectors = self.chunk // self.width
        before = f.mul(thread.round(self.round), i64(self.chunk))

        def element(number: Reg) -> None:
            unit, vector = positions(f, number, (self.units, vectors), self.units * vectors)
            row, block = self._unit(thread, unit)
            within = f.mul(vector, i64(self.width))
            first = f.add(f.add(f.mul(block, i64(ROW_BLOCK)), before), within)

            def compute() -> None:
                place = enter(body, start, reductions.kept, reductions.where(f, row))
                *outer, index = positions(f, first, reductions.reduced_extents, reductions.length)
                place = enter(body, place, reductions.reduced[:-1], outer)
                place = enter_lanes(body, place, last, index, self.width)
                held = [
                    f.splat(r.hold(place.registers[i.value]), self.width)
                    for i, r in zip(reductions.reduces, reductions.reducers(f), strict=True)
                ]
                at = f.add(f.mul(unit, i64(self.pitch)), within)
                store_shared(thread, self.staged, at, held)

            inside = f.icmp("slt", first, i64(reductions.length))
            when(f, f.binary("and", inside, f.icmp("slt", row, i64(reductions.rows))), compute)

        for_each(thread, self.units * vectors, element)

    def _add(self, thread: Thread) -> None:
        """The elements of a lane in shared memory, one after the other."""
        f, reductions = thread.f, self.reductions
        reducers = reductions.reducers(f)
        first_round = f.icmp("eq", thread.round(self.round), i64(0))

        def lane(number: Reg) -> None:
            unit, lane = positions(f, number, (self.units, self.lanes), self.units * self.lanes)
            count = self._count(thread, unit)
            for reducer, slot in zip(reducers, self.sums, strict=True):
                held = f.load(thread.slot(slot), slot.element)
                f.store(f.select(first_round, reducer.identity(), held), thread.slot(slot))
            start = f.mul(unit, i64(self.pitch))

            def add(first: Reg, elements: int) -> None:
                read = [
                    load_shared(thread, self.staged, f.add(start, f.add(first, i64(i * LANES))))
                    for i in range(elements)
                ]
                for values in read:
                    for reducer, slot, value in zip(reducers, self.sums, values, strict=True):
                        held = f.load(thread.slot(slot), slot.element)
                        f.store(reducer.combine(held, value), thread.slot(slot))

            stride = _AT_ONCE * LANES
            whole = f.sub(count, f.binary("and", count, i64(stride - 1)))  # below it lie whole strides of all lanes
            if self.chunk >= stride:
                count_loop(f, lane, whole, stride, lambda at: add(at, _AT_ONCE))
            count_loop(f, f.add(whole, lane), count, LANES, lambda at: add(at, 1))

        for_each(thread, self.units * self.lanes, lane)

    def _count(self, thread: Thread, unit: Reg) -> Reg:
        """How many elements of a unit this round has brought; 0 where there is no such unit."""
        f = thread.f
        row, block = self._unit(thread, unit)
        before = f.add(f.mul(block, i64(ROW_BLOCK)), f.mul(thread.round(self.round), i64(self.chunk)))
        left = f.sub(i64(self.reductions.length), before)
        count = f.intrinsic("smax", f.intrinsic("smin", left, i64(self.chunk)), i64(0))
        return f.select(f.icmp("slt", row, i64(self.reductions.rows)), count, i64(0))

    def _sums(self, thread: Thread) -> list[Reg]:
        return [thread.f.load(thread.slot(s), s.element) for s in self.sums]

    def _enter_tree(self, thread: Thread) -> None:
        f = thread.f
        unit, lane = positions(f, thread.index, (BLOCK // self.lanes, self.lanes), BLOCK)
        leads = f.binary("and", f.icmp("eq", lane, i64(0)), f.icmp("slt", unit, i64(self.units)))
        when(f, leads, lambda: store_shared(thread, self.tree, unit, self._sums(thread)))

    def _store(self, thread: Thread) -> None:
        f, reductions = thread.f, self.reductions
        if self.blocks > 1:
            row, part = positions(f, thread.block, (reductions.rows, self.parts), self.grid)

            def write() -> None:
                values = load_shared(thread, self.tree, i64(0))
                if self.parts > 1:
                    store_parts(thread, self.results, f.add(f.mul(row, i64(self.parts)), part), values)
                else:
                    reductions.store(thread, row, values)

            when(f, f.icmp("eq", thread.index, i64(0)), write)
            return
        unit, lane = positions(f, thread.index, (BLOCK // self.lanes, self.lanes), BLOCK)
        row, _ = self._unit(thread, unit)
        leads = f.binary("and", f.icmp("eq", lane, i64(0)), f.icmp("slt", unit, i64(self.units)))
        exists = f.binary("and", leads, f.icmp("slt", row, i64(reductions.rows)))
        when(f, exists, lambda: reductions.store(thread, row, self._sums(thread)))
