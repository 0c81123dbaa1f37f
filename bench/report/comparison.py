"""tapec beside the best of its peers on each workload."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.results import Result, Run, best_peer
from bench.workload import Workload


@dataclass(frozen=True)
class Row:
    """One workload of one size.

    Args:
        workload: which.
        size: of it.
        results: by peer.
        best: the fastest peer, if some peer ran.
        counts: it is part of the summary, not only of a sweep.
    """

    workload: Workload
    size: int
    results: dict[str, Result]
    best: Result | None
    counts: bool

    @property
    def label(self) -> str:
        """The row's head."""
        return self.workload.label(self.size)

    @property
    def tapec(self) -> Result | None:
        """tapec's own result."""
        return self.results.get("tapec")

    def _over_tapec(self, peer: Result | None) -> float | None:
        if peer is None or self.tapec is None or self.tapec.status != "ok":
            return None
        if peer.median_s is None or self.tapec.median_s is None or peer.status != "ok":
            return None
        return peer.median_s / self.tapec.median_s

    @property
    def speedup(self) -> float | None:
        """The best peer's time over tapec's."""
        return self._over_tapec(self.best)

    @property
    def behind(self) -> bool:
        """The best peer is clearly faster."""
        return self.speedup is not None and self.speedup < 0.95

    @property
    def over_limit(self) -> float | None:
        """tapec's time over that of what is written by hand."""
        found = self._over_tapec(self.results.get("limit"))
        return None if found is None else 1 / found


def rows(run: Run, workloads: dict[str, Workload]) -> list[Row]:
    """In the order of the run."""
    found = []
    for name, size in run.cases():
        if name in workloads:
            results, sizes = run.of(name, size), run.options.get("sizes") or workloads[name].sizes
            found.append(Row(workloads[name], size, results, best_peer(results), size in sizes))
    return found


def geometric_mean(numbers: Iterable[float | None]) -> float | None:
    """Of those that there are."""
    known = [math.log(x) for x in numbers if x is not None]
    return math.exp(sum(known) / len(known)) if known else None


def by_speedup(found: Iterable[Row]) -> list[Row]:
    """Worst first; where tapec has no result before all, where no peer has one behind all."""

    def key(row: Row) -> float:
        if row.speedup is not None:
            return row.speedup
        return math.inf if row.tapec is not None and row.tapec.status == "ok" else -1.0

    return sorted(found, key=key)
