"""`tapec bench --prepare`: fills the disk caches of peers that compile for tens of seconds. Nothing is timed here, so
that as many processes run side by side as the machine has cores.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from bench.caches import SMALL, Entry, Prepared
from bench.entrants import Case, Entrant, Report, Settings
from bench.results import Result
from bench.workloads import WORKLOADS


def fill(settings: Settings, prepared: Prepared, cases: Sequence[Case], report: Report, workers: int) -> list[Entry]:
    """Makes the first two calls of each peer at each case, as a run does. What the caches have takes little time.

    Each process has a copy of the caches, which goes back when the calls have succeeded: a compiler that is ended when
    its time is up leaves files that are not whole, and that others would use.

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

    places, at_a_time = tempfile.TemporaryDirectory(), Lock()
    not_caches = shutil.ignore_patterns(prepared.small.name, prepared.list.name)

    def first_call(case: Case, entrant: Entrant, caches: Path) -> Entry:
        result, seconds = entrant.result, None
        own = Path(places.name) / f"{result.workload}-{result.size}-{result.peer}"
        with at_a_time:
            own.mkdir()
            if caches.exists():
                shutil.copytree(caches, own, dirs_exist_ok=True, ignore=not_caches)
        request = {"workload": result.workload, "size": result.size, "answer": None, "memory": True}
        with entrant.failures(), entrant.process(settings, own) as process:
            seconds = process.ask(settings.limit_of(result.peer), do="prepare", **request)["first_s"]
        if seconds is not None:
            with at_a_time:
                shutil.copytree(own, caches, dirs_exist_ok=True)
        shutil.rmtree(own)
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
        places.cleanup()
    return entries
