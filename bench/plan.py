"""All that a run measures, in the order of what matters most, so that one which ends early has the most of it."""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import final

from bench import start
from bench.harness import Bench, Case, Report, Settings
from bench.options import chosen
from bench.peers.table import Installed
from bench.results import Run
from bench.workload import Workload
from bench.workloads import WORKLOADS


@dataclass(frozen=True)
class Task:
    """One thing to measure.

    Args:
        group: what kind of thing it is.
        do: measures it, and puts it into the run.
    """

    group: str
    do: Callable[[], None]


def thread_counts(most: int) -> list[int]:
    """1, 2, 4, ... and `most`."""
    return [*(2**i for i in range(most.bit_length()) if 2**i < most), most]


@final
class Plan:
    """The tasks of a run.

    Args:
        options: of the command line.
        settings: how much is measured.
        installed: peers.
        found: the run, to which results are added.
        report: is told what happens.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        settings: Settings,
        installed: Sequence[Installed],
        found: Run,
        report: Report,
    ) -> None:
        self.options, self.settings, self.installed = options, settings, installed
        self.found, self.report = found, report
        self._stack = ExitStack()

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def tasks(self) -> list[Task]:
        """What counts; first calls and starts; fewer threads; further sizes."""
        workloads = [WORKLOADS[name] for name in chosen(self.options)]
        parts = [self._counted(workloads)]
        if not self.options.quick and not self.options.no_starts:
            parts.append(self._starts(workloads))
        if self.options.sweep:
            parts += [self._fewer_threads(workloads), self._further_sizes(workloads)]
        return [task for part in parts for task in part]

    def _sizes(self, workload: Workload) -> Sequence[int]:
        return (workload.quick,) if self.options.quick else self.options.sizes or workload.sizes

    def _case(self, workload: Workload, size: int, *, swept: bool = False) -> Case:
        able = [p for p in self.installed if workload.builder(p.kind.name, p.kind.library) is not None]
        return Case(workload, size, tuple(p for p in able if p.kind.swept or not swept))

    def _bench(self, settings: Settings, *, shared: bool) -> Bench:
        return self._stack.enter_context(Bench(settings, self.report, shared=shared))

    def _counted(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        bench = self._bench(self.settings, shared=self.options.quick)

        def calls(case: Case) -> None:
            self.found.results += bench.measure(case)

        def starts(case: Case) -> None:
            self.found.results += start.measure(self.settings, self.report, case)

        for workload in workloads:
            do = calls if self.options.quick or workload.metric == "call" else starts
            for size in self._sizes(workload):
                yield _task("calls", do, self._case(workload, size))

    def _starts(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        """For the first size of each, since the time hardly depends on it."""

        def do(case: Case) -> None:
            results = list(self.found.of(case.workload.name, case.size).values())
            start.add(self.settings, self.report, case, results)

        for workload in workloads:
            if workload.metric == "call":
                yield _task("compile times and starts", do, self._case(workload, self._sizes(workload)[0]))

    def _fewer_threads(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        counts = thread_counts(self.settings.threads)
        bench = self._bench(self.settings, shared=True)

        def do(case: Case) -> None:
            self.found.scaling += bench.measure(case, counts)

        for workload in workloads:
            if workload.threaded and len(counts) > 1:
                yield _task("numbers of threads", do, self._case(workload, max(self._sizes(workload)), swept=True))

    def _further_sizes(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        bench = self._bench(replace(self.settings, rounds=min(self.settings.rounds, 3)), shared=True)

        def do(case: Case) -> None:
            self.found.results += bench.measure(case)

        for workload in workloads:
            for size in workload.sweep:
                if size not in self._sizes(workload):
                    yield _task("further sizes", do, self._case(workload, size, swept=True))


def _task(group: str, do: Callable[[Case], None], case: Case) -> Task:
    return Task(group, lambda: do(case))


def carry_out(tasks: Sequence[Task], minutes: float | None, done: Callable[[], None]) -> list[str]:
    """Does one task after the other until all are done, the time is up, or somebody presses Ctrl-C or sends SIGTERM.

    Args:
        tasks: in order.
        minutes: after which none begins.
        done: called after each task.

    Returns:
        What is left, and why.
    """
    end, number = None if minutes is None else time.monotonic() + 60 * minutes, 0
    usual = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number, task in enumerate(tasks):
            if end is not None and time.monotonic() > end:
                return _left(tasks[number:], f"{minutes:g} minutes were over")
            task.do()
            done()
    except KeyboardInterrupt:
        return _left(tasks[number:], "the run was interrupted")
    finally:
        signal.signal(signal.SIGTERM, usual)
    return []


def _left(tasks: Sequence[Task], why: str) -> list[str]:
    return [f"{group}: {count} not measured, since {why}" for group, count in Counter(t.group for t in tasks).items()]
