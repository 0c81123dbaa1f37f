"""How much is measured, at what, and of whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.agreement import compare, load
from bench.caches import Entry, Prepared
from bench.peers.table import CPU, Installed
from bench.process import PeerFailed, PeerTooSlow, Process
from bench.results import Result, Times
from bench.workload import Workload


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Args:
        threads: each peer may use.
        rounds: turns of each peer. Many short ones, since what disturbs on a shared machine may last for seconds.
        seconds: of a turn; it has one sample at least.
        fewest: turns of a peer whose calls take so long that `rounds` of them would take over twice their time.
        floor: seconds that the calls of one sample take together, at least.
        rest: seconds before a turn: threads of the last peer wait for work, keeping cores busy, before they sleep.
        starts: processes of each peer where the first call or the start is what is measured.
        long: seconds of such a start that need no second one.
        limit: seconds that a peer may take for an answer.
        limits: the same of single peers.
        device: where peers compute that know it.
        prepared: caches that have been filled beforehand.
    """

    threads: int
    rounds: int = 15
    seconds: float = 0.06
    fewest: int = 3
    floor: float = 0.005
    rest: float = 0.04
    starts: int = 3
    long: float = 10.0
    limit: float = 120.0
    limits: Mapping[str, float] = field(default_factory=dict)
    device: str = CPU
    prepared: Prepared | None = None

    def turns(self, one: float) -> int:
        """Turns of a peer that takes so many seconds for one."""
        most = int(2 * self.rounds * self.seconds / one) if one > 2 * self.seconds else self.rounds
        return min(self.rounds, max(self.fewest, most))

    def limit_of(self, peer: str) -> float:
        """Seconds that this one may take for an answer."""
        return self.limits.get(peer, self.limit)


@dataclass(frozen=True)
class Case:
    """A workload of one size, and the peers that can run it."""

    workload: Workload
    size: int
    peers: tuple[Installed, ...]

    @staticmethod
    def of(workload: Workload, size: int, peers: Iterable[Installed]) -> Case:
        """With those of the peers that the workload is written for."""
        able = (p for p in peers if workload.builder(p.kind.name, p.kind.library) is not None)
        return Case(workload, size, tuple(able))

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

    def prepared(self, settings: Settings) -> Entry | None:
        """What became of the first call that filled caches beforehand, if there was one."""
        if settings.prepared is None or not self.peer.kind.slow:
            return None
        result = self.result
        return settings.prepared.of(result.peer, self.peer.version, self.threads, result.workload, result.size)

    def process(self, settings: Settings, caches: Path) -> Process:
        """A new process of the peer, whose disk caches are in the folder."""
        limit = settings.limit_of(self.peer.kind.name)
        return Process(self.peer, self.threads, caches, limit, settings.device)

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
