"""Finding repeated segments in a sequence: where a stretch of items comes again and again, right behind itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# How many neighbouring items must agree before two places are thought to be the same one of two rounds: 4, 16, 64, 256.
# Short contexts find short loops; in a long body they mostly see its own inner likeness, which long ones look past.
_GROWTH, _LONGEST = 4, 256
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


def find_runs(items: Sequence[int] | np.ndarray[Any, Any], least_count: int, least_items: int) -> list[Run]:
    """Runs of at least `least_count` rounds and `least_items` items, in order and without overlap, in near-linear time.

    Shorter periods go first, so that an inner loop is found before the loop around it.
    """
    codes = np.array(items, np.int64)
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
    limit = len(codes) // least_count
    hashes, length, bits = codes, 1, len(codes).bit_length()
    while length * _GROWTH * 2 <= len(codes) and length < _LONGEST:
        # A hash only proposes: whether two stretches are equal is looked at item by item afterwards.
        parts = [hashes[i * length : len(hashes) - (_GROWTH - 1 - i) * length] for i in range(_GROWTH)]
        weights = np.random.default_rng(length).integers(1, 2**62, _GROWTH, dtype=np.int64)
        hashes = np.add.reduce([part * weight for part, weight in zip(parts, weights, strict=True)])
        length *= _GROWTH
        # With the place in its last bits, a hash is sorted in half of the time that a stable order of hashes takes.
        keys = np.sort(hashes << bits | np.arange(len(hashes)))
        names, places = keys >> bits, keys & ((1 << bits) - 1)
        distances = np.diff(places)[names[1:] == names[:-1]]
        counts = np.bincount(distances[distances <= limit], minlength=1)
        most = np.argsort(-counts, kind="stable")[:_CANDIDATES]
        periods |= set(most[counts[most] >= least_count].tolist())
    return sorted(periods)


def _stretches(equal: np.ndarray[tuple[int], np.dtype[np.bool_]], least: int) -> list[tuple[int, int]]:
    """Maximal stretches of at least `least` True, as (start, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts >= least
    return list(zip(starts[long].tolist(), stops[long].tolist(), strict=True))
