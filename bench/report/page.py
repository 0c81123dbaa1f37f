"""One HTML page, which needs nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.report.bounds import least_seconds
from bench.report.comparison import Row, by_speedup, geometric_mean
from bench.report.plots import all_plots
from bench.report.words import outcome, ratio, seconds, size
from bench.results import Result, Run

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; white-space: nowrap; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #e5e5e5; text-align: right; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 18rem; }
th { border-bottom: 2px solid #999; }
td.best { font-weight: 600; } td.behind { background: #fde8e4; } td.ahead { background: #e7f5ea; }
td.trouble { color: #9a3b26; }
dl.facts { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; font-size: 13px; }
dt { color: #666; } dd { margin: 0; }
svg { max-width: 100%; height: auto; }
p.note, li { max-width: 50rem; }
"""

Cell = tuple[str, str]


def _table(heads: Sequence[str], lines: Iterable[Sequence[Cell]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f'<td class="{kind}">{escape(text)}</td>' for text, kind in line) + "</tr>" for line in lines
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _judged(row: Row) -> Cell:
    ahead = row.speedup is not None and row.speedup >= 3
    return ratio(row.speedup), "behind" if row.behind else "ahead" if ahead else ""


def _times(run: Run, found: Iterable[Row]) -> str:
    peers = run.peers()

    def cell(row: Row, peer: str) -> Cell:
        result = row.results.get(peer)
        if result is not None and result.status != "ok":
            return outcome(result), "trouble"
        return outcome(result), "best" if row.best is not None and row.best.peer == peer else ""

    def line(row: Row) -> list[Cell]:
        own = row.tapec.times if row.tapec else None
        spread = "" if own is None else f"± {50 * own.spread:.0f} %"
        least = least_seconds(row.workload, row.size, run.machine)
        return [
            (row.label, ""),
            *(cell(row, peer) for peer in peers),
            (spread, ""),
            _judged(row),
            (ratio(row.over_limit), ""),
            (seconds(least), ""),
        ]

    heads = ["", *peers, "spread", "best peer / tapec", "tapec / by hand", "at least"]
    return _table(heads, [line(row) for row in by_speedup(found)])


def _of_each(run: Run, found: Iterable[Row], value: Callable[[Result], Any], words: Callable[[Any], str]) -> str:
    peers = [p for p in run.peers() if any(value(r) is not None for r in run.results if r.peer == p)]
    lines = []
    for row in found:
        known = {p: value(row.results[p]) for p in peers if p in row.results}
        if any(v is not None for v in known.values()):
            least = min(v for p, v in known.items() if v is not None)
            cells = [(words(known.get(p)), "best" if known.get(p) == least else "") for p in peers]
            lines.append([(row.label, ""), *cells])
    return _table(["", *peers], lines) if lines else ""


def _facts(machine: dict[str, Any]) -> str:
    shown: dict[str, str] = {}
    for name, value in machine.items():
        if isinstance(value, dict):
            shown[name] = ", ".join(f"{k} {v}" for k, v in value.items())
        elif name == "memory_bytes":
            shown["memory"] = size(value)
        elif name == "bytes_per_s":
            shown["memory bandwidth (triad)"] = f"{size(value)}/s"
        elif name.startswith("flops_"):
            shown[f"matrix product, {name[6:]}"] = f"{value / 1e9:.1f} Gflop/s"
        elif name == "others":
            shown["used by other programs meanwhile"] = "unknown" if value is None else f"{value:.0%}"
        elif name == "load":
            shown["load before"] = ", ".join(f"{x:.2f}" for x in value)
        else:
            shown[name] = str(value)
    return (
        '<dl class="facts">' + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in shown.items()) + "</dl>"
    )


def _summary(found: Iterable[Row]) -> str:
    counted = [row for row in found if row.counts and row.speedup is not None]
    behind = sum(row.behind for row in counted)
    mean = geometric_mean(row.speedup for row in counted)
    if mean is None:
        return "<p>No workload has been run by tapec and a peer.</p>"
    return (
        f"<p>tapec is {ratio(mean)} times as fast as the best peer on each workload (geometric mean over "
        f"{len(counted)}), and slower than it on {behind}.</p>"
    )


def page(run: Run, found: list[Row]) -> str:
    """The whole page."""
    counted = [row for row in found if row.counts]
    troubles = [(r, row) for row in found for r in row.results.values() if r.status != "ok"]
    sections = [
        ("", _summary(found) + _facts(run.machine)),
        *((plot.title, plot.svg()) for plot in all_plots(run, found)),
        (
            "All times",
            '<p class="note">Medians; where tapec is furthest behind comes first. The spread is half the distance of'
            " tapec's quartiles. “At least” is what bytes and matrix products take at the speeds measured above.</p>"
            + _times(run, found),
        ),
        ("First call, compilation included, empty disk caches", _of_each(run, counted, lambda r: r.first_s, seconds)),
        (
            "Import, compilation and first call in a new process, empty disk caches",
            _of_each(run, counted, lambda r: r.cold_s, seconds),
        ),
        (
            "Import, compilation and first call in a new process, filled disk caches",
            _of_each(run, counted, lambda r: r.warm_s, seconds),
        ),
        (
            "Memory of a call: its peak above what the process held before",
            _of_each(run, counted, lambda r: r.call_bytes, size),
        ),
        ("Peak memory of the process", _of_each(run, counted, lambda r: r.peak_bytes, size)),
        (
            "What did not work",
            _table(
                ["", "peer", "outcome", "why"],
                [[(row.label, ""), (r.peer, ""), (r.status, ""), (r.reason, "trouble")] for r, row in troubles],
            )
            if troubles
            else "<p>Nothing failed.</p>",
        ),
        ("Not installed", f"<p>{escape(', '.join(run.skipped))}</p>" if run.skipped else ""),
    ]
    body = "".join((f"<h2>{escape(title)}</h2>" if title else "") + text for title, text in sections if text)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>tapec bench</title><style>{STYLE}</style></head>'
        f"<body><h1>tapec beside its peers</h1>{body}</body></html>\n"
    )


def write(path: Path, run: Run, found: list[Row]) -> None:
    """Writes the page into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(run, found), encoding="utf-8")
