"""Reductions of columns: the innermost axis longer than 1 stays, in the order of `tapec.passes.reducing`.

A thread takes a block of 128 elements of some neighbouring columns, one element after the other. Threads beside it take
other columns, so that a warp reads what lies side by side; blocks of the same columns meet in shared memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.cuda.folding import fold_kernels
from tapec.passes.cuda.kernel import BLOCK, WARP, Kernel, Part, Phase, Shared, Slot
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, lanes_along, positions
from tapec.passes.cuda.reductions import (
    STAGE_BYTES,
    Reductions,
    for_each,
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
from tapec.passes.reducing import COLUMN_BLOCK, Accumulator


def column_kernels(nest: Nest, workspace: Workspace) -> list[Kernel]:
    """The kernels of a nest that reduces columns."""
    columns = _Columns(nest, workspace)
    kernel = columns.kernel(workspace.name(nest.label))
    return [kernel, *fold_kernels(columns.reductions, columns.results, columns.parts, workspace, nest.label)]


class _Columns:
    """How columns and their blocks are dealt to threads.

    Attributes:
        width: columns of a thread.
        vectors: threads beside each other that cover all columns.
        across: how many of them a block of threads has.
        blocks: blocks of a column.
        down: how many of them a block of threads has; a power of two, so that they are a subtree.
        parts: what is left of a column behind this kernel.
        results: where that goes, if it is not the end.
    """

    def __init__(self, nest: Nest, workspace: Workspace) -> None:
        self.nest = nest
        reductions = self.reductions = Reductions(nest)
        self.width = lanes_along(nest, reductions.kept[-1], False)
        self.vectors = reductions.rows // self.width
        self.blocks = -(-reductions.length // COLUMN_BLOCK)
        self.across = min(BLOCK if self.blocks == 1 else WARP, power_of_two(self.vectors))
        room = max(STAGE_BYTES // (reductions.itemsizes * self.across * self.width), 1)
        self.down = min(BLOCK // self.across, power_of_two(self.blocks), power_below(room))
        self.parts = -(-self.blocks // self.down)
        self.threads = max(WARP, self.across * self.down)
        self.strips = -(-self.vectors // self.across)
        self.results = reductions.parts_memory(self.parts, workspace)
        kinds = [Reg("", e, self.width).type for e in reductions.elements]
        self.sums = tuple([Slot(kind) for kind in kinds]) if self.blocks > 1 else ()
        size = self.across * self.down * self.width
        self.tree = tuple([Shared(e, size) for e in reductions.elements]) if self.blocks > 1 else ()

    def kernel(self, name: str) -> Kernel:
        """The kernel that reads the nest's operands."""
        reads, writes = self.reductions.touched(self.results)
        parts: list[Part] = [Phase("columns", self._columns)]
        if self.blocks > 1:
            parts.append(Phase("blocks", self._enter_tree))
            inner = self.across * self.width
            parts += tree_phases(self.reductions, self.tree, 1, self.down, inner, self._blocks_left)
            parts.append(Phase("store", self._store))
        return Kernel(name, self.strips * self.parts, self.threads, reads, writes, tuple(parts), self.tree, self.sums)

    def _corner(self, thread: Thread) -> tuple[Reg, Reg]:
        """The first vector of columns of this block of threads, and the number of its part."""
        f = thread.f
        part, strip = positions(f, thread.block, (self.parts, self.strips), self.parts * self.strips)
        return f.mul(strip, i64(self.across)), part

    def _blocks_left(self, thread: Thread) -> Reg:
        f = thread.f
        return f.sub(i64(self.blocks), f.mul(self._corner(thread)[1], i64(self.down)))

    def _mine(self, thread: Thread) -> tuple[Reg, Reg]:
        """The vector of columns of a thread, and its block of them."""
        f = thread.f
        first, part = self._corner(thread)
        down, across = positions(f, thread.index, (self.threads // self.across, self.across), self.threads)
        return f.add(first, across), f.add(f.mul(part, i64(self.down)), down)

    def _exists(self, thread: Thread, vector: Reg, block: Reg) -> Reg:
        """Whether a thread has something to do."""
        f = thread.f
        inside = f.binary("and", f.icmp("slt", vector, i64(self.vectors)), f.icmp("slt", block, i64(self.blocks)))
        return f.binary("and", inside, f.icmp("slt", thread.index, i64(self.across * self.down)))

    def _columns(self, thread: Thread) -> None:
        f, reductions = thread.f, self.reductions
        vector, block = self._mine(thread)

        def reduce() -> None:
            last = reductions.kept[-1]
            order = reductions.kept + reductions.reduced
            nest = self.nest if self.blocks == 1 else reductions.values
            body = BodyText(f, nest, order, last, thread.around, Alignment(last, self.width))
            place = Place()
            body.emit(place)
            counts = [*reductions.kept_extents[:-1], reductions.kept_extents[-1] // self.width]
            *where, index = positions(f, vector, counts, self.vectors)
            place = enter(body, place, reductions.kept[:-1], where)
            first = f.mul(index, i64(self.width))
            place = enter_lanes(body, place, last, first, self.width)
            values = column_block(body, place, reductions, self.width, f.mul(block, i64(COLUMN_BLOCK)))
            if self.blocks > 1:
                for value, slot in zip(values, self.sums, strict=True):
                    f.store(value, thread.slot(slot))
                return
            store_columns(body, place, values)

        when(f, self._exists(thread, vector, block), reduce)

    def _enter_tree(self, thread: Thread) -> None:
        f = thread.f

        def enter_all() -> None:
            pairs = zip(self.sums, self.reductions.elements, strict=True)
            values = [f.load(thread.slot(s), e, self.width) for s, e in pairs]
            store_shared(thread, self.tree, f.mul(thread.index, i64(self.width)), values)

        when(f, self._exists(thread, *self._mine(thread)), enter_all)

    def _store(self, thread: Thread) -> None:
        f, reductions = thread.f, self.reductions
        first, part = self._corner(thread)

        def column(number: Reg) -> None:
            row = f.add(f.mul(first, i64(self.width)), number)

            def write() -> None:
                values = load_shared(thread, self.tree, number)
                if self.parts > 1:
                    store_parts(thread, self.results, f.add(f.mul(row, i64(self.parts)), part), values)
                else:
                    reductions.store(thread, row, values)

            when(f, f.icmp("slt", row, i64(reductions.rows)), write)

        for_each(thread, self.across * self.width, column)


def column_block(body: BodyText, place: Place, reductions: Reductions, width: int, first: Reg) -> list[Reg]:
    """A block of `width` columns from element `first` on, one element after the other; a vector for each reduction."""
    f = body.f
    reducers = reductions.reducers(f)
    sums = [Accumulator(r, width, 1) for r in reducers]
    for one in sums:
        one.reset()

    def element(number: Reg) -> None:
        where = positions(f, number, reductions.reduced_extents, reductions.length)
        inside = enter(body, place, reductions.reduced, where)
        for one, reducer, i in zip(sums, reducers, reductions.reduces, strict=True):
            one.add(f.splat(reducer.hold(inside.registers[i.value]), width))

    stop = f.intrinsic("smin", f.add(first, i64(COLUMN_BLOCK)), i64(reductions.length))
    count_loop(f, first, stop, 1, element)
    return [one.read()[0] for one in sums]


def store_columns(body: BodyText, place: Place, values: Sequence[Reg]) -> None:
    """Writes the results of neighbouring columns, a vector for each reduction, where the nest wants them."""
    for (position, i), value in zip(body.reduces(), values, strict=True):
        held = body.f.convert("trunc", value, "i1") if i.dtype.kind == "b" else value
        body.store(position, i.access, held, place)
