"""Plots of how times grow: with size, with the length of loops, and of compiling with the number of operations."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.peers.table import PEERS
from bench.report.comparison import Row
from bench.report.looks import GRID, Plot, draw, named, style, svg, time_axis
from bench.results import Result
from bench.workload import Workload

WIDTH, HEIGHT = 3.7, 3.1


def _short(size: int) -> str:
    power = round(math.log10(size))
    return f"$10^{power}$" if size == 10**power and size >= 1000 else f"{size:,}"


def panel(title: str, width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """An empty panel; to be called in `style()`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title("\n".join(textwrap.wrap(title, int(10 * width))), fontsize=9)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    return figure, axes


def _panel(peers: Sequence[str], rows: Sequence[Row], what: str, value: Callable[[Result], float | None]) -> str:
    workload = rows[0].workload
    with style():
        figure, axes = panel(workload.title.format(n="n"))
        for peer in peers:
            results = [(r.size, r.results[peer]) for r in rows if peer in r.results]
            known = [(float(n), t) for n, x in results if x.status == "ok" and (t := value(x))]
            draw(axes, peer, [n for n, _ in known], [t for _, t in known], line=True)
        axes.set_xscale("log")
        sizes = [row.size for row in rows]
        axes.set_xticks(sizes, [_short(size) for size in sizes])
        axes.minorticks_off()
        time_axis(axes)
        axes.set_xlabel(f"n: {workload.unit}" if workload.unit != "n" else "n")
        axes.set_ylabel(what)
        return svg(figure, f"{what} of {workload.name}")


def _missing(rows: Sequence[Row]) -> list[str]:
    """Which points are not there."""
    return [
        f"{named(peer)} {result.status} at {row.workload.name} of {row.size:,}"
        for row in rows
        for peer, result in row.results.items()
        if result.status != "ok"
    ]


def _plot(
    title: str,
    note: str,
    peers: Sequence[str],
    groups: Sequence[Sequence[Row]],
    what: str,
    value: Callable[[Result], float | None] = lambda r: r.median_s,
) -> Plot | None:
    if not groups:
        return None
    present = [p for p in peers if any(p in row.results for rows in groups for row in rows)]
    missing = [text for rows in groups for text in _missing(rows)]
    if missing:
        note += f" Missing: {'; '.join(missing)}."
    once = [p for p in present if PEERS[p].slow]
    if once:
        note += f" {', '.join(once)} compiles for too long to be tried at further sizes."
    return Plot(title, note, present, [_panel(present, rows, what, value) for rows in groups])


def _sweeps(found: Iterable[Row], wanted: Callable[[Workload], bool]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in found:
        if wanted(row.workload):
            groups.setdefault(row.workload.name, []).append(row)
    return [sorted(rows, key=lambda row: row.size) for rows in groups.values() if len(rows) > 1]


def growth(peers: Sequence[str], found: Sequence[Row]) -> list[Plot]:
    """Those for which there are results."""

    def compiling(w: Workload) -> bool:
        return w.metric == "first call"

    def looping(w: Workload) -> bool:
        return w.metric == "call" and w.unit == "steps"

    def sized(w: Workload) -> bool:
        return w.metric == "call" and w.unit != "steps"

    scales = "Medians; both axes are logarithmic. Where a line is flat, the call itself is what costs."
    made = [
        _plot("How cost grows with size", scales, peers, _sweeps(found, sized), "time per call"),
        _plot("How cost grows with the length of a loop", scales, peers, _sweeps(found, looping), "time per call"),
        _plot(
            "How compile time grows with the number of operations",
            "Until the first gradient, in a process that has compiled another function before, with empty disk caches.",
            peers,
            _sweeps(found, compiling),
            "time of the first call",
        ),
    ]
    return [plot for plot in made if plot is not None]
