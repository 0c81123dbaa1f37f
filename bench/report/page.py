"""One HTML page, which needs nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.report import memory, shares
from bench.report.bounds import least_seconds
from bench.report.comparison import Row, by_speedup, geometric_mean
from bench.report.growth import growth
from bench.report.looks import Plot, key, named
from bench.report.ratios import ratios
from bench.report.scaling import Scaling, lines, plot, scalings
from bench.report.style import STYLE
from bench.report.text import busy_line
from bench.report.words import outcome, ratio, seconds, size
from bench.results import Result, Run
from bench.workloads import WORKLOADS

Cell = tuple[str, str]  # text and class
Section = tuple[str, str]  # heading and content


def _table(heads: Sequence[str], lines: Iterable[Sequence[Cell]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f'<td class="{kind}">{escape(text)}</td>' for text, kind in line) + "</tr>" for line in lines
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _shown(plot: Plot) -> str:
    keys = "".join(f"<span>{key(peer)} {escape(named(peer))}</span>" for peer in plot.peers)
    kind = "wide" if plot.wide else "panels"
    return f'{_note(plot.note)}<div class="key">{keys}</div><div class="{kind}">{"".join(plot.panels)}</div>'


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

    heads = ["", *map(named, peers), "spread", "best peer / tapec", "tapec / by hand", "at least"]
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
    return _table(["", *map(named, peers)], lines) if lines else "<p>Not measured.</p>"


def _facts(machine: dict[str, Any]) -> str:
    shown: dict[str, str] = {}
    for name, value in machine.items():
        if name == "by_threads":  # beside the times by number of threads
            continue
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


def _missing(run: Run) -> str:
    """What a reader might look for in vain."""
    notes = [busy] if (busy := busy_line(run.machine)) else []
    notes += [f"Not installed: {', '.join(run.skipped)}."] if run.skipped else []
    return "".join(_note(text) for text in [*notes, *(f"{line}." for line in run.left)])


def _starts(run: Run, found: Sequence[Row]) -> list[Section]:
    return [
        (
            "First call, compilation included, empty disk caches",
            _note(
                "In a new process, import left out; with what a library does once in a process when it is first used. "
                "Calls that began with caches filled beforehand are not first calls, and stand among starts below."
            )
            + _of_each(run, found, lambda r: r.first_s, seconds),
        ),
        (
            "Compile time: first call in a process that has compiled another small function, empty disk caches",
            _note(
                "Of one size of each workload. What a library does once in a process is not in it. Peers that do not "
                "compile are left out."
            )
            + _of_each(run, found, lambda r: r.compile_s, seconds),
        ),
        (
            "Import, compilation and first call in a new process, empty disk caches",
            _of_each(run, found, lambda r: r.cold_s, seconds),
        ),
        (
            "Import and first call in a new process, filled disk caches",
            _note("Of one size of each workload, and of peers that keep on disk what they compile.")
            + _of_each(run, found, lambda r: r.warm_s, seconds),
        ),
    ]


def _where_time_goes(found: Sequence[Row]) -> str:
    cells = [[*((text, "") for text in line[:-1]), (line[-1], "long")] for line in shares.lines(found)]
    note = (
        "Measured by clocks around the steps of each program. What the call takes above its program is Python's, the "
        "entry's, and that of making arrays. “Rest of” a loop: what is too short in it for a clock of its own."
    )
    return _note(note) + _table(["", *shares.HEADS[1:]], cells) if cells else ""


def _memory(run: Run, found: Sequence[Row]) -> str:
    cells, count = memory.lines(run.peers(), found)
    note = (
        f"Medians over the {count} workloads that all of these peers have run. Pages of files are those of libraries: "
        "processes share them, and the system can take them back."
    )
    return _note(note) + _table(["", *memory.HEADS[1:]], [[(text, "") for text in c] for c in cells]) if cells else ""


def _threads(run: Run, found: Sequence[Scaling]) -> str:
    if not found:
        return ""
    heads, cells = lines(run, found)
    return _table(heads, [[(text, "") for text in line] for line in cells])


def _troubles(found: Sequence[Row], of_threads: Sequence[Scaling]) -> str:
    wrong: list[tuple[str, str, str, str]] = [
        (row.label, r.peer, r.status, r.reason) for row in found for r in row.results.values() if r.status != "ok"
    ]
    wrong += [
        (row.label, r.peer, "no compile time or start", r.start_reason)
        for row in found
        for r in row.results.values()
        if r.start_reason
    ]
    wrong += [
        (f"{scaling.label}, {n} threads", r.peer, r.status, r.reason)
        for scaling in of_threads
        for of_peer in scaling.results.values()
        for n, r in of_peer.items()
        if r.status != "ok"
    ]
    lines = [[*((text, "") for text in line[:-1]), (line[-1], "trouble long")] for line in wrong]
    return _table(["", "peer", "outcome", "why"], lines) if wrong else "<p>Nothing failed.</p>"


def page(run: Run, found: list[Row]) -> str:
    """The whole page."""
    counted, of_threads = [row for row in found if row.counts], scalings(run, WORKLOADS)
    first = ratios(run.peers(), found)
    plots = [*growth(run.peers(), found), plot(run, of_threads)]
    sections: list[Section] = [
        ("", _summary(found) + _missing(run) + _facts(run.machine)),
        *((p.title, _shown(p)) for p in (first,) if p is not None),
        (
            "All times",
            _note(
                "Medians; where tapec is furthest behind comes first. The spread is half the distance of tapec's "
                "quartiles. “At least” is what bytes and matrix products take at the speeds measured above. “–”: the "
                "workload is not written for that peer, or was not asked of it."
            )
            + _times(run, found),
        ),
        *((p.title, _shown(p)) for p in plots if p is not None),
        ("Where the time of tapec's calls goes", _where_time_goes(found)),
        ("Times of tapec by number of threads", _threads(run, of_threads)),
        *_starts(run, counted),
        ("Memory of processes", _memory(run, counted)),
        (
            "Memory of a call: its peak above what the process held before",
            _of_each(run, counted, lambda r: r.call_bytes, size),
        ),
        ("Peak memory of the process", _of_each(run, counted, lambda r: r.peak_bytes, size)),
        ("What did not work", _troubles(found, of_threads)),
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
