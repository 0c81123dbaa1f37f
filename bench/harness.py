"""Runs workloads on peers, each peer in a process of its own, in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from bench.agreement import compare, load
from bench.peers.table import CPU, Installed
from bench.process import PeerFailed, PeerTooSlow, Process
from bench.results import Result, StepShare, Times
from bench.workload import Workload


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Args:
        threads: each peer may use.
        rounds: turns of each peer.
        seconds: of a turn; it has one sample at least.
        floor: seconds that the calls of one sample take together, at least.
        starts: processes of each peer where the first call or the start is what is measured.
        limit: seconds that a peer may take for an answer.
        device: where peers compute that know it.
    """

    threads: int
    rounds: int = 7
    seconds: float = 0.15
    floor: float = 0.005
    starts: int = 3
    limit: float = 120.0
    device: str = CPU


@dataclass(frozen=True)
class Case:
    """A workload of one size, and the peers that can run it."""

    workload: Workload
    size: int
    peers: tuple[Installed, ...]

    @property
    def name(self) -> str:
        """For the progress bar."""
        return f"{self.workload.name} {self.workload.unit}={self.size:,}"


@dataclass(eq=False)
class Entrant:
    """One peer at one case.

    Args:
        peer: which.
        threads: it may use.
        result: what is found out.
        samples: times so far, in seconds.
    """

    peer: Installed
    threads: int
    result: Result
    samples: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of its files; no two at one case have the same."""
        return f"{self.peer.kind.name}-{self.threads}"

    @property
    def label(self) -> str:
        """For the progress bar."""
        threads = self.result.threads
        return self.peer.kind.name + ("" if threads is None else f" on {threads} thread{'s' if threads > 1 else ''}")

    @contextmanager
    def failures(self) -> Iterator[None]:
        """What goes wrong inside is noted in the result, and no more is asked of this peer."""
        try:
            yield
        except PeerFailed as error:
            self.result.status, self.result.reason = "failed", str(error)
        except PeerTooSlow as error:
            self.result.status, self.result.reason = "timed out", str(error)


Report = Callable[[str], None]


def in_turns(entrants: Sequence[Entrant], rounds: int) -> Iterator[Entrant]:
    """Those that are well, again and again, forth and back."""
    for number in range(rounds):
        for entrant in entrants if number % 2 == 0 else reversed(entrants):
            if entrant.result.status == "ok":
                yield entrant


def finish(case: Case, entrants: Sequence[Entrant], folder: Path) -> list[Result]:
    """The results, with the summaries of their samples, and whether the answers in the folder agree."""
    ran = [e for e in entrants if e.result.status == "ok"]
    answers = {e.name: load(folder / f"{e.name}.npz") for e in ran}
    verdicts = compare(answers, case.workload.tolerance) if answers else {}
    for entrant in ran:
        result, verdict = entrant.result, verdicts[entrant.name]
        result.error = verdict.error
        if not verdict.agrees:
            gap = f"{verdict.error:.1e} from the commonest, allowed: {case.workload.tolerance:.0e}"
            result.status, result.reason = "differs", f"not the answer of most peers ({gap})"
    for entrant in entrants:
        if entrant.samples:
            entrant.result.times = Times.of(entrant.samples)
    return [e.result for e in entrants]


@final
class Bench:
    """Measures calls.

    Args:
        settings: how much.
        report: is told what happens.
        shared: one process for each peer serves all cases. Fast, but then memory and first calls are not those of one
            workload, and are not given.
    """

    def __init__(self, settings: Settings, report: Report, *, shared: bool = False) -> None:
        self.settings, self.report, self.shared = settings, report, shared
        self._processes: dict[str, Process] = {}
        self._folder = tempfile.TemporaryDirectory()
        self._gave_up: dict[tuple[str, str], int] = {}

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
        """Peers that took too long for a smaller size are not asked."""
        for entrant in entrants:
            size = self._gave_up.get((case.workload.name, entrant.peer.kind.name))
            if size is not None and size < case.size:
                result = entrant.result
                result.status = "timed out"
                result.reason = f"not tried, since {case.workload.unit}={size:,} timed out"

    def _calls(self, case: Case, entrants: Sequence[Entrant], folder: Path) -> None:
        limit = self.settings.limit
        processes: dict[Entrant, Process] = {}
        try:
            for entrant in in_turns(entrants, 1):
                self.report(f"{case.name}: {entrant.label} compiles")
                with self._turn(entrant, processes):
                    processes[entrant] = self._process(entrant, folder)
                    self._prepare(case, processes[entrant], entrant, folder)
            for number, entrant in enumerate(in_turns(entrants, self.settings.rounds)):
                self.report(f"{case.name}: {entrant.label}, turn {number // len(entrants) + 1}")
                with self._turn(entrant, processes):
                    reply = processes[entrant].ask(
                        limit, do="sample", seconds=self.settings.seconds, floor=self.settings.floor
                    )
                    entrant.samples += reply["times"]
            if not self.shared:
                for entrant in in_turns(entrants, 1):
                    with self._turn(entrant, processes):
                        entrant.result.peak_bytes = processes[entrant].ask(limit, do="memory")["peak_bytes"]
                        found = processes[entrant].ask(limit, do="steps")["steps"]
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

    def _process(self, entrant: Entrant, folder: Path) -> Process:
        folder = Path(self._folder.name) if self.shared else folder

        def new() -> Process:
            return Process(
                entrant.peer,
                entrant.threads,
                folder / f"caches-{entrant.name}",
                self.settings.limit,
                self.settings.device,
            )

        if not self.shared:
            return new()
        if entrant.name not in self._processes:
            self._processes[entrant.name] = new()
        return self._processes[entrant.name]

    def _prepare(self, case: Case, process: Process, entrant: Entrant, folder: Path) -> None:
        request = {"workload": case.workload.name, "size": case.size, "answer": str(folder / f"{entrant.name}.npz")}
        reply = process.ask(self.settings.limit, do="prepare", memory=not self.shared, **request)
        if self.shared:
            return
        result = entrant.result
        result.import_s = reply["import_s"]
        result.first_s = reply["first_s"]
        result.cold_s = reply["import_s"] + result.first_s
        result.call_bytes = reply["call_bytes"]
