"""Whether peers have computed the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """Of one peer.

    Args:
        error: distance from the reference, the answer with which most agree; infinite where shapes or signs of
            infinities differ, and where something is not a number.
        agrees: it is that of most: within the tolerance of a reference with which more than half agree.
    """

    error: float
    agrees: bool


def load(path: Path) -> list[np.ndarray]:
    """An answer as a worker has saved it."""
    with np.load(path) as stored:
        return [stored[name] for name in stored.files]


def distance(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The largest difference of two elements, relative to the largest element of their arrays; 0 if all is equal.

    What is not a number is far from everything, itself too: it would agree with any other mistake.
    """
    if [x.size for x in a] != [y.size for y in b]:
        return float("inf")
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        x, y = x.astype(np.float64).ravel(), y.astype(np.float64).ravel()
        finite = np.isfinite(x)
        if not np.array_equal(finite, np.isfinite(y)) or not np.array_equal(x[~finite], y[~finite]):
            return float("inf")
        if finite.any():
            scale = max(np.abs(x[finite]).max(), np.abs(y[finite]).max())
            gap = np.abs(x[finite] - y[finite]).max()
            worst = max(worst, gap / scale if gap else 0.0)
    return float(worst)


def compare(answers: Mapping[str, list[np.ndarray]], tolerance: float) -> dict[str, Verdict]:
    """Each peer beside the one with which most agree. Where no answer has more than half of them, none is right: of two
    that differ nobody knows which one is wrong.
    """
    names = list(answers)
    apart = {(a, b): distance(answers[a], answers[b]) for i, a in enumerate(names) for b in names[i:]}

    def between(a: str, b: str) -> float:
        return apart[a, b] if (a, b) in apart else apart[b, a]

    friends = {a: sum(between(a, b) <= tolerance for b in names) for a in names}
    reference = max(names, key=friends.__getitem__)
    known = 2 * friends[reference] > len(names)
    return {name: Verdict(between(name, reference), known and between(name, reference) <= tolerance) for name in names}
