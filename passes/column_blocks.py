"""Blocks of the elements of a column, whose results a tree combines (`tapec.passes.reducing` fixes the order)."""

from __future__ import annotations

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import when
from tapec.passes.reducing import COLUMN_BLOCK, Accumulator, Reducer, Tree


class ColumnBlocks:
    """Counts elements of a column and ends a block whenever it is full."""

    def __init__(self, f: FunctionText, reducers: list[Reducer], accumulators: list[Accumulator], width: int) -> None:
        self.f = f
        self.accumulators = accumulators
        self.tree = Tree(reducers, width)
        self.tree.reset()
        self.count = f.alloca("i64", 1)
        f.store(f.number(0, "i64"), self.count)

    def _flush(self) -> None:
        self.tree.push([a.read()[0] for a in self.accumulators])
        for accumulator in self.accumulators:
            accumulator.reset()
        self.f.store(self.f.number(0, "i64"), self.count)

    def advance(self) -> None:
        """One more element has been added."""
        f = self.f
        count = f.add(f.load(self.count, "i64"), f.number(1, "i64"))
        f.store(count, self.count)
        when(f, f.icmp("eq", count, f.number(COLUMN_BLOCK, "i64")), self._flush)

    def finish(self) -> list[Reg]:
        """The results; a column has at least one element."""
        f = self.f
        when(f, f.icmp("ne", f.load(self.count, "i64"), f.number(0, "i64")), self._flush)
        return self.tree.result()
