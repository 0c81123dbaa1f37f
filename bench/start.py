"""What is measured in new processes: first calls, with what a library does only once and without, and starts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.caches import SMALL
from bench.entrants import Case, Entrant, Report, Settings, finish, in_turns
from bench.process import Process
from bench.results import Result


def _started(settings: Settings, case: Case, entrant: Entrant, caches: Path, answer: Path | None) -> dict[str, Any]:
    """What a new process says of its first call."""
    with entrant.process(settings, caches) as process:
        return _first_call(settings, process, case.workload.name, case.size, answer)


def _compiled(settings: Settings, case: Case, entrant: Entrant, caches: Path, answer: Path | None) -> dict[str, Any]:
    """The same of one that has compiled a small function before; or has found it on disk, if that takes long."""
    peer = entrant.peer
    if settings.prepared is not None and peer.kind.slow:
        settings.prepared.seed(peer.kind.name, peer.version, entrant.threads, caches)
    with entrant.process(settings, caches) as process:
        _first_call(settings, process, *SMALL, None)
        return _first_call(settings, process, case.workload.name, case.size, answer)


def _first_call(settings: Settings, process: Process, name: str, size: int, answer: Path | None) -> dict[str, Any]:
    where, limit = None if answer is None else str(answer), settings.limit_of(process.name)
    return process.ask(limit, do="prepare", workload=name, size=size, answer=where, memory=False)


def measure(settings: Settings, report: Report, case: Case) -> list[Result]:
    """One result for each peer at a workload whose metric is a first call or a start."""
    metric, entrants = case.workload.metric, _entrants(settings, case)
    begin = _compiled if metric == "first call" else _started
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if metric == "warm start":
            _fill(settings, report, case, entrants, folder)
        for number, entrant in enumerate(in_turns(entrants, settings.starts)):
            if max(entrant.samples, default=0.0) > settings.long:
                continue
            report(f"{case.name}: {entrant.label}, start {number // len(entrants) + 1}")
            caches = _filled(folder, entrant) if metric == "warm start" else folder / f"empty-{number}"
            with entrant.failures():
                reply = begin(settings, case, entrant, caches, folder / f"{entrant.name}.npz")
                result, first = entrant.result, reply["first_s"]
                result.import_s = reply["import_s"]
                entrant.samples.append(first if metric == "first call" else reply["import_s"] + first)
                if metric == "first call":
                    result.compile_s = first
                elif metric == "cold start":
                    result.first_s, result.cold_s = first, reply["import_s"] + first
        return finish(case, entrants, folder)


def add(settings: Settings, report: Report, case: Case, results: Sequence[Result]) -> None:
    """Puts times of compiling alone into results of peers that compile, and into those of peers that have disk caches
    times of starts with filled ones.

    Peers that have not succeeded are left out. What goes wrong stands in `Result.start_reason`.

    Args:
        settings: how much.
        report: is told what happens.
        case: what the results are of.
        results: of all peers.
    """
    by_peer = {r.peer: r for r in results if r.status == "ok"}
    for entrant in _entrants(settings, case):
        result = by_peer.get(entrant.peer.kind.name)
        if result is None or not entrant.peer.kind.compiles:
            continue
        with tempfile.TemporaryDirectory() as place, entrant.failures():
            report(f"{case.name}: {entrant.label} compiles as a second function")
            result.compile_s = _compiled(settings, case, entrant, Path(place), None)["first_s"]
            if entrant.peer.kind.caches and result.warm_s is None:
                report(f"{case.name}: {entrant.label} starts with the caches that this has filled")
                reply = _started(settings, case, entrant, Path(place), None)
                result.warm_s = reply["import_s"] + reply["first_s"]
        result.start_reason = entrant.result.reason or result.start_reason


def _entrants(settings: Settings, case: Case) -> list[Entrant]:
    return [Entrant(p, settings.threads, Result(case.workload.name, case.size, p.kind.name)) for p in case.peers]


def _fill(settings: Settings, report: Report, case: Case, entrants: Sequence[Entrant], folder: Path) -> None:
    for entrant in in_turns(entrants, 1):
        report(f"{case.name}: {entrant.label} fills its caches")
        with entrant.failures():
            _started(settings, case, entrant, _filled(folder, entrant), None)


def _filled(folder: Path, entrant: Entrant) -> Path:
    return folder / f"caches-{entrant.name}"
