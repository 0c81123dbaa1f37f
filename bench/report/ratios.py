"""Plots with a line for each workload and a mark for each peer: its time over the best peer's, for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.report.comparison import Row, by_speedup
from bench.report.looks import FAINT, GRID, Plot, draw, style, svg

TITLE = "Time beside the best peer's"
NOTE = (
    "Each line is a workload; the best peer's time is 1, and a mark at 1/10 took a tenth of it. Where tapec is "
    "furthest behind comes first. Answers that are missing or wrong have no mark: see “What did not work”."
)


def lines_of_marks(
    name: str,
    labels: Sequence[str],
    places: Mapping[str, Sequence[float | None]],
    finish: Callable[[Axes], None],
) -> str:
    """A plot as SVG.

    Args:
        name: of the plot.
        labels: of the lines, from the top.
        places: for each peer where its mark is in each line; None where it has none.
        finish: does what is left to do for the horizontal axis.
    """
    with style():
        figure = Figure(figsize=(10.5, 1.0 + 0.27 * len(labels)), layout="constrained")
        axes = figure.add_subplot()
        for peer, of_peer in places.items():
            known = [(x, line) for line, x in enumerate(of_peer) if x is not None]
            draw(axes, peer, [x for x, _ in known], [line for _, line in known], line=False)
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.set_ylim(len(labels) - 0.3, -0.7)
        axes.grid(axis="both", color=GRID, zorder=0)
        axes.set_axisbelow(True)
        axes.tick_params(axis="x", top=True, labeltop=True)
        finish(axes)
        return svg(figure, name)


def _times(ratio: float, _: int) -> str:
    return f"{ratio:,.0f} ×" if ratio >= 1 else f"1/{1 / ratio:,.0f}"


def _finish(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.axvline(1.0, color=FAINT, linewidth=1.2, zorder=1)
    axes.xaxis.set_major_formatter(FuncFormatter(_times))
    axes.set_xlabel("time over the best peer's, logarithmic; further left is faster")


def _place(row: Row, peer: str) -> float | None:
    result, best = row.results.get(peer), row.best
    if result is None or result.status != "ok" or best is None or not best.median_s:
        return None
    return None if result.median_s is None else result.median_s / best.median_s


def ratios(peers: Sequence[str], found: Iterable[Row]) -> Plot | None:
    """Each peer's time over the best peer's; None if no workload has a best peer."""
    known = [row for row in by_speedup(found) if row.counts and row.best is not None]
    if not known:
        return None
    places = {peer: [_place(row, peer) for row in known] for peer in peers}
    panel = lines_of_marks(TITLE, [row.label for row in known], places, _finish)
    return Plot(TITLE, NOTE, peers, [panel], wide=True)
