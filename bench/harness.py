"""Runs workloads on peers, each peer in a process of its own, in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from bench.agreement import compare, load
from bench.peers.table import Installed
from bench.process import PeerFailed, PeerTooSlow, Process
from bench.results import Result, Times
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
        warm: whether the start with filled disk caches is measured.
    """

    threads: int
    rounds: int = 7
    seconds: float = 0.15
    floor: float = 0.005
    starts: int = 3
    limit: float = 120.0
    warm: bool = True


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


Report = Callable[[str], None]
Peers = dict[str, Installed]


@contextmanager
def failures(result: Result) -> Iterator[None]:
    """What goes wrong inside is noted in the result, and no more is asked of this peer."""
    try:
        yield
    except PeerFailed as error:
        result.status, result.reason = "failed", str(error)
    except PeerTooSlow as error:
        result.status, result.reason = "timed out", str(error)


def in_turns(results: Sequence[Result], rounds: int) -> Iterator[Result]:
    """The peers that are well, again and again, forth and back."""
    for number in range(rounds):
        for result in results if number % 2 == 0 else reversed(results):
            if result.status == "ok":
                yield result


@final
class Bench:
    """Measures cases.

    Args:
        settings: how much.
        report: is told what happens.
        shared: one process for each peer serves all cases. Fast, but then memory and first calls are not those of one
            workload, and are not given.
    """

    def __init__(self, settings: Settings, report: Report, *, shared: bool = False) -> None:
        self.settings, self.report, self.shared = settings, report, shared
        self._stack = ExitStack()
        self._processes: dict[str, Process] = {}
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._gave_up: dict[tuple[str, str], int] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._processes.values():
            process.close()
        self._stack.close()

    def measure(self, case: Case) -> list[Result]:
        """One result for each peer."""
        results = [self._given_up(case, p) or Result(case.workload.name, case.size, p.kind.name) for p in case.peers]
        installed = {p.kind.name: p for p in case.peers}
        samples: dict[str, list[float]] = {r.peer: [] for r in results}
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            if self.shared or case.workload.metric == "call":
                self._calls(case, installed, results, samples, folder)
                if self.settings.warm and not self.shared:
                    self._warm_starts(case, installed, results, folder)
            else:
                self._starts(case, installed, results, samples, folder)
            self._compare(case, results, folder)
        for result in results:
            if samples[result.peer]:
                result.times = Times.of(samples[result.peer])
        for result in results:
            if result.status == "timed out":
                self._gave_up.setdefault((result.workload, result.peer), case.size)
        return results

    def _given_up(self, case: Case, peer: Installed) -> Result | None:
        size = self._gave_up.get((case.workload.name, peer.kind.name))
        if size is None or size >= case.size:
            return None
        reason = f"not tried, since {case.workload.unit}={size:,} timed out"
        return Result(case.workload.name, case.size, peer.kind.name, "timed out", reason)

    def _process(self, peer: Installed, caches: Path) -> Process:
        return Process(peer, self.settings.threads, caches, self.settings.limit)

    def _calls(
        self, case: Case, installed: Peers, results: list[Result], samples: dict[str, list[float]], folder: Path
    ) -> None:
        processes: dict[str, Process] = {}
        try:
            for result in in_turns(results, 1):
                self.report(f"{case.name}: {result.peer} compiles")
                with failures(result):
                    process = self._ready(installed[result.peer], folder)
                    processes[result.peer] = process
                    self._prepare(case, process, result, folder)
            for number, result in enumerate(in_turns(results, self.settings.rounds)):
                self.report(f"{case.name}: {result.peer}, turn {number // len(results) + 1}")
                with failures(result):
                    reply = processes[result.peer].ask(
                        self.settings.limit, do="sample", seconds=self.settings.seconds, floor=self.settings.floor
                    )
                    samples[result.peer] += reply["times"]
            if not self.shared:
                for result in in_turns(results, 1):
                    with failures(result):
                        result.peak_bytes = processes[result.peer].ask(self.settings.limit, do="memory")["peak_bytes"]
        finally:
            for result in results:
                if result.peer in processes and (not self.shared or result.status != "ok"):
                    processes[result.peer].close()
                    self._processes.pop(result.peer, None)

    def _ready(self, peer: Installed, folder: Path) -> Process:
        if not self.shared:
            return self._process(peer, folder / f"caches-{peer.kind.name}")
        if peer.kind.name not in self._processes:
            self._processes[peer.kind.name] = self._process(peer, self._folder / peer.kind.name)
        return self._processes[peer.kind.name]

    def _prepare(self, case: Case, process: Process, result: Result, folder: Path) -> None:
        answer = str(folder / f"{result.peer}.npz")
        reply = process.ask(
            self.settings.limit, do="prepare", workload=case.workload.name, size=case.size, answer=answer
        )
        if self.shared:
            return
        result.import_s = reply["import_s"]
        result.first_s = reply["build_s"] + reply["first_s"]
        result.cold_s = reply["import_s"] + result.first_s
        result.call_bytes = reply["call_bytes"]

    def _start(self, case: Case, peer: Installed, caches: Path, answer: str | None) -> dict[str, Any]:
        with self._process(peer, caches) as process:
            if case.workload.metric == "first call":  # loads the compiler, which some libraries do when it is needed
                other = case.workload.quick
                process.ask(self.settings.limit, do="prepare", workload=case.workload.name, size=other, answer=None)
            return process.ask(
                self.settings.limit, do="prepare", workload=case.workload.name, size=case.size, answer=answer
            )

    def _warm_starts(self, case: Case, installed: Peers, results: list[Result], folder: Path) -> None:
        for result in in_turns(results, 1):
            self.report(f"{case.name}: {result.peer} starts with filled caches")
            with failures(result):
                caches = folder / f"caches-{result.peer}"
                reply = self._start(case, installed[result.peer], caches, None)
                result.warm_s = reply["import_s"] + reply["build_s"] + reply["first_s"]

    def _starts(
        self, case: Case, installed: Peers, results: list[Result], samples: dict[str, list[float]], folder: Path
    ) -> None:
        metric = case.workload.metric
        if metric == "warm start":
            for result in in_turns(results, 1):
                self.report(f"{case.name}: {result.peer} fills its caches")
                with failures(result):
                    self._start(case, installed[result.peer], folder / f"caches-{result.peer}", None)
        for number, result in enumerate(in_turns(results, self.settings.starts)):
            self.report(f"{case.name}: {result.peer}, start {number // len(results) + 1}")
            caches = folder / f"caches-{result.peer}" if metric == "warm start" else folder / f"empty-{number}"
            with failures(result):
                reply = self._start(case, installed[result.peer], caches, str(folder / f"{result.peer}.npz"))
                first = reply["build_s"] + reply["first_s"]
                result.import_s = reply["import_s"]
                samples[result.peer].append(first if metric == "first call" else reply["import_s"] + first)
                if metric != "warm start":
                    result.first_s, result.cold_s = first, reply["import_s"] + first

    def _compare(self, case: Case, results: list[Result], folder: Path) -> None:
        ran = [r for r in results if r.status == "ok"]
        answers = {r.peer: load(folder / f"{r.peer}.npz") for r in ran}
        verdicts = compare(answers, case.workload.tolerance) if answers else {}
        for result in ran:
            result.error = verdicts[result.peer].error
            if not verdicts[result.peer].agrees:
                result.status = "differs"
                gap = f"{result.error:.1e} from the commonest, allowed: {case.workload.tolerance:.0e}"
                result.reason = f"not the answer of most peers ({gap})"
