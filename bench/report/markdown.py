"""Tables between markers: in README.md what is fast, in docs/performance.md what binds it."""

from __future__ import annotations

from pathlib import Path

from bench.report import memory, scaling, shares
from bench.report.bounds import least_seconds
from bench.report.comparison import Row, geometric_mean
from bench.report.text import machine_line
from bench.report.words import outcome, ratio, seconds, size
from bench.results import Run
from bench.workloads import WORKLOADS

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


def what_binds(run: Run, found: list[Row]) -> str:
    """For each workload and size that counts: how far from the machine's limits it is, and what is in the way."""
    lines = [
        "| workload | what binds it | at least | by hand | tapec | spread | first call | compile | memory of a call |"
    ]
    lines.append("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for row in found:
        if row.counts and row.tapec is not None:
            times, limit = row.tapec.times, row.results.get("limit")
            cells = (
                row.label,
                row.workload.binds,
                seconds(least_seconds(row.workload, row.size, run.machine)),
                "" if limit is None else outcome(limit),
                outcome(row.tapec),
                "" if times is None else f"{50 * times.spread:.0f} %",
                seconds(row.tapec.first_s),
                seconds(row.tapec.compile_s),
                size(row.tapec.call_bytes),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def compiling(run: Run, found: list[Row]) -> str:
    """Compile times of all peers that compile, for each workload where they are known."""
    peers = [p for p in run.peers() if any(r.compile_s is not None for r in run.results if r.peer == p)]
    known = [row for row in found if row.counts and any(r.compile_s is not None for r in row.results.values())]
    lines = [f"| compile time | {' | '.join(peers)} |", f"|---|{'---:|' * len(peers)}"]
    for row in known:
        times = [seconds(r.compile_s) if (r := row.results.get(p)) else "–" for p in peers]
        lines.append(f"| {' | '.join([row.label, *times])} |")
    return "\n".join(lines) if known else ""


def by_threads(run: Run) -> str:
    """tapec's times by number of threads."""
    heads, cells = scaling.lines(run, scaling.scalings(run, WORKLOADS))
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(line)} |" for line in cells)]) if run.scaling else ""


def of_memory(run: Run, found: list[Row]) -> str:
    """What the processes of the peers hold."""
    cells, count = memory.lines(run.peers(), found)
    lines = [f"| {' | '.join(memory.HEADS)} |", "|---|---:|---:|---:|---:|", *(f"| {' | '.join(c)} |" for c in cells)]
    return "\n".join([*lines, "", f"Medians over the {count} workloads that all of them have run."]) if cells else ""


def where_time_goes(found: list[Row]) -> str:
    """The longest steps of tapec's programs."""
    cells = shares.lines(found)
    lines = [f"| {' | '.join(shares.HEADS)} |", "|---|---:|---:|---|", *(f"| {' | '.join(line)} |" for line in cells)]
    return "\n".join(lines) if cells else ""


def performance(run: Run, found: list[Row]) -> str:
    """What docs/performance.md holds between its markers."""
    parts = [what_binds(run, found), where_time_goes(found), compiling(run, found), by_threads(run)]
    parts.append(of_memory(run, found))
    return "\n\n".join(part for part in parts if part)


def section(run: Run, lines: str) -> str:
    """A table and what its numbers depend on."""
    skipped = f" Not installed: {', '.join(run.skipped)}." if run.skipped else ""
    day = run.machine["date"][:10]
    return f"{lines}\n\nMedians, in turns, in one run of {day}: {machine_line(run.machine)}.{skipped}"


def put(text: str, between: str) -> str:
    """`text` with what stands between the markers replaced; `ValueError` if a marker is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} to put the table into")
    return f"{head}{BEGIN}\n{between}\n{END}{tail}"


def write(root: Path, run: Run, found: list[Row]) -> None:
    """Puts the tables into README.md and docs/performance.md."""
    for name, lines in (("README.md", table(found)), ("docs/performance.md", performance(run, found))):
        path = root / name
        path.write_text(put(path.read_text(encoding="utf-8"), section(run, lines)), encoding="utf-8")
