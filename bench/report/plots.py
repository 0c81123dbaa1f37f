"""Plots as SVG text: times beside the best peer's, and how they grow."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.comparison import Row, by_speedup
from bench.results import Run
from bench.workload import Workload

# Okabe and Ito's colours, which all people can tell apart; tapec is black.
LOOKS = {
    "tapec": ("#000000", "o"),
    "jax": ("#0072B2", "s"),
    "torch": ("#D55E00", "^"),
    "torch.compile": ("#E69F00", "v"),
    "tf.function": ("#009E73", "D"),
    "tf+xla": ("#56B4E9", "P"),
    "autograd": ("#CC79A7", "X"),
    "limit": ("#888888", "|"),
}


@dataclass(frozen=True)
class Plot:
    """A figure with its heading."""

    title: str
    figure: Figure

    def svg(self) -> str:
        """For a page: without the XML header, text as text, and ids that differ from other plots'."""
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.title}):
            text = io.StringIO()
            self.figure.savefig(text, format="svg", metadata={"Date": None})
        content = text.getvalue()
        return content[content.index("<svg") :]


def _points(axes: Axes, peer: str, x: Sequence[float], y: Sequence[float], *, line: bool) -> None:
    color, marker = LOOKS[peer]
    axes.plot(
        x,
        y,
        color=color,
        marker=marker,
        label="by hand" if peer == "limit" else peer,
        linestyle="-" if line else "none",
        linewidth=1.8 if peer == "tapec" else 1.0,
        markersize=8 if peer == "tapec" else 6,
        markeredgewidth=2.0 if peer == "limit" else 0.0,
        zorder=3 if peer == "tapec" else 2,
    )


def ratios(run: Run, found: Iterable[Row]) -> Plot | None:
    """Each peer's time over the best peer's, a line for each workload; None if no workload has a best peer."""
    known = [row for row in reversed(by_speedup(found)) if row.counts and row.best is not None]
    if not known:
        return None
    figure = Figure(figsize=(10.5, 1.4 + 0.27 * len(known)), layout="constrained")
    axes = figure.add_subplot()
    for peer in run.peers():
        x, y = [], []
        for place, row in enumerate(known):
            result, best = row.results.get(peer), row.best
            if result is not None and result.status == "ok" and result.median_s and best is not None and best.median_s:
                x.append(result.median_s / best.median_s)
                y.append(place)
        _points(axes, peer, x, y, line=False)
    axes.set_xscale("log")
    axes.axvline(1.0, color="#999999", linewidth=1.0, zorder=1)
    axes.set_yticks(range(len(known)), [row.label for row in known], fontsize=8)
    axes.set_ylim(-0.7, len(known) - 0.3)
    axes.grid(axis="both", color="#eeeeee", zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("time, the best peer's being 1 (further left is faster)")
    figure.legend(loc="outside upper right", ncols=len(run.peers()), fontsize=8, frameon=False)
    return Plot("Time beside the best peer's", figure)


def _short(size: int) -> str:
    power = round(math.log10(size))
    return f"$10^{power}$" if size == 10**power and size >= 1000 else f"{size:,}"


def _grid(title: str, run: Run, found: list[list[Row]], what: str) -> Plot | None:
    if not found:
        return None
    columns = min(3, len(found))
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(3.6 * columns + (1.5 if columns == 1 else 0), 3.0 * lines + 0.5), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes, rows in zip(grid.flat, found, strict=False):
        for peer in run.peers():
            known = [
                (r.size, x.median_s) for r in rows if (x := r.results.get(peer)) and x.status == "ok" and x.median_s
            ]
            _points(axes, peer, [n for n, _ in known], [t for _, t in known], line=True)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks([row.size for row in rows], [_short(row.size) for row in rows])
        axes.minorticks_off()
        axes.set_title(rows[0].workload.name, fontsize=9)
        axes.set_xlabel(rows[0].workload.unit, fontsize=8)
        axes.set_ylabel(what, fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(color="#eeeeee")
        axes.set_axisbelow(True)
    for axes in grid.flat[len(found) :]:
        axes.set_visible(False)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8, frameon=False)
    return Plot(title, figure)


def _sweeps(found: Iterable[Row], wanted: Callable[[Workload], bool]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in found:
        if wanted(row.workload):
            groups.setdefault(row.workload.name, []).append(row)
    return [sorted(rows, key=lambda row: row.size) for rows in groups.values() if len(rows) > 1]


def all_plots(run: Run, found: list[Row]) -> list[Plot]:
    """Those for which there are results."""

    def compiling(w: Workload) -> bool:
        return w.metric == "first call"

    def looping(w: Workload) -> bool:
        return w.metric == "call" and w.unit == "steps"

    def sized(w: Workload) -> bool:
        return w.metric == "call" and w.unit != "steps"

    made = [
        ratios(run, found),
        _grid("How cost grows with size", run, _sweeps(found, sized), "s per call"),
        _grid("How cost grows with the length of a loop", run, _sweeps(found, looping), "s per call"),
        _grid("Compile time", run, _sweeps(found, compiling), "s until the first gradient"),
    ]
    return [plot for plot in made if plot is not None]
