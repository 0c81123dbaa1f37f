"""`tapec bench --prepare`: fills the disk caches of peers that compile for tens of seconds. Nothing is timed here, so
that as many processes run side by side as the machine has cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.caches import SMALL, Entry, Prepared
from bench.entrants import Case, Entrant, Report, Settings
from bench.results import Result
from bench.workloads import WORKLOADS


def fill(settings: Settings, prepared: Prepared, cases: Sequence[Case], report: Report, workers: int) -> list[Entry]:
    """Makes the first two calls of each peer at each case, as a run does. What the caches have takes little time.

    Args:
        settings: number of threads and limits.
        prepared: the caches.
        cases: with peers that compile for long.
        report: is told what became of each.
        workers: processes that run at the same time.

    Returns:
        What became of them, and of the small function.
    """
    every = {peer.kind.name: peer for case in cases for peer in case.peers}
    small = Case(WORKLOADS[SMALL[0]], SMALL[1], tuple(every.values()))
    jobs = [(small, peer, prepared.small) for peer in small.peers]
    jobs += [(case, peer, prepared.folder) for case in cases for peer in case.peers]

    def first_call(case: Case, entrant: Entrant, caches: Path) -> Entry:
        result, seconds = entrant.result, None
        request = {"workload": result.workload, "size": result.size, "answer": None, "memory": True}
        with entrant.failures(), entrant.process(settings, caches) as process:
            seconds = process.ask(settings.limit_of(result.peer), do="prepare", **request)["first_s"]
        outcome = result.reason if seconds is None else f"{seconds:.1f} s"
        report(f"{case.name}: {result.peer}: {outcome}")
        of_call = (result.peer, entrant.peer.version, entrant.threads, result.workload, result.size)
        return Entry(*of_call, seconds, result.status, result.reason)

    pool, entries = ThreadPoolExecutor(workers), []
    try:
        futures = []
        for case, peer, caches in jobs:
            entrant = Entrant(peer, settings.threads, Result(case.workload.name, case.size, peer.kind.name))
            futures.append(pool.submit(first_call, case, entrant, caches))
        for future in futures:
            entries.append(future.result())
            prepared.add(entries[-1])
    finally:
        pool.shutdown(cancel_futures=True)
    return entries
