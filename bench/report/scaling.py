"""What further threads bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from bench.report.looks import FAINT, Plot
from bench.report.ratios import lines_of_marks
from bench.report.words import ratio, seconds, size
from bench.results import Result, Run
from bench.workload import Workload

TITLE = "What threads bring"


@dataclass(frozen=True)
class Scaling:
    """One workload with several numbers of threads.

    Args:
        workload: which.
        size: of it.
        results: by peer, then by number of threads.
    """

    workload: Workload
    size: int
    results: Mapping[str, Mapping[int, Result]]

    @property
    def label(self) -> str:
        """The row's head."""
        return self.workload.label(self.size)

    def median(self, peer: str, threads: int) -> float | None:
        """A time in seconds, if there is one."""
        result = self.results.get(peer, {}).get(threads)
        return result.median_s if result is not None and result.status == "ok" else None

    def speedups(self, peer: str) -> dict[int, float]:
        """The time of one thread over that of each number of them."""
        alone = self.median(peer, 1)
        known = {n: self.median(peer, n) for n in self.results.get(peer, {})}
        return {} if alone is None else {n: alone / t for n, t in known.items() if t}


def scalings(run: Run, workloads: Mapping[str, Workload]) -> list[Scaling]:
    """In the order of the run."""
    found: dict[tuple[str, int], dict[str, dict[int, Result]]] = {}
    for result in run.scaling:
        if result.workload in workloads and result.threads is not None:
            of_peer = found.setdefault((result.workload, result.size), {}).setdefault(result.peer, {})
            of_peer[result.threads] = result
    return [Scaling(workloads[name], size, results) for (name, size), results in found.items()]


def memory_scaling(machine: Mapping[str, Any]) -> dict[int, float]:
    """Bandwidth of each number of threads over that of one."""
    measured = {int(n): found["bytes_per_s"] for n, found in machine.get("by_threads", {}).items()}
    return {n: speed / measured[1] for n, speed in measured.items()} if 1 in measured else {}


def plot(run: Run, found: Sequence[Scaling]) -> Plot | None:
    """How many times faster all threads are than one; None if nothing was measured."""
    if not found:
        return None
    peers, most, memory = _peers(run, found), run.machine["threads"], memory_scaling(run.machine)

    def finish(axes: Axes) -> None:
        for place, dashes in ((1.0, "-"), (float(most), ":"), (memory.get(most), "--")):
            if place is not None:
                axes.axvline(place, color=FAINT, linestyle=dashes, linewidth=1.2, zorder=1)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"times faster with {most} threads than with one")

    places = {peer: [s.speedups(peer).get(most) for s in found] for peer in peers}
    panel = lines_of_marks(TITLE, [s.label for s in found], places, finish)
    note = (
        f"The largest sizes. The solid line: {most} threads are as fast as one; the dotted one: {most} times as fast; "
        "the dashed one: what the bandwidth of memory gains (STREAM's triad), the most that memory allows."
    )
    return Plot(TITLE, note, peers, [panel], wide=True)


def _peers(run: Run, found: Sequence[Scaling]) -> list[str]:
    return [p for p in run.peers() if any(p in s.results for s in found)]


def lines(run: Run, found: Sequence[Scaling]) -> tuple[list[str], list[list[str]]]:
    """Heads and cells of a table: tapec's times by threads, what they gain, and the most that a peer gains."""
    counts = sorted({n for s in found for of_peer in s.results.values() for n in of_peer})
    most = max(counts, default=1)
    heads = ["", *(f"{n} thread{'s' if n > 1 else ''}" for n in counts), "gain", "most of a peer"]
    memory = memory_scaling(run.machine)
    cells = []
    if memory:
        speeds = [size(run.machine["by_threads"][str(n)]["bytes_per_s"]) + "/s" for n in counts]
        cells.append(["memory: STREAM's triad", *speeds, f"{ratio(memory[most])} ×", ""])
    for scaling in found:
        gains = {p: g for p in _peers(run, [scaling]) if (g := scaling.speedups(p).get(most)) is not None}
        own = gains.pop("tapec", None)
        others = [(g, p) for p, g in gains.items() if p != "limit"]
        best = "{:.2f} × ({})".format(*max(others)) if others else ""
        times = [seconds(scaling.median("tapec", n)) for n in counts]
        cells.append([scaling.label, *times, "" if own is None else f"{ratio(own)} ×", best])
    return heads, cells
