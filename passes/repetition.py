"""Finding repeated segments in a sequence: where a stretch of items comes again and again, right behind itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

# Neighbouring items that must agree before two places are thought to be the same one of two rounds. Short contexts find
# short loops; in a long body they mostly see its own inner likeness, which long ones look past.
_CONTEXTS = (4, 16, 64, 256)
# How many periods are tried per length of context: the most frequent distances between equal contexts.
_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class Run:
    """Items `start` to `start + period * count` are `count` equal stretches of `period` items.

    `spare` items behind these, fewer than a stretch has, go on as a further one would.
    """

    start: int
    period: int
    count: int
    spare: int = 0

    @property
    def stop(self) -> int:
        """The first item behind the run."""
        return self.start + self.period * self.count


def find_runs(items: Sequence[Hashable], least_count: int, least_items: int) -> list[Run]:
    """Runs of at least `least_count` rounds and `least_items` items, in order and without overlap, in near-linear time.

    Shorter periods go first, so that an inner loop is found before the loop around it.
    """
    names: dict[Hashable, int] = {}
    codes = np.array([names.setdefault(item, len(names)) for item in items], np.int64)
    free = np.ones(len(codes), bool)
    found: list[Run] = []
    for period in _periods(codes, least_count):
        least = (least_count - 1) * period
        for start, stop in _stretches(codes[:-period] == codes[period:], least):
            first, last = start, stop + period
            while first < last and not free[first]:
                first += 1
            taken = np.flatnonzero(~free[first:last])
            last = first + int(taken[0]) if taken.size else last
            count = (last - first) // period
            if count >= least_count and count * period >= least_items:
                found.append(Run(first, period, count, last - first - period * count))
                free[first : first + count * period] = False
    return sorted(found, key=lambda run: run.start)


def _periods(codes: np.ndarray[tuple[int], np.dtype[np.int64]], least_count: int) -> list[int]:
    """Frequent distances between a context and its next occurrence, shortest first."""
    periods: set[int] = set()
    for length in _CONTEXTS:
        if length * 2 > len(codes):
            break
        # A rolling hash only proposes: whether two stretches are equal is looked at item by item afterwards.
        weights = np.random.default_rng(length).integers(1, 2**62, length, dtype=np.int64)
        hashes = np.convolve(codes, weights[::-1], "valid")
        order = np.argsort(hashes, kind="stable")
        same = hashes[order][1:] == hashes[order][:-1]
        distances = Counter((order[1:] - order[:-1])[same].tolist())
        limit = len(codes) // least_count
        periods |= {d for d, n in distances.most_common(_CANDIDATES) if n >= least_count and d <= limit}
    return sorted(periods)


def _stretches(equal: np.ndarray[tuple[int], np.dtype[np.bool_]], least: int) -> list[tuple[int, int]]:
    """Maximal stretches of at least `least` True, as (start, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts >= least
    return list(zip(starts[long].tolist(), stops[long].tolist(), strict=True))
