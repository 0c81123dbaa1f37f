"""The entries of a sparse matrix, put together of the pieces of products."""

from __future__ import annotations

import numpy as np

from tapec.basis import reshaped
from tapec.dispatch import apply
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement
from tapec.passes.layout import Layout, Run, Slice
from tapec.tensor import Tensor, make


def entries(pieces: list[Tensor], layout: Layout) -> Tensor:
    """The entries, in order.

    Args:
        pieces: flat, one after another in the table that `layout` counts through.
        layout: the sums.
    """
    if not len(layout.first):
        return make(np.zeros(0, pieces[0].dtype if pieces else np.float64))
    if layout.runs is None:
        return _gathered(pieces, layout)
    table = _Table(pieces)
    return _joined([table.run(run) for run in layout.runs])


def _gathered(pieces: list[Tensor], layout: Layout) -> Tensor:
    table = _joined(pieces)
    found = apply(indexing.take, (table, make(layout.first)), {"axis": 0})
    if not len(layout.more):
        return found
    more = apply(indexing.take, (table, make(layout.more)), {"axis": 0})
    return apply(indexing.scatter_add, (found, make(layout.into), more), {"axis": 0})


class _Table:
    """The pieces one after another, read by strided slices."""

    def __init__(self, pieces: list[Tensor]) -> None:
        self._pieces = pieces
        self._starts = np.cumsum([0] + [piece.size for piece in pieces])

    def run(self, run: Run) -> Tensor:
        """The entries of a run: those of equal place in its rows beside those of the next place."""
        columns = []
        for parts in run.entries:
            total = self._slice(parts[0], run.count)
            for part in parts[1:]:
                total = apply(ew.add, (total, self._slice(part, run.count)))
            columns.append(reshaped(total, (run.count, 1)))
        return reshaped(_joined(columns, 1), (run.count * len(columns),))

    def _slice(self, part: Slice, count: int) -> Tensor:
        number = int(np.searchsorted(self._starts, part.start, "right")) - 1
        size = 1 if part.step == 0 else count
        window = {"start": (int(part.start - self._starts[number]),), "size": (size,), "step": (part.step or 1,)}
        found = apply(movement.slice_, (self._pieces[number],), window)
        return found if size == count else apply(movement.broadcast, (found,), {"shape": (count,)})


def _joined(parts: list[Tensor], axis: int = 0) -> Tensor:
    return parts[0] if len(parts) == 1 else apply(movement.concat, tuple(parts), {"axis": axis})
