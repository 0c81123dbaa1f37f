"""Reducing a stream of elements that arrives in pieces of any length, in the order of `tapec.passes.reducing`."""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.reducing import LANES, ROW_BLOCK, Reducer, Tree


class Staged:
    """A small buffer that a loop fills, and the reduction that empties it.

    Args:
        f: the function being written.
        primitive: `sum`, `prod`, `max` or `min`.
        dtype: of the elements.
        width: lanes of the vectors that fill the buffer.
    """

    TILE = 1024  # elements after which the buffer is looked at; it holds two tiles, and one vector before and behind

    def __init__(self, f: FunctionText, primitive: Primitive, dtype: DType, width: int) -> None:
        self.f = f
        self.reducer = Reducer(f, primitive, dtype)
        element = self.reducer.element
        room = f.alloca(element, LANES + 2 * self.TILE + LANES)
        self.buffer = f.element_pointer(room, f.number(LANES, "i64"), element)
        self.filled = f.alloca("i64", 1)
        self.count = f.alloca("i64", 1)  # elements of the current block that the lanes hold
        self.lanes = f.alloca(element, LANES)
        self.chunk = f.alloca(Reg("", element, LANES).type, 1)  # the lanes while nobody asks for one of them
        self.tree = Tree([self.reducer], 1)
        self.width = width

    def reset(self) -> None:
        """Starts the next reduction."""
        f = self.f
        for slot in (self.filled, self.count):
            f.store(f.number(0, "i64"), slot)
        f.store(self.reducer.identity(LANES), self.lanes)
        self.tree.reset()

    def put(self, offset: Reg, value: Reg) -> None:
        """Writes a vector `offset` elements behind what is filled; lanes too many are overwritten later.

        The offset may be negative, by less than a vector, where the first lanes are elements that were put already.
        """
        f = self.f
        at = f.add(f.load(self.filled, "i64"), offset)
        f.store(value, f.element_pointer(self.buffer, at, self.reducer.element))

    def advance(self, length: Reg) -> None:
        """`length` more elements have been put."""
        f = self.f
        filled = f.add(f.load(self.filled, "i64"), length)
        f.store(filled, self.filled)
        when(f, f.icmp("sge", filled, i64(self.TILE)), self._empty)

    def finish(self) -> Reg:
        """The result; at least one element has been put."""
        f = self.f
        self._empty()
        when(f, f.icmp("ne", f.load(self.count, "i64"), f.number(0, "i64")), self._end_block)
        return self.tree.result()[0]

    def _end_block(self) -> None:
        f, reducer = self.f, self.reducer
        self.tree.push([reducer.halve([f.load(self.lanes, reducer.element, LANES)])])
        f.store(reducer.identity(LANES), self.lanes)
        f.store(f.number(0, "i64"), self.count)

    def _empty(self) -> None:
        """Whole chunks while the lanes are in step, single elements around them."""
        f = self.f
        filled = f.load(self.filled, "i64")
        position = f.alloca("i64", 1)
        f.store(f.number(0, "i64"), position)
        head, inside, done = (f.fresh(name) for name in ("empty", "emptying", "emptied"))
        f.branch(head)
        f.label(head)
        at = f.load(position, "i64")
        f.branch_if(f.icmp("slt", at, filled), inside, done)
        f.label(inside)
        lane = f.binary("and", f.load(self.count, "i64"), f.number(LANES - 1, "i64"))
        in_step = f.icmp("eq", lane, f.number(0, "i64"))
        enough = f.icmp("sge", f.sub(filled, at), f.number(LANES, "i64"))
        chunk, single, join = (f.fresh(name) for name in ("chunk", "single", "taken"))
        f.branch_if(f.binary("and", in_step, enough), chunk, single)
        f.label(chunk)
        self._take_chunks(at, filled, position)
        f.branch(join)
        f.label(single)
        self._take_one(at, lane, position)
        f.branch(join)
        f.label(join)
        full = f.icmp("eq", f.load(self.count, "i64"), f.number(ROW_BLOCK, "i64"))
        when(f, full, self._end_block)
        f.branch(head)
        f.label(done)
        f.store(f.number(0, "i64"), self.filled)

    def _take_chunks(self, at: Reg, filled: Reg, position: Reg) -> None:
        """All whole chunks that are there and belong to the block, the lanes in registers."""
        f, reducer = self.f, self.reducer
        count = f.load(self.count, "i64")
        there = f.binary("and", f.sub(filled, at), f.number(-LANES, "i64"))
        taken = f.intrinsic("smin", there, f.sub(f.number(ROW_BLOCK, "i64"), count))
        end = f.add(at, taken)
        f.store(f.load(self.lanes, reducer.element, LANES), self.chunk)

        def step(index: Reg) -> None:
            value = f.load(f.element_pointer(self.buffer, index, reducer.element), reducer.element, LANES)
            f.store(reducer.combine(f.load(self.chunk, reducer.element, LANES), value), self.chunk)

        count_loop(f, at, end, LANES, step)
        f.store(f.load(self.chunk, reducer.element, LANES), self.lanes)
        f.store(end, position)
        f.store(f.add(count, taken), self.count)

    def _take_one(self, at: Reg, lane: Reg, position: Reg) -> None:
        f, reducer, one = self.f, self.reducer, self.f.number(1, "i64")
        value = f.load(f.element_pointer(self.buffer, at, reducer.element), reducer.element)
        slot = f.element_pointer(self.lanes, lane, reducer.element)
        f.store(reducer.combine(f.load(slot, reducer.element), value), slot)
        f.store(f.add(at, one), position)
        f.store(f.add(f.load(self.count, "i64"), one), self.count)
