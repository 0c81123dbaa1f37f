"""Maps that read along one axis and write along another: transposes, through tiles in shared memory.

A tile is 32 by 32 positions. Its threads first read along the axis that is contiguous in the operand, and put what they
read in shared memory; then they compute and write along the axis that is contiguous in the result.
"""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.kernel import BLOCK, SHARED_BYTES, Kernel, Phase, Shared, layout
from tapec.passes.cuda.mapping import Alignment, accesses, enter, positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.touched import arrays
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.loops import Access, Load, Nest
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place

SIDE = 32
_PITCH = SIDE + 1  # so that neither way of walking a tile meets a bank twice
_SHORTEST = 8  # along an axis that is shorter there is little to gain


def tiled_axis(nest: Nest) -> int | None:
    """The axis along which operands are contiguous that the last axis jumps over; None where there is none."""
    if any(nest.reduced) or len(nest.extents) < 2 or int(nest.extents[-1]) < _SHORTEST:
        return None
    if any(w is not None for a in accesses(nest) for w in a.windows):
        return None
    for axis in range(len(nest.extents) - 2, -1, -1):
        tiles = _shared(_staged(nest, axis))
        if int(nest.extents[axis]) >= _SHORTEST and tiles and layout(tuple(tiles.values()))[1] <= SHARED_BYTES:
            return axis
    return None


def _staged(nest: Nest, axis: int) -> dict[int, Access]:
    """Loads that are contiguous along `axis`, by their position in the body."""
    loads = {p: i.access for p, i in enumerate(nest.body) if isinstance(i, Load)}
    return {p: a for p, a in loads.items() if a.strides[axis] == 1 and int(a.strides[-1]) not in (0, 1)}


def _shared(staged: dict[int, Access]) -> dict[int, Shared]:
    """A tile of shared memory for each load."""
    return {p: Shared(memory_element(a.buffer.dtype), SIDE * _PITCH) for p, a in staged.items()}


def tile_kernel(name: str, nest: Nest, axis: int) -> Kernel:
    """The kernel of a nest, in tiles of `axis` and the last axis."""
    tiles = _Tiles(nest, axis)
    reads, writes = arrays(nest)
    parts = (Phase("read tiles", tiles.read), Phase("map", tiles.map))
    return Kernel(name, tiles.grid, BLOCK, reads, writes, parts, tuple(tiles.shared.values()))


class _Tiles:
    def __init__(self, nest: Nest, axis: int) -> None:
        self.nest = nest
        self.axis, self.last = axis, len(nest.extents) - 1
        self.extents = [int(n) for n in nest.extents]
        self.staged = _staged(nest, axis)
        self.shared = _shared(self.staged)
        self.others = [a for a in range(self.last) if a != axis]
        self.counts = [self.extents[a] for a in self.others]
        self.counts += [-(-self.extents[a] // SIDE) for a in (self.axis, self.last)]
        self.grid = prod(self.counts)

    def _corner(self, thread: Thread) -> tuple[list[Reg], Reg, Reg]:
        """Positions along the other axes, and the tile's first along its two."""
        f = thread.f
        *others, across, down = positions(f, thread.block, self.counts, self.grid)
        return others, f.mul(across, i64(SIDE)), f.mul(down, i64(SIDE))

    def _inside(self, thread: Thread, across: Reg, down: Reg) -> Reg:
        f = thread.f
        ends = i64(self.extents[self.axis]), i64(self.extents[self.last])
        return f.binary("and", f.icmp("slt", across, ends[0]), f.icmp("slt", down, ends[1]))

    def read(self, thread: Thread) -> None:
        """A thread's part of the tiles, along the axis that is contiguous in operands."""
        f = thread.f
        others, first_across, first_down = self._corner(thread)
        row, column = positions(f, thread.index, (BLOCK // SIDE, SIDE), BLOCK)
        across = f.add(first_across, column)

        def line(within: Reg) -> None:
            down = f.add(first_down, within)

            def copy() -> None:
                at = f.add(f.mul(within, i64(_PITCH)), column)
                for position, access in self.staged.items():
                    element = memory_element(access.buffer.dtype)
                    offset = i64(access.offset)
                    where = zip([*self.others, self.axis, self.last], [*others, across, down], strict=True)
                    for axis, index in where:
                        offset = f.add(offset, f.mul(index, i64(access.strides[axis])))
                    value = f.load(f.element_pointer(thread.pointer(access.buffer), offset, element), element)
                    f.store(value, f.element_pointer(thread.shared(self.shared[position]), at, element))

            when(f, self._inside(thread, across, down), copy)

        count_loop(f, row, i64(SIDE), BLOCK // SIDE, line)

    def map(self, thread: Thread) -> None:
        """A thread's part of the nest, along the last axis."""
        f = thread.f
        others, first_across, first_down = self._corner(thread)
        row, column = positions(f, thread.index, (BLOCK // SIDE, SIDE), BLOCK)
        down = f.add(first_down, column)

        def line(within: Reg) -> None:
            across = f.add(first_across, within)
            at = f.add(f.mul(column, i64(_PITCH)), within)

            def value(position: int) -> Reg:
                array = self.shared[position]
                return f.load(f.element_pointer(thread.shared(array), at, array.element), array.element)

            def compute() -> None:
                order = [*self.others, self.axis, self.last]
                staged = {p: lambda _, p=p: value(p) for p in self.staged}
                body = BodyText(
                    f,
                    self.nest,
                    order,
                    self.last,
                    thread.around,
                    Alignment(self.last, 1),
                    staged,
                )
                place = Place()
                body.emit(place)
                enter(body, place, order, [*others, across, down])

            when(f, self._inside(thread, across, down), compute)

        count_loop(f, row, i64(SIDE), BLOCK // SIDE, line)
