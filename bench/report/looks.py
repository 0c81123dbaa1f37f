"""How plots look: colours and marks of the peers, and figures as SVG text that goes with light and dark pages."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench.report.words import round_seconds

# Okabe and Ito's colours, which all people can tell apart, and a mark of its own for each. tapec has the colour of the
# text.
TEXT, GRID, FAINT = "#010101", "#020202", "#030303"
LOOKS = {
    "tapec": (TEXT, "o"),
    "jax": ("#0072B2", "s"),
    "torch": ("#D55E00", "^"),
    "torch.compile": ("#E69F00", "v"),
    "tf.function": ("#009E73", "D"),
    "tf+xla": ("#56B4E9", "P"),
    "autograd": ("#CC79A7", "X"),
    "limit": ("#888888", "|"),
}
# What stands for the page's own colours, in a figure and in a page.
_OF_PAGE = {TEXT: "currentColor", GRID: "var(--grid)", FAINT: "var(--faint)"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": FAINT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


def style() -> AbstractContextManager[None]:
    """The context in which figures are made."""
    return mpl.rc_context(_STYLE)


@dataclass(frozen=True)
class Plot:
    """Panels that belong together.

    Args:
        title: heading.
        note: what a reader must know, in a sentence or two.
        peers: those of the legend.
        panels: SVG texts; on a wide page they stand side by side.
        wide: whether a panel keeps its width where the page is narrower.
    """

    title: str
    note: str
    peers: Sequence[str]
    panels: Sequence[str]
    wide: bool = False


def named(peer: str) -> str:
    """What a legend calls it."""
    return "by hand" if peer == "limit" else peer


def draw(axes: Axes, peer: str, x: Sequence[float], y: Sequence[float], *, line: bool) -> None:
    """One peer's points."""
    color, marker = LOOKS[peer]
    axes.plot(
        x,
        y,
        color=color,
        marker=marker,
        linestyle="-" if line else "none",
        linewidth=1.8 if peer == "tapec" else 1.0,
        markersize=7 if peer == "tapec" else 6,
        markeredgewidth=2.0 if peer == "limit" else 0.0,
        zorder=3 if peer == "tapec" else 2,
    )


def time_axis(axes: Axes) -> None:
    """Times upwards, as a logarithm, with units at the ticks."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    # Less than a decade has no two powers of ten.
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0), numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda t, _: round_seconds(t)))


def svg(figure: Figure, name: str) -> str:
    """For a page: without the XML header, text as text, ids that differ from other figures', and a name for readers who
    hear the page.
    """
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Title": name})
    content = text.getvalue()
    for ours, theirs in _OF_PAGE.items():
        content = content.replace(ours, theirs)
    return '<svg role="img"' + content[content.index("<svg") + 4 :]


def key(peer: str) -> str:
    """The peer's mark, for a legend."""
    with style():
        figure = Figure(figsize=(0.36, 0.16))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, 2)
        axes.set_ylim(-1, 1)
        draw(axes, peer, [0, 1, 2], [0, 0, 0], line=True)
        axes.lines[0].set_markevery([1])
    return svg(figure, named(peer))
