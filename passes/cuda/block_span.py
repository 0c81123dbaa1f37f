"""Which positions of a nest a block of threads has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64
from tapec.passes.loops import Nest


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows are dealt to blocks of threads, `count` to each.

    Args:
        extent: number of rows.
        count: rows of a block.
    """

    extent: int
    count: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.extent // self.count)

    def first(self, thread: Thread) -> Reg:
        """The first row of the thread's block."""
        return thread.f.mul(thread.block, i64(self.count))


class Span:
    """The positions of a nest that belong to one block.

    Args:
        nest: with rows, its axis 0 is theirs.
        rows: None if the block has all positions.
    """

    def __init__(self, nest: Nest, rows: Rows | None) -> None:
        self.nest = nest
        self.rows = rows

    def is_rows(self, axis: int) -> bool:
        """Whether an axis is that of the rows."""
        return axis == 0 and self.rows is not None

    def counts(self, axes: Sequence[int]) -> list[int]:
        """Positions along each of these axes."""
        return [
            self.rows.count if self.is_rows(a) and self.rows is not None else int(self.nest.extents[a]) for a in axes
        ]

    def positions(
        self, thread: Thread, number: Reg, axes: Sequence[int], counts: Sequence[int]
    ) -> tuple[list[Reg], Reg]:
        """Positions along axes of item `number` of the block, and whether there are such: the last block has fewer."""
        f = thread.f
        where = positions(f, number, counts, prod(counts)) if axes else []
        if self.rows is None or not axes or axes[0] != 0:
            return where, Reg("true", "i1")
        where[0] = f.add(self.rows.first(thread), where[0])
        return where, f.icmp("slt", where[0], i64(self.rows.extent))
