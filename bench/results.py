"""What a run finds out, as data and as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal["ok", "failed", "timed out", "differs"]


@dataclass(frozen=True)
class Times:
    """Of samples, in seconds: the extremes, the quartiles, and how many samples there are."""

    least: float
    lower: float
    median: float
    upper: float
    most: float
    samples: int

    @staticmethod
    def of(samples: Sequence[float]) -> Times:
        """Their summary; there must be one at least."""
        cuts = statistics.quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [samples[0]] * 3
        lower, median, upper = cuts
        return Times(min(samples), lower, median, upper, max(samples), len(samples))

    @property
    def spread(self) -> float:
        """Distance of the quartiles, relative to the median."""
        return (self.upper - self.lower) / self.median


@dataclass(frozen=True)
class StepShare:
    """What one step of a compiled program takes.

    Args:
        words: what it does.
        depth: how many other steps it stands in.
        runs: in a call.
        seconds: of a call, those of the steps that stand in it included.
    """

    words: str
    depth: int
    runs: int
    seconds: float


@dataclass
class Result:
    """One peer's at one workload of one size. Times are in seconds.

    Args:
        workload: name.
        size: of the workload.
        peer: name.
        status: `differs` if its answer is not that of most others.
        reason: why it is not `ok`.
        times: of a call, or of what the workload's metric is.
        import_s: of importing the library.
        first_s: making the call and calling it once, compilation included, with empty disk caches.
        compile_s: the same in a process that has compiled another small function before, so that what a library does
            only once is not in it; of peers that compile.
        warm_s: importing the library, making the call and calling it once, in a new process with filled disk caches.
        cold_s: the same with empty ones.
        base_bytes: of the process when the library had been imported.
        peak_bytes: the process's peak.
        file_bytes: what of its memory at the end are pages of files, as libraries are, which processes share.
        call_bytes: the peak of a second call, results included, above what the process held before it.
        steps: where the time of a call goes, if the library says so.
        start_reason: why `compile_s` or `warm_s` could not be measured.
        threads: that the peer could use, where that is not what the run says.
        error: distance of the answer from the reference answer, relative to the largest number of each array.
    """

    workload: str
    size: int
    peer: str
    status: Status = "ok"
    reason: str = ""
    times: Times | None = None
    import_s: float | None = None
    first_s: float | None = None
    compile_s: float | None = None
    warm_s: float | None = None
    cold_s: float | None = None
    base_bytes: int | None = None
    peak_bytes: int | None = None
    file_bytes: int | None = None
    call_bytes: int | None = None
    error: float | None = None
    steps: list[StepShare] = field(default_factory=list)
    start_reason: str = ""
    threads: int | None = None

    @staticmethod
    def of(stored: dict[str, Any]) -> Result:
        """From the fields in their JSON."""
        times, steps = stored["times"], [StepShare(**step) for step in stored.get("steps", [])]
        return Result(**(stored | {"times": None if times is None else Times(**times), "steps": steps}))

    @property
    def key(self) -> tuple[str, int, str, int | None]:
        """No two results of a run have the same."""
        return self.workload, self.size, self.peer, self.threads

    @property
    def median_s(self) -> float | None:
        """Of the times."""
        return None if self.times is None else self.times.median


@dataclass
class Run:
    """All of a run.

    Args:
        machine: description, measured bandwidth and flops, date, versions, load.
        options: what was asked for.
        results: in the order of the workloads.
        skipped: peers that were asked for and are not installed.
        scaling: further results of fewer threads and of all of them, taken in turns.
        left: what was asked for and has not been measured, and why.
        done: keys of the tasks that are done, and the seconds that each has taken.
    """

    machine: dict[str, Any]
    options: dict[str, Any]
    results: list[Result]
    skipped: list[str]
    scaling: list[Result] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    done: dict[str, float] = field(default_factory=dict)

    def put(self, results: Sequence[Result]) -> None:
        """Adds them, in the place of those of the same peers at the same workload, size and number of threads."""
        for result in results:
            among = self.results if result.threads is None else self.scaling
            among[:] = [r for r in among if r.key != result.key]
            among.append(result)

    def of(self, workload: str, size: int) -> dict[str, Result]:
        """By peer."""
        return {r.peer: r for r in self.results if r.workload == workload and r.size == size}

    def cases(self) -> list[tuple[str, int]]:
        """Workloads and sizes that were run."""
        return list(dict.fromkeys((r.workload, r.size) for r in self.results))

    def peers(self) -> list[str]:
        """Peers that were run."""
        return list(dict.fromkeys(r.peer for r in self.results))

    def save(self, path: Path) -> None:
        """Writes JSON; a run that is ended half-way leaves the file as it was before or after."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        new.replace(path)

    @staticmethod
    def load(path: Path) -> Run:
        """Reads what `save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        results, scaling = ([Result.of(r) for r in content.pop(name, [])] for name in ("results", "scaling"))
        return Run(results=results, scaling=scaling, **content)


def best_peer(results: dict[str, Result]) -> Result | None:
    """The fastest of those whose answers are right. tapec and what is written by hand are no peers."""
    right = [r for r in results.values() if r.peer not in {"tapec", "limit"} and r.status == "ok"]
    timed = [(r.times.median, r) for r in right if r.times is not None]
    return min(timed, key=lambda pair: pair[0])[1] if timed else None
