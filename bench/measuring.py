"""What `tapec bench` does before it reports: a plan, filled caches, or a run."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine, resume
from bench.caches import Prepared
from bench.entrants import Case, Report, Settings
from bench.estimate import Estimate
from bench.options import ASKED, UsageError, check, chosen
from bench.peers.table import CPU, PEERS, Installed, find, place_of
from bench.plan import Plan, thread_counts
from bench.prepare import fill
from bench.process import ROOT, measured_capabilities
from bench.results import Run
from bench.tasks import Task, carry_out, clock, outline
from bench.usage import Usage
from bench.workloads import WORKLOADS

QUICK = Settings(threads=1, rounds=2, seconds=0.0, floor=0.0, rest=0.0, starts=1, limit=60.0)
_EARLIER = ROOT / "bench" / "results" / "results.json"


def _settings(options: argparse.Namespace) -> Settings:
    if options.quick:
        return replace(QUICK, device=options.device)
    limits = dict(options.limit or {})
    return Settings(
        options.threads or os.cpu_count() or 1,
        rounds=options.rounds,
        starts=min(options.rounds, Settings.starts),
        limit=limits.pop("", Settings.limit),
        limits=limits,
        device=options.device,
        prepared=None if options.caches is None else Prepared(options.caches),
    )


def _peers(options: argparse.Namespace, console: Console) -> tuple[list[Installed], list[str]]:
    able = [name for name in options.peers or PEERS if place_of(PEERS[name], options.device) is not None]
    installed, skipped = find(able, [sys.executable, *options.peer_python])
    for name in skipped:
        console.print(f"{name} is skipped: not installed")
    if not installed:
        raise UsageError("none of the peers is installed")
    return installed, skipped


@contextmanager
def _begun(options: argparse.Namespace, console: Console, report: Report) -> Iterator[Plan]:
    """The plan of a run, which is new or resumed."""
    earlier = None
    if options.resume is not None:
        earlier = resume.load(options.resume)
        resume.take_over(options, earlier)
        check(options)
    installed, skipped = _peers(options, console)
    settings = _settings(options)
    described: dict[str, Any] = machine.describe(settings.threads, settings.device)
    described["peers"] = {p.kind.packages[0]: p.version for p in installed}
    if earlier is not None:
        resume.check(earlier, described, skipped)
    asked = {name: getattr(options, name) for name in ASKED} | {"prepared": options.caches is not None}
    found = earlier or Run(described, asked, [], skipped)
    known = Run.load(_EARLIER) if _EARLIER.exists() else None
    with Plan(options, settings, installed, found, report, Estimate(settings, known)) as begun:
        yield begun


def plan(options: argparse.Namespace) -> int:
    """Says what a run would measure, and how long that would take."""
    with _begun(options, Console(stderr=True), print) as begun:
        print("\n".join(outline(begun.tasks(), time.time())))
    return 0


def prepare(options: argparse.Namespace) -> int:
    """Fills caches."""
    console = Console(stderr=True)
    installed, _ = _peers(options, console)
    slow = [peer for peer in installed if peer.kind.slow]
    if not slow:
        raise UsageError("none of the peers compiles for so long that its caches are worth filling")
    workloads = [WORKLOADS[name] for name in chosen(options)]
    cases = [Case.of(w, size, slow) for w in workloads if w.metric == "call" for size in w.sizes]
    fill(_settings(options), Prepared(options.caches), cases, console.print, os.cpu_count() or 1)
    return 0


def measure(options: argparse.Namespace) -> Run:
    """A run, shown as it goes on, whose results are saved as they come."""
    console = Console(stderr=True)
    until = TextColumn("{task.fields[until]}")
    columns = TextColumn("{task.description:60.60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), until
    with Progress(*columns, console=console) as bar:
        shown = bar.add_task("", total=None, until="")
        with _begun(options, console, lambda message: bar.update(shown, description=message)) as begun:
            found, tasks = begun.found, begun.tasks()
            if not options.quick:
                for line in outline(tasks, time.time()):
                    console.print(line)
            if not options.quick and options.device == CPU:  # floors of the host's memory and BLAS say nothing of a GPU
                _capabilities(found.machine, begun.settings.threads, sweep=options.sweep)
            bar.update(shown, total=len(tasks))
            before = Usage.now()

            def done(task: Task, seconds: float) -> None:
                found.done[task.key] = seconds
                rest = sum(t.seconds for t in tasks if t.key not in found.done)
                bar.update(shown, advance=1, until=f"until about {clock(time.time() + rest)}")
                found.save(options.out / "results.json")

            found.left = carry_out(tasks, options.minutes, done)
    found.machine |= before.part_of(found.machine)  # peers count as our own once they have ended
    found.save(options.out / "results.json")
    return found


def _capabilities(machine: dict[str, Any], threads: int, *, sweep: bool) -> None:
    """Measures what the machine can do, unless the part of the run that is resumed has done it."""
    if "bytes_per_s" not in machine:
        machine |= measured_capabilities(threads)
    if sweep and "by_threads" not in machine:
        machine["by_threads"] = {str(n): measured_capabilities(n) for n in thread_counts(threads)}
