"""Memory of each peer, in few numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.report.comparison import Row
from bench.report.words import size
from bench.results import Result

HEADS = ("memory", "after import", "at its peak", "of it pages of files", "added by a call")
_FIELDS = ("base_bytes", "peak_bytes", "file_bytes", "call_bytes")


def lines(peers: Sequence[str], found: Sequence[Row]) -> tuple[list[list[str]], int]:
    """Medians over the workloads that count and that all of the peers have run, code by hand left out.

    Returns:
        A line for each peer, and the number of the workloads.
    """
    beside = [peer for peer in peers if peer != "limit"]
    counted = [row.results for row in found if row.counts]
    known = {peer for peer in beside if any(_known(results, peer) for results in counted)}
    of_all = [results for results in counted if known and all(_known(results, peer) for peer in known)]
    cells = []
    for peer in beside:
        if peer in known and of_all:
            values = [[getattr(results[peer], name) for results in of_all] for name in _FIELDS]
            cells.append([peer, *(size(statistics.median(v)) if None not in v else "" for v in values)])
    return cells, len(of_all)


def _known(results: dict[str, Result], peer: str) -> bool:
    result = results.get(peer)
    return result is not None and result.peak_bytes is not None and result.call_bytes is not None
