"""`tapec bench`: its options, and what they do."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine
from bench.harness import Bench, Case, Settings
from bench.peers.table import PEERS, Installed, find
from bench.process import ROOT, measured_capabilities
from bench.report import comparison, markdown, page, text
from bench.results import Run
from bench.usage import Usage
from bench.workloads import WORKLOADS

QUICK = Settings(threads=1, rounds=2, seconds=0.0, floor=0.0, starts=1, limit=60.0, warm=False)


def main(arguments: list[str]) -> int:
    """Runs `tapec bench` with these arguments; gives the exit status."""
    return run(_parser().parse_args(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tapec bench", description="Measures tapec beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes, few calls: does everything run, and agree?")
    parser.add_argument("--peers", type=_names, help=f"of {', '.join(PEERS)} (default: all)")
    parser.add_argument("--workloads", type=_names, help="names, or beginnings of names (default: all)")
    parser.add_argument("--sizes", type=_numbers, help="instead of each workload's own")
    parser.add_argument("--sweep", action="store_true", help="further sizes, to see how cost grows")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each peer (default: all cores)")
    parser.add_argument("--rounds", type=int, default=Settings.rounds, help="turns of each peer (default: 7)")
    parser.add_argument("--no-warm-starts", action="store_true", help="saves a third of the time")
    parser.add_argument("--limit", type=float, default=Settings.limit, help="seconds for an answer (default: 120)")
    parser.add_argument(
        "--peer-python",
        action="append",
        default=os.environ.get("TAPEC_BENCH_PYTHON", "").split(os.pathsep),
        help="an interpreter that has peers which this one lacks (also $TAPEC_BENCH_PYTHON)",
    )
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder for what is made")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md and docs/performance.md")
    parser.add_argument("--render", type=Path, help="no measuring: make pages and tables of this results.json")
    parser.add_argument("--list", action="store_true", help="name workloads, sizes and peers")
    return parser


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _numbers(text: str) -> list[int]:
    return [int(float(number)) for number in _names(text)]


class UsageError(Exception):
    """What was asked for does not exist."""


def chosen(options: argparse.Namespace) -> list[tuple[str, int]]:
    """Names and sizes of what is to be measured.

    Raises:
        UsageError: a name fits nothing.
    """
    wanted = options.workloads
    for beginning in wanted or []:
        if not any(name.startswith(beginning) for name in WORKLOADS):
            raise UsageError(f"no workload begins with {beginning!r}; --list shows them")
    names = [name for name in WORKLOADS if wanted is None or name.startswith(tuple(wanted))]
    cases = []
    for name in names:
        workload = WORKLOADS[name]
        sizes = (workload.quick,) if options.quick else workload.all_sizes if options.sweep else workload.sizes
        cases += [(name, size) for size in options.sizes or sizes]
    return cases


def run(options: argparse.Namespace) -> int:
    """Measures and reports.

    Returns:
        The exit status: 1 if tapec failed somewhere or answers differ, 2 for what does not exist.
    """
    if options.list:
        for workload in WORKLOADS.values():
            print(f"{workload.name:20} {workload.unit}: {', '.join(f'{n:,}' for n in workload.all_sizes)}")
        print("peers:", ", ".join(PEERS))
        return 0
    if options.render is not None:
        return _finish(Run.load(options.render), options)
    unknown = [name for name in options.peers or [] if name not in PEERS]
    if unknown:
        print(f"tapec bench: no peer {', '.join(unknown)}; there are {', '.join(PEERS)}", file=sys.stderr)
        return 2
    try:
        cases = chosen(options)
    except UsageError as error:
        print(f"tapec bench: {error}", file=sys.stderr)
        return 2
    return _finish(_measure(cases, options), options)


def _measure(cases: list[tuple[str, int]], options: argparse.Namespace) -> Run:
    pythons = [sys.executable, *(p for p in options.peer_python if p)]
    installed, skipped = find(options.peers or list(PEERS), pythons)
    threads = max(1, min(options.threads, os.cpu_count() or 1))
    settings = QUICK
    if not options.quick:
        warm = not options.no_warm_starts
        starts = min(options.rounds, Settings.starts)
        settings = Settings(threads=threads, rounds=options.rounds, starts=starts, limit=options.limit, warm=warm)
    described: dict[str, Any] = machine.describe(settings.threads)
    described["peers"] = {p.kind.packages[0]: p.version for p in installed}
    if not options.quick:
        described |= measured_capabilities(settings.threads)
    asked = {
        name: getattr(options, name) for name in ("quick", "peers", "workloads", "sizes", "sweep", "rounds", "limit")
    }
    console = Console(stderr=True)
    for name in skipped:
        console.print(f"{name} is skipped: not installed")
    found = Run(described, asked, [], skipped)
    before = Usage.now()
    columns = TextColumn("{task.description:60.60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    bar = Progress(*columns, console=console)
    with bar:
        task = bar.add_task("", total=len(cases))

        def report(message: str) -> None:
            bar.update(task, description=message)

        with Bench(settings, report, shared=options.quick) as bench:
            for name, size in cases:
                found.results += bench.measure(Case(WORKLOADS[name], size, _able(name, installed)))
                found.save(options.out / "results.json")
                bar.advance(task)
    found.machine["others"] = Usage.now().others_since(before)  # peers count as our own once they have ended
    found.save(options.out / "results.json")
    return found


def _able(workload: str, installed: list[Installed]) -> tuple[Installed, ...]:
    return tuple(p for p in installed if WORKLOADS[workload].builder(p.kind.name, p.kind.library) is not None)


def _finish(found: Run, options: argparse.Namespace) -> int:
    table = comparison.rows(found, WORKLOADS)
    print(text.report(found, table))
    where = options.out / "index.html"
    page.write(where, found, table)
    print(f"all of it: {where}")
    if options.write:
        markdown.write(ROOT, found, table)
    return int(any(r.status == "differs" or (r.peer == "tapec" and r.status != "ok") for r in found.results))
