"""`tapec bench`: measures what its options say, and reports."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine
from bench.harness import Settings
from bench.options import UsageError, check, parser
from bench.peers.table import CPU, PEERS, find, place_of
from bench.plan import Plan, carry_out, thread_counts
from bench.process import ROOT, measured_capabilities
from bench.report import comparison, markdown, page, text
from bench.results import Run
from bench.usage import Usage
from bench.workloads import WORKLOADS

QUICK = Settings(threads=1, rounds=2, seconds=0.0, floor=0.0, starts=1, limit=60.0)
ASKED = ("quick", "device", "peers", "workloads", "sizes", "sweep", "no_starts", "rounds", "limit", "minutes")


def main(arguments: Sequence[str]) -> int:
    """Runs `tapec bench` with these arguments.

    Returns:
        The exit status: 1 if tapec failed somewhere or answers differ, 2 for what can't be done, 130 if the run was
        interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        check(options)
        if options.list:
            return _list()
        return _finish(_measure(options) if options.render is None else _stored(options), options)
    except UsageError as error:
        print(f"tapec bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before there was anything to report
        return 130


def _list() -> int:
    for workload in WORKLOADS.values():
        print(f"{workload.name:20} {workload.unit}: {', '.join(f'{n:,}' for n in workload.all_sizes)}")
    print("peers:", ", ".join(PEERS))
    return 0


def _stored(options: argparse.Namespace) -> Run:
    try:
        return Run.load(options.render)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{options.render} holds no results of tapec bench ({error})") from None


def _settings(options: argparse.Namespace) -> Settings:
    if options.quick:
        return replace(QUICK, device=options.device)
    cores = os.cpu_count() or 1
    starts = min(options.rounds, Settings.starts)
    return Settings(
        options.threads or cores, rounds=options.rounds, starts=starts, limit=options.limit, device=options.device
    )


def _measure(options: argparse.Namespace) -> Run:
    able = [name for name in options.peers or PEERS if place_of(PEERS[name], options.device) is not None]
    installed, skipped = find(able, [sys.executable, *options.peer_python])
    settings = _settings(options)
    console = Console(stderr=True)
    for name in skipped:
        console.print(f"{name} is skipped: not installed")
    if not installed:
        raise UsageError("none of the peers is installed")
    described: dict[str, Any] = machine.describe(settings.threads, settings.device)
    described["peers"] = {p.kind.packages[0]: p.version for p in installed}
    if not options.quick and options.device == CPU:  # floors of the host's memory and BLAS say nothing of a GPU
        described |= measured_capabilities(settings.threads)
    if options.sweep:
        counts = thread_counts(settings.threads)
        described["by_threads"] = {str(n): measured_capabilities(n) for n in counts}
    found = Run(described, {name: getattr(options, name) for name in ASKED}, [], skipped)
    before = Usage.now()
    columns = TextColumn("{task.description:60.60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:

        def report(message: str) -> None:
            bar.update(shown, description=message)

        def done() -> None:
            bar.advance(shown)
            found.save(options.out / "results.json")

        with Plan(options, settings, installed, found, report) as plan:
            tasks = plan.tasks()
            shown = bar.add_task("", total=len(tasks))
            found.left = carry_out(tasks, options.minutes, done)
    found.machine["others"] = Usage.now().others_since(before)  # peers count as our own once they have ended
    found.save(options.out / "results.json")
    return found


def _finish(found: Run, options: argparse.Namespace) -> int:
    table = comparison.rows(found, WORKLOADS)
    print(text.report(found, table))
    where = options.out / "index.html"
    page.write(where, found, table)
    print(f"all of it: {where}")
    if options.write:
        markdown.write(ROOT, found, table)
    if any("interrupted" in line for line in found.left):
        return 130
    wrong = [r for r in (*found.results, *found.scaling) if r.status == "differs"]
    return int(bool(wrong) or any(r.peer == "tapec" and r.status != "ok" for r in found.results))
