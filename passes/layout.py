"""Where the entries of a compressed matrix come from, as few regular runs of rows where there are such.

Each entry is a sum of elements of a table. In a matrix of regular structure the sums of a row lie a fixed distance
behind those of the row before (or of the row that is a few above it), so that all of these rows are strided slices of
the table beside one another, and nobody needs to read positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]

_PERIODS: Final = (1, 2, 3, 4)
_FEW_ROWS: Final = 64
MOST_RUNS: Final = 16
MOST_SLICES: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Elements `start + i * step` of the table, for one entry of a run, counted over its rows."""

    start: int
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """`count` times the same rows: for each of their entries the slices that are added up."""

    count: int
    entries: list[list[Slice]]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The sums of all entries, in order.

    Attributes:
        runs: all of them as runs; None where they are too many.
        first: for each entry the position of its first addend.
        more: positions of the other addends.
        into: the entry that each of these is added to.
    """

    runs: list[Run] | None
    first: Array
    more: Array
    into: Array


def layout(starts: Array, entries: Array, positions: Array, pieces: Array) -> Layout:
    """The layout of a matrix.

    Args:
        starts: where each row's entries begin, and the end, as in CSR.
        entries: ascending, the entry of each addend; every entry has one.
        positions: of each addend in the table.
        pieces: the number of the piece of the table that each lies in; slices stay within one.
    """
    fresh = np.ones(len(entries), bool)
    fresh[1:] = entries[1:] != entries[:-1]
    runs = _runs(starts, entries, positions, pieces)
    return Layout(runs, positions[fresh], positions[~fresh], entries[~fresh])


def _runs(starts: Array, entries: Array, positions: Array, pieces: Array) -> list[Run] | None:
    rows = len(starts) - 1
    bounds = np.searchsorted(entries, starts)  # of each row's addends
    within = entries - np.repeat(starts[:-1], np.diff(bounds))
    runs: list[Run] = []
    row = slices = 0
    while row < rows:
        best, count = 1, 1
        for period in _PERIODS:
            if best * count >= _FEW_ROWS and period % best == 0:
                continue  # what goes on for so long by some distances goes on by their multiples too, and no further
            # Rows from here on that are shifted copies of those `period` above, all by the same distances.
            copies = _copied(row, period, bounds, within, positions, pieces) // period
            if copies > 0 and (copies + 1) * period > best * count:
                best, count = period, copies + 1
        made = _run(row, best, count, starts, bounds, entries, positions)
        slices += sum(len(parts) for parts in made.entries)
        if made.entries:
            runs.append(made)
        if len(runs) > MOST_RUNS or slices > MOST_SLICES:
            return None
        row += best * count
    return runs


def _copied(row: int, period: int, bounds: Array, within: Array, positions: Array, pieces: Array) -> int:
    """How many rows, from the one `period` below `row` on, go on as it begins. Few rows are looked at if few do."""
    rows = len(bounds) - 1
    if row + period >= rows:
        return 0
    count = _FEW_ROWS
    while True:
        stop = min(row + count, rows)
        first, last = bounds[row], bounds[stop]
        parts = [a[first:last] for a in (within, positions, pieces)]
        found = _reach(period, bounds[row : stop + 1] - first, *parts)
        if stop == rows or found < stop - row - period:
            return found
        count *= 16


def _reach(period: int, bounds: Array, within: Array, positions: Array, pieces: Array) -> int:
    """How many rows, from the one `period` below the first on, go on as the first rows begin."""
    rows = len(bounds) - 1 - period
    if rows < period:
        return 0
    distance = int(bounds[period])  # between an addend and its copy, as long as rows are as long as those above
    rows = min(rows, _first(bounds[period:] - bounds[:-period] != distance) - 1)
    end = int(bounds[rows])
    copied = slice(distance, distance + end)
    shift = positions[copied] - positions[:end]
    # The first copy may lie anywhere; from the second on the distances must be those of the one before.
    for wrong, first in (
        (within[copied] != within[:end], 0),
        (pieces[copied] != pieces[:end], 0),
        (shift[distance:] != shift[: max(end - distance, 0)], distance),
    ):
        if wrong.any():
            rows = min(rows, int(np.searchsorted(bounds, first + _first(wrong), "right")) - 1)
    return rows if rows >= period else 0


def _first(wrong: Array) -> int:
    """The first place that is True; the number of places if none is."""
    return int(wrong.argmax()) if wrong.any() else len(wrong)


def _run(row: int, period: int, count: int, starts: Array, bounds: Array, entries: Array, positions: Array) -> Run:
    first, last = int(bounds[row]), int(bounds[row + period])
    found: list[list[Slice]] = [[] for _ in range(int(starts[row + period] - starts[row]))]
    distance = int(bounds[row + period]) - first
    for addend in range(first, last):
        at = int(positions[addend])
        step = int(positions[addend + distance]) - at if count > 1 else 1
        found[int(entries[addend] - starts[row])].append(Slice(at, step))
    return Run(count, found)
