"""Maps that read along another axis than they write: a block of what they read is turned first, into a small buffer.

Of the axis along which elements lie side by side (`across`) a few lines are taken, and a piece of the lane axis: every
array is then read and written in runs of some cache lines, and the buffer stays in the first-level cache. Squares are
turned in registers, by exchanging halves, quarters, ... of their lines: a shuffle for each two registers and step.

Such runs are too short for a processor to find out what comes next, and each begins with a wait. So a block asks for
the lines of the next one: of what is turned while it is turned, of what lies along its lines while they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, exact_vector_loop, i64
from tapec.passes.loops import Access, Load, Store
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place, Surroundings
from tapec.passes.streaming import LINE

PIECE = 64  # positions of the lane axis in a block
BUFFER = 16 << 10  # bytes of a block of the widest of what is turned: half of a first-level cache
# Bytes that a nest moves, each access counted by itself, from which on it asks for them ahead of time: less than that
# comes soon enough from a cache that is not far.
FETCHED = 16 << 20


def turned(f: FunctionText, lines: list[Reg]) -> list[Reg]:
    """The transpose of a square of registers; its side is a power of two."""
    lines = list(lines)
    n = len(lines)
    half = n // 2
    while half:
        low = ", ".join(f"i32 {j - half + n if j & half else j}" for j in range(n))
        high = ", ".join(f"i32 {j + n if j & half else j + half}" for j in range(n))
        for i in [i for i in range(n) if not i & half]:
            a, b = lines[i], lines[i + half]
            lines[i], lines[i + half] = [
                f.assign(
                    f"shufflevector {a.type} {a.text}, {b.type} {b.text}, <{n} x i32> <{mask}>", a.element, a.width
                )
                for mask in (low, high)
            ]
        half //= 2
    return lines


class TurnedMap:
    """Writes the two innermost axes of such a map.

    Args:
        body: of the nest, in an order that ends with `across` and the lane axis.
        around: what it needs of the function.
        lanes: positions of the lane axis that are taken at once.
        finish: what follows the body at each place.
    """

    def __init__(self, body: BodyText, around: Surroundings, lanes: int, finish: Callable[[Place], None]) -> None:
        self.f = body.f
        self.lanes = lanes
        self.finish = finish
        self.across, self.axis = body.order[-2:]
        self.extent = int(body.nest.extents[self.axis])
        self.vector_bits = around.vector_bits
        self.loads = {p: i for p, i in enumerate(body.nest.body) if isinstance(i, Load) and self._is_turned(i)}
        widest = max([i.access.buffer.dtype.itemsize for i in self.loads.values()], default=8)
        self.lines = BUFFER // (PIECE * widest)
        self.buffers = {
            p: self.f.alloca(memory_element(i.access.buffer.dtype), self.lines * PIECE) for p, i in self.loads.items()
        }
        # Of the block that is written, and of the next one: the first line and position.
        self.corner = self.next = (i64(0), i64(0))
        self.fetched = self._fetched(body, around)
        staged = {position: partial(self._from_buffer, position) for position in self.loads}
        self.body = BodyText(self.f, body.nest, body.order, body.lane_axis, around, staged=staged)

    def _is_turned(self, load: Load) -> bool:
        strides = load.access.strides
        windowed = any(w is not None for w in load.access.windows)
        wide = load.access.buffer.dtype.itemsize >= 4
        return strides[self.across] == 1 and strides[self.axis] not in (0, 1) and not windowed and wide

    def _fetched(self, body: BodyText, around: Surroundings) -> dict[int, Access]:
        """Accesses along lines, by their position in the body, whose next block is asked for."""
        accesses = {p: i.access for p, i in enumerate(body.nest.body) if isinstance(i, Load | Store)}
        moved = 0
        for access in accesses.values():
            moving = [int(n) for n, stride in zip(body.nest.extents, access.strides, strict=True) if stride != 0]
            moved += prod(moving) * access.buffer.dtype.itemsize
        if moved < FETCHED:
            return {}
        past = {p for p, i in enumerate(body.nest.body) if isinstance(i, Store) and i.access.buffer in around.streamed}
        along = {p: a for p, a in accesses.items() if a.strides[self.axis] == 1 and a.strides[self.across] != 0}
        return {p: a for p, a in {**along, **{p: i.access for p, i in self.loads.items()}}.items() if p not in past}

    def write(self, outer: Place, lines: tuple[Reg, Reg], positions: tuple[Reg, Reg]) -> None:
        """Writes the lines from one to another, and of them the positions from one on.

        Args:
            outer: the place around both axes.
            lines: the first, and the one behind the last.
            positions: the first, a multiple of `PIECE` away from 0, and another one or the end of the axis.
        """
        f = self.f
        start, stop = positions
        rest = self.extent % PIECE
        last = f.sub(stop, i64(rest)) if rest else stop
        full = f.select(f.icmp("eq", stop, i64(self.extent)), last, stop)

        def block(first: Reg) -> None:
            below = f.add(first, i64(self.lines))
            behind = f.intrinsic("smin", below, lines[1])

            def piece(at: Reg, length: int) -> None:
                self.corner = (first, at)
                following = f.add(at, i64(PIECE))
                more = f.icmp("slt", following, stop)
                self.next = (f.select(more, first, below), f.select(more, following, start))
                self._block(outer, f.sub(behind, first), length)

            count_loop(f, start, full, PIECE, lambda at: piece(at, PIECE))
            if rest:
                # Once, or not at all where the positions end before.
                count_loop(f, full, stop, PIECE, lambda at: piece(at, rest))

        count_loop(f, *lines, self.lines, block)

    def _block(self, outer: Place, lines: Reg, length: int) -> None:
        f = self.f
        first, at = self.corner
        for position, load in self.loads.items():
            self._turn(position, load, outer.pointers[position], lines, length)

        def line(number: Reg) -> None:
            index = f.add(first, number)
            place = outer.inside(self.across, index)
            self.body.emit(place)
            for position, access in self.fetched.items():
                if position not in self.loads and length == PIECE:
                    self._fetch(outer.pointers[position], access, number)

            def some(index: Reg, width: int) -> None:
                inside = place.inside(self.axis, f.add(at, index), width)
                self.body.emit(inside)
                self.finish(inside)

            exact_vector_loop(f, length, self.lanes, some)

        count_loop(f, i64(0), lines, 1, line)

    def _fetch(self, pointer: Reg, access: Access, line: Reg) -> None:
        """Asks for a line of the next block."""
        f = self.f
        element = memory_element(access.buffer.dtype)
        first, at = self.next
        start = f.add(f.mul(f.add(first, line), i64(access.strides[self.across])), at)
        for some in range(0, PIECE, max(1, LINE // access.buffer.dtype.itemsize)):
            f.prefetch(f.element_pointer(pointer, f.add(start, i64(some)), element))

    def _from_buffer(self, position: int, place: Place) -> Reg:
        f = self.f
        first, at = self.corner
        element = memory_element(self.loads[position].access.buffer.dtype)
        line = f.mul(f.sub(place.index[self.across], first), i64(PIECE))
        where = f.element_pointer(self.buffers[position], f.add(line, f.sub(place.index[self.axis], at)), element)
        return f.load(where, element, place.width)

    # Turning ---------------------------------------------------------------------------------------------------------

    def _turn(self, position: int, load: Load, pointer: Reg, lines: Reg, length: int) -> None:
        """Fills a buffer: its lines are those of the block."""
        f = self.f
        buffer = self.buffers[position]
        dtype = load.access.buffer.dtype
        element = memory_element(dtype)
        side = max(1, self.vector_bits // (8 * dtype.itemsize))
        stride = int(load.access.strides[self.axis])
        first, at = self.corner
        corner = f.element_pointer(pointer, f.add(f.mul(at, i64(stride)), first), element)

        ahead = f.element_pointer(pointer, f.add(f.mul(self.next[1], i64(stride)), self.next[0]), element)

        def source(index: Reg, line: Reg, base: Reg = corner) -> Reg:
            return f.element_pointer(base, f.add(f.mul(index, i64(stride)), line), element)

        def target(index: Reg, line: Reg) -> Reg:
            return f.element_pointer(buffer, f.add(f.mul(line, i64(PIECE)), index), element)

        unit = max(side, LINE // dtype.itemsize)
        fetches = position in self.fetched and length == PIECE

        def square(index: Reg, line: Reg) -> None:
            rows = [f.load(source(f.add(index, i64(i)), line), element, side) for i in range(side)]
            if fetches:
                # The squares that share a cache line share out its rows.
                among = f.binary("and", line, i64(unit - 1))
                row = f.add(index, f.binary("lshr", among, i64((unit // side).bit_length() - 1)))
                for i in range(side * side // unit):
                    f.prefetch(source(f.add(row, i64(i)), f.sub(line, among), ahead))
            for i, turned_row in enumerate(turned(f, rows)):
                f.store(turned_row, target(index, f.add(line, i64(i))))

        def single(index: Reg, line: Reg) -> None:
            f.store(f.load(source(index, line), element), target(index, line))

        whole = f.binary("and", lines, f.number(-side, "i64"))
        squares = length - length % side

        def some(index: Reg) -> None:
            count_loop(f, i64(0), whole, side, lambda line: square(index, line))
            count_loop(
                f, index, f.add(index, i64(side)), 1, lambda i: count_loop(f, whole, lines, 1, partial(single, i))
            )

        count_loop(f, i64(0), i64(squares), side, some)
        if squares < length:
            count_loop(f, i64(squares), i64(length), 1, lambda i: count_loop(f, i64(0), lines, 1, partial(single, i)))
