"""Sorting keys by a bitonic network (K. E. Batcher, 1968): what is compared depends on the number of keys alone.

Keys are i64 in lines of a power of two. A block of threads sorts 2,048 of a line in shared memory; longer lines are
merged by kernels that compare keys far apart, and then again in shared memory. Keys that are all different make any
sort stable: they hold the position that an element had.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir import dtypes
from tapec.passes.cuda.grids import grid_kernel
from tapec.passes.cuda.kernel import BLOCK, Kernel, Phase, Repeat, Shared, Uniform
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.reductions import for_each, power_of_two
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer

TILE = 2048
# (thread, line, a key, another key) to whether the one comes before the other; of two different keys exactly one does.
Before = Callable[[Thread, Reg, Reg, Reg], Reg]


class Sort:
    """Sorts lines of keys.

    Args:
        lines: their number.
        count: keys of a line.
        key: gives the key of a position of a line, at least 0 and different from all others of the line.
        before: their order.
        reads: arrays that these two read.

    Attributes:
        length: keys of a line in memory, of which those from `count` on are -1 and come last.
        keys: the sorted lines.
    """

    def __init__(
        self,
        lines: int,
        count: int,
        key: Callable[[Thread, Reg, Reg], Reg],
        before: Before,
        reads: tuple[Buffer, ...],
        workspace: Workspace,
    ) -> None:
        self.lines, self.count = lines, count
        self.key, self.before, self.reads = key, before, reads
        self.length = power_of_two(count)
        self.tile = min(TILE, self.length)
        self.keys = workspace.buffer(dtypes.I64, lines * self.length)
        self.workspace = workspace

    def kernels(self) -> list[Kernel]:
        """The kernels, in order."""
        total, name = self.lines * self.length, self.workspace.name
        kernels = [grid_kernel(name("keys"), total, self.reads, (self.keys,), self._first)]
        kernels.append(self._in_tiles(name("sort"), 2))
        size = 2 * self.tile
        while size <= self.length:
            distance = size // 2
            while distance >= self.tile:
                far = self._far(size, distance)
                kernels.append(grid_kernel(name("merge"), total // 2, self.reads, (self.keys,), far))
                distance //= 2
            kernels.append(self._in_tiles(name("merge"), size))
            size *= 2
        return kernels

    def _first(self, thread: Thread, number: Reg) -> None:
        f = thread.f
        line, position = positions(f, number, (self.lines, self.length), self.lines * self.length)
        there = f.element_pointer(thread.pointer(self.keys), number, "i64")
        f.store(i64(-1), there)
        exists = f.icmp("slt", position, i64(self.count))
        when(f, exists, lambda: f.store(self.key(thread, line, position), there))

    def _compare(self, thread: Thread, line: Reg, base: Reg, first: Reg, second: Reg, ascending: Reg) -> None:
        """Puts two keys behind `base` in order."""
        f = thread.f
        places = [f.element_pointer(base, at, "i64") for at in (first, second)]
        a, b = (f.load(p, "i64") for p in places)
        a_last, b_last = (f.icmp("eq", x, i64(-1)) for x in (a, b))
        # Where there is no element the first one stands in, and the answer is not used.
        looked = [f.select(last, i64(0), x) for last, x in ((a_last, a), (b_last, b))]
        known = self.before(thread, line, looked[1], looked[0])
        yes, no = Reg("true", "i1"), Reg("false", "i1")
        b_first = f.select(a_last, f.binary("xor", b_last, yes), f.select(b_last, no, known))
        swap = f.icmp("eq", b_first, ascending)
        f.store(f.select(swap, b, a), places[0])
        f.store(f.select(swap, a, b), places[1])

    def _far(self, size: int, distance: int) -> Callable[[Thread, Reg], None]:
        """Compares keys that lie `distance` apart, on the way to sorted runs of `size`."""

        def item(thread: Thread, number: Reg) -> None:
            f = thread.f
            line, pair = positions(f, number, (self.lines, self.length // 2), self.lines * self.length // 2)
            low = f.binary("and", pair, i64(distance - 1))
            first = f.add(f.mul(f.sub(pair, low), i64(2)), low)
            ascending = f.icmp("eq", f.binary("and", first, i64(size)), i64(0))
            base = f.element_pointer(thread.pointer(self.keys), f.mul(line, i64(self.length)), "i64")
            self._compare(thread, line, base, first, f.add(first, i64(distance)), ascending)

        return item

    def _in_tiles(self, name: str, first_size: int) -> Kernel:
        """Sorts tiles from runs of `first_size` on; from more than a tile on, only what is closer than a tile."""
        shared, size_round, distance_round = Shared("i64", self.tile), Uniform(), Uniform()
        tiles = self.length // self.tile
        rounds = self.tile.bit_length() - 1
        sizes = rounds if first_size <= self.tile else 1

        def tile(thread: Thread) -> tuple[Reg, Reg]:
            line, part = positions(thread.f, thread.block, (self.lines, tiles), self.lines * tiles)
            return line, thread.f.mul(part, i64(self.tile))

        def copy(thread: Thread, back: bool) -> None:
            f = thread.f
            line, offset = tile(thread)
            begin = f.add(f.mul(line, i64(self.length)), offset)

            def one(number: Reg) -> None:
                outside = f.element_pointer(thread.pointer(self.keys), f.add(begin, number), "i64")
                inside = f.element_pointer(thread.shared(shared), number, "i64")
                source, to = (inside, outside) if back else (outside, inside)
                f.store(f.load(source, "i64"), to)

            for_each(thread, self.tile, one)

        def compare(thread: Thread) -> None:
            f = thread.f
            line, offset = tile(thread)
            size = f.binary("shl", i64(first_size), thread.round(size_round))
            longest = f.intrinsic("smin", f.binary("lshr", size, i64(1)), i64(self.tile // 2))
            distance = f.binary("lshr", longest, thread.round(distance_round))

            def one(pair: Reg) -> None:
                low = f.binary("and", pair, f.sub(distance, i64(1)))
                first = f.add(f.mul(f.sub(pair, low), i64(2)), low)
                ascending = f.icmp("eq", f.binary("and", f.add(offset, first), size), i64(0))
                self._compare(thread, line, thread.shared(shared), first, f.add(first, distance), ascending)

            going = f.icmp("sgt", distance, i64(0))
            when(f, going, lambda: for_each(thread, self.tile // 2, one))

        inner = Repeat(max(rounds, 1), distance_round, (Phase("compare", compare),))
        parts = (
            Phase("read", lambda t: copy(t, False)),
            Repeat(max(sizes, 1), size_round, (inner,)),
            Phase("write", lambda t: copy(t, True)),
        )
        return Kernel(name, self.lines * tiles, BLOCK, self.reads, (self.keys,), parts, (shared,))
