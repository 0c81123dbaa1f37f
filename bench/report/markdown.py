"""The table of README.md, between its markers."""

from __future__ import annotations

from pathlib import Path

from bench.report.comparison import Row, geometric_mean
from bench.report.text import machine_line
from bench.report.words import outcome, ratio, seconds
from bench.results import Run

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(found: list[Row]) -> str:
    """A row for each workload and size that counts."""
    lines = ["| value and gradient, if nothing else is said | tapec | best peer | | times | by hand |"]
    lines.append("|---|---:|---:|---|---:|---:|")
    for row in found:
        if row.counts:
            best = (seconds(row.best.median_s), row.best.peer) if row.best else ("", "")
            limit = outcome(row.results["limit"]) if "limit" in row.results else ""
            cells = (row.label, outcome(row.tapec), *best, ratio(row.speedup), limit)
            lines.append(f"| {' | '.join(cells)} |")
    mean = geometric_mean(row.speedup for row in found if row.counts)
    if mean is not None:
        lines.append(f"| geometric mean | | | | {ratio(mean)} | |")
    return "\n".join(lines)


def section(run: Run, found: list[Row]) -> str:
    """The table and what the numbers depend on."""
    skipped = f" Not installed: {', '.join(run.skipped)}." if run.skipped else ""
    day = run.machine["date"][:10]
    return f"{table(found)}\n\nMedians, in turns, in one run of {day}: {machine_line(run.machine)}.{skipped}"


def put(text: str, between: str) -> str:
    """`text` with what stands between the markers replaced; `ValueError` if a marker is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} to put the table into")
    return f"{head}{BEGIN}\n{between}\n{END}{tail}"


def write(path: Path, run: Run, found: list[Row]) -> None:
    """Puts the table into the file."""
    path.write_text(put(path.read_text(encoding="utf-8"), section(run, found)), encoding="utf-8")
