"""Runs workloads on peers, each peer in a process of its own, in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from bench.caches import files
from bench.entrants import Case, Entrant, Report, Settings, finish, in_turns
from bench.process import Process
from bench.results import Result, StepShare


@final
class Bench:
    """Measures calls.

    Args:
        settings: how much.
        report: is told what happens.
        gave_up: sizes at which peers took too long, by workload and peer; it is added to.
        shared: one process for each peer serves all cases. Fast, but then memory and first calls are not those of one
            workload, and are not given.
    """

    def __init__(
        self, settings: Settings, report: Report, gave_up: dict[tuple[str, str], int], *, shared: bool = False
    ) -> None:
        self.settings, self.report, self.shared = settings, report, shared
        self._processes: dict[str, Process] = {}
        self._folder = tempfile.TemporaryDirectory()
        self._gave_up = gave_up

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._processes.values():
            process.close()
        self._folder.cleanup()

    def measure(self, case: Case, threads: Sequence[int] = ()) -> list[Result]:
        """One result for each peer and number of threads; without such numbers, with those of the settings."""
        counts: Sequence[int | None] = threads or [None]
        entrants = [
            Entrant(p, n or self.settings.threads, Result(case.workload.name, case.size, p.kind.name, threads=n))
            for p in case.peers
            for n in counts
        ]
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            self._pass_over(case, entrants)
            self._calls(case, entrants, folder)
            results = finish(case, entrants, folder)
        for result in results:
            if result.status == "timed out":
                self._gave_up.setdefault((result.workload, result.peer), case.size)
        return results

    def _pass_over(self, case: Case, entrants: Sequence[Entrant]) -> None:
        """Peers that took too long for a smaller size, or failed when their caches were filled, are not asked."""
        for entrant in entrants:
            size = self._gave_up.get((case.workload.name, entrant.peer.kind.name))
            result, entry = entrant.result, entrant.prepared(self.settings)
            if size is not None and size < case.size:
                result.status = "timed out"
                result.reason = f"not tried, since {case.workload.unit}={size:,} timed out"
            elif entry is not None and entry.status != "ok":
                result.status, result.reason = entry.status, f"{entry.reason} (when its caches were filled)"

    def _calls(self, case: Case, entrants: Sequence[Entrant], folder: Path) -> None:
        processes: dict[Entrant, Process] = {}
        try:
            for entrant in in_turns(entrants, 1):
                self.report(f"{case.name}: {entrant.label} compiles")
                with self._turn(entrant, processes):
                    processes[entrant] = self._process(entrant, folder)
                    self._prepare(case, processes[entrant], entrant, folder)
            amount = {"seconds": self.settings.seconds, "floor": self.settings.floor}
            turns = dict.fromkeys(entrants, 0)
            for entrant in in_turns(entrants, self.settings.rounds):
                if turns[entrant] < self.settings.turns(min(entrant.samples, default=0.0)):
                    turns[entrant] += 1
                    self.report(f"{case.name}: {entrant.label}, turn {turns[entrant]}")
                    with self._turn(entrant, processes):
                        time.sleep(self.settings.rest)
                        entrant.samples += self._ask(processes[entrant], do="sample", **amount)["times"]
            if not self.shared:
                for entrant in in_turns(entrants, 1):
                    with self._turn(entrant, processes):
                        for name, count in self._ask(processes[entrant], do="memory").items():
                            setattr(entrant.result, name, count)
                        found = self._ask(processes[entrant], do="steps")["steps"]
                        entrant.result.steps = [StepShare(**step) for step in found]
        finally:
            if not self.shared:
                for entrant in list(processes):
                    self._end(entrant, processes)

    @contextmanager
    def _turn(self, entrant: Entrant, processes: dict[Entrant, Process]) -> Iterator[None]:
        """What goes wrong inside ends the peer's process: one that is still compiling would take the others' cores."""
        with entrant.failures():
            yield
        if entrant.result.status != "ok":
            self._end(entrant, processes)

    def _end(self, entrant: Entrant, processes: dict[Entrant, Process]) -> None:
        process = processes.pop(entrant, None)
        if process is not None:
            process.close()
            self._processes.pop(entrant.name, None)

    def _ask(self, process: Process, **request: Any) -> dict[str, Any]:
        return process.ask(self.settings.limit_of(process.name), **request)

    def _process(self, entrant: Entrant, folder: Path) -> Process:
        prepared = self.settings.prepared

        def new(caches: Path) -> Process:
            return entrant.process(self.settings, caches)

        if prepared is not None and entrant.prepared(self.settings) is not None:
            return new(prepared.folder)
        if not self.shared:
            return new(folder / f"caches-{entrant.name}")
        if entrant.name not in self._processes:
            self._processes[entrant.name] = new(Path(self._folder.name) / f"caches-{entrant.name}")
        return self._processes[entrant.name]

    def _prepare(self, case: Case, process: Process, entrant: Entrant, folder: Path) -> None:
        request = {"workload": case.workload.name, "size": case.size, "answer": str(folder / f"{entrant.name}.npz")}
        filled = entrant.prepared(self.settings) is not None
        before = files(process.caches) if filled else frozenset()
        reply = self._ask(process, do="prepare", memory=not self.shared, **request)
        if self.shared:
            return
        result = entrant.result
        result.import_s = reply["import_s"]
        result.call_bytes = reply["call_bytes"]
        if not filled:
            result.first_s = reply["first_s"]
            result.cold_s = reply["import_s"] + reply["first_s"]
        elif files(process.caches) == before:
            result.warm_s = reply["import_s"] + reply["first_s"]
        else:
            result.start_reason = "something was compiled that the filled caches did not have: fill them anew"
