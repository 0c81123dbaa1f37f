"""Plain text for a terminal: all results, and where tapec is behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.peers.table import CPU
from bench.report.comparison import Row, by_speedup, geometric_mean
from bench.report.words import outcome, ratio
from bench.results import Result, Run


def columns(lines: list[list[str]]) -> str:
    """Aligned: the first one to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def machine_line(machine: dict[str, Any]) -> str:
    """What the numbers depend on, in one line."""
    busy = machine.get("others")
    parts = [
        *([machine["device"]] if machine.get("device", CPU) != CPU else []),
        f"{machine['processor']}, {machine['threads']} of {machine['cores']} cores",
        "use by others unknown" if busy is None else f"{busy:.0%} in use by others",
        f"Python {machine['python']}",
        *(f"{name} {version}" for name, version in machine["peers"].items()),
    ]
    if "bytes_per_s" in machine:
        parts.append(f"memory {machine['bytes_per_s'] / 1e9:.1f} GB/s")
        parts.append(
            f"products {machine['flops_float64'] / 1e9:.0f} (float64) and "
            f"{machine['flops_float32'] / 1e9:.0f} (float32) Gflop/s"
        )
    return ", ".join(parts)


def busy_line(machine: dict[str, Any]) -> str:
    """A warning where others had a good part of the machine; empty if they had not."""
    others = machine.get("others")
    if others is None or others < 0.1:
        return ""
    return f"Other programs used {others:.0%} of the machine meanwhile: times are longer than on an idle one."


def summary(found: list[Row]) -> list[str]:
    """Over the rows that count."""
    counted = [row for row in found if row.counts]
    mean = geometric_mean(row.speedup for row in counted)
    behind = [row for row in counted if row.behind]
    lines = []
    if mean is not None:
        measured = sum(row.speedup is not None for row in counted)
        lines.append(f"geometric mean of best peer / tapec over {measured} workloads: {ratio(mean)}")
    lines.append(f"slower than the best peer: {len(behind)}")
    lines += [f"  {ratio(row.speedup)}  {row.label} ({row.best.peer})" for row in by_speedup(behind) if row.best]
    far = sorted((row for row in counted if row.over_limit is not None and row.over_limit > 1.5), key=_over_limit)
    lines.append(f"takes more than 1.5 times what is written by hand: {len(far)}")
    lines += [f"  {ratio(row.over_limit)}  {row.label}" for row in reversed(far)]
    for what, value in (
        ("compilation alone", lambda r: r.compile_s),
        ("import, compilation and first call, empty disk caches", lambda r: r.cold_s),
        ("import and first call, filled disk caches", lambda r: r.warm_s),
        ("peak memory of the process", lambda r: r.peak_bytes),
        ("memory of a call", lambda r: r.call_bytes),
    ):
        lines.append(f"{what}: {_beside_jax(counted, value)}")
    return lines


def _over_limit(row: Row) -> float:
    return row.over_limit or 0.0


def _beside_jax(counted: list[Row], value: Callable[[Result], float | None]) -> str:
    """Where tapec has more of something than JAX."""
    pairs = [
        (a, b, row.label)
        for row in counted
        if (ours := row.tapec) and (theirs := row.results.get("jax")) and (a := value(ours)) and (b := value(theirs))
    ]
    more = [f"{label} ({ratio(a / b)})" for a, b, label in pairs if a > b]
    return f"more than JAX on {len(more)} of {len(pairs)}" + (f": {'; '.join(more)}" if more else "")


def times(run: Run, found: list[Row]) -> list[str]:
    """Everything, worst ratio first."""
    peers = run.peers()
    lines = [["workload", *peers, "best", "best/tapec", "tapec/limit"]]
    for row in by_speedup(found):
        cells = [outcome(row.results.get(peer)) for peer in peers]
        best = row.best.peer if row.best else ""
        lines.append([row.label, *cells, best, ratio(row.speedup), ratio(row.over_limit)])
    return [columns(lines), "", *summary(found)]


def outcomes(run: Run, found: list[Row]) -> list[str]:
    """Of a quick run, whose times say nothing: what ran, and whether the answers agree."""
    peers = run.peers()
    lines = [[row.label, *[row.results[p].status if p in row.results else "–" for p in peers]] for row in found]
    return [columns([["workload", *peers], *lines]), ""]


def all_of(run: Run) -> list[Result]:
    """Results of all numbers of threads."""
    return [*run.results, *run.scaling]


def _case(result: Result) -> str:
    threads = "" if result.threads is None else f" on {result.threads} threads"
    return f"{result.workload} {result.size:,}{threads}"


def report(run: Run, found: list[Row]) -> str:
    """What a terminal shows at the end of a run."""
    troubles = [f"{r.peer} {r.status} at {_case(r)}: {r.reason}" for r in all_of(run) if r.status != "ok"]
    troubles += [
        f"{r.peer}: no compile time or start at {_case(r)}: {r.start_reason}" for r in run.results if r.start_reason
    ]
    skipped = [f"not installed: {', '.join(run.skipped)}"] if run.skipped else []
    body = outcomes(run, found) if run.options["quick"] else times(run, found)
    closing = [line for line in (busy_line(run.machine), machine_line(run.machine)) if line]
    return "\n".join([*body, *skipped, *troubles, *run.left, *closing])
