"""All that a run measures, in the order of what matters most, so that one which ends early has the most of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import final

from bench import start
from bench.entrants import Case, Report, Settings
from bench.estimate import Estimate
from bench.harness import Bench
from bench.options import chosen
from bench.peers.table import Installed
from bench.results import Run
from bench.tasks import Task
from bench.workload import Workload
from bench.workloads import WORKLOADS

# Who takes part where many sizes only show how cost grows, and how many are not many.
GROWTH, FEW = ("tapec", "jax"), 10


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
        estimate: how long it takes.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        settings: Settings,
        installed: Sequence[Installed],
        found: Run,
        report: Report,
        estimate: Estimate,
    ) -> None:
        self.options, self.settings, self.installed = options, settings, installed
        self.found, self.report, self.estimate = found, report, estimate
        self._gave_up = {(r.workload, r.peer): r.size for r in reversed(found.results) if r.status == "timed out"}
        self._stack = ExitStack()

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def tasks(self) -> list[Task]:
        """What counts; fewer threads; compile times and starts, of slow compilers last; further sizes. What the run has
        done already is left out.
        """
        workloads = [WORKLOADS[name] for name in chosen(self.options)]
        parts = [self._counted(workloads)]
        if self.options.sweep:
            parts.append(self._fewer_threads(workloads))
        if not self.options.quick and not self.options.no_starts:
            parts += [self._starts(workloads, slow=False), self._starts(workloads, slow=True)]
        if self.options.sweep:
            parts.append(self._further_sizes(workloads))
        return [task for part in parts for task in part if task.key not in self.found.done]

    def _sizes(self, workload: Workload) -> Sequence[int]:
        return (workload.quick,) if self.options.quick else self.options.sizes or workload.sizes

    def _case(self, workload: Workload, size: int, which: Callable[[Installed], bool] = lambda _: True) -> Case:
        return Case.of(workload, size, filter(which, self.installed))

    def _bench(self, settings: Settings, *, shared: bool) -> Bench:
        return self._stack.enter_context(Bench(settings, self.report, self._gave_up, shared=shared))

    def _counted(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        bench = self._bench(self.settings, shared=self.options.quick)

        def calls(case: Case) -> None:
            self.found.put(bench.measure(case))

        def starts(case: Case) -> None:
            self.found.put(start.measure(self.settings, self.report, case))

        for workload in workloads:
            of_calls = self.options.quick or workload.metric == "call"
            for size in self._sizes(workload):
                case = self._case(workload, size)
                seconds = self.estimate.calls(case, self.settings.rounds) if of_calls else self.estimate.start(case)
                yield _task("calls", seconds, calls if of_calls else starts, case)

    def _starts(self, workloads: Sequence[Workload], *, slow: bool) -> Iterator[Task]:
        """For the first size of each, since the time hardly depends on it."""

        def do(case: Case) -> None:
            results = list(self.found.of(case.workload.name, case.size).values())
            start.add(self.settings, self.report, case, results)

        group = "compile times of slow compilers" if slow else "compile times and starts"
        for workload in workloads:
            case = self._case(workload, self._sizes(workload)[0], lambda p: p.kind.compiles and p.kind.slow is slow)
            if workload.metric == "call" and case.peers:
                yield _task(group, self.estimate.compilation(case), do, case)

    def _fewer_threads(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        counts = thread_counts(self.settings.threads)
        bench = self._bench(self.settings, shared=True)

        def do(case: Case) -> None:
            self.found.put(bench.measure(case, counts))

        for workload in workloads:
            if workload.threaded and len(counts) > 1:
                case = self._case(workload, max(self._sizes(workload)), lambda p: not p.kind.slow)
                seconds = self.estimate.calls(case, self.settings.rounds, counts=len(counts), shared=True)
                yield _task("numbers of threads", seconds, do, case)

    def _further_sizes(self, workloads: Sequence[Workload]) -> Iterator[Task]:
        settings = replace(self.settings, rounds=min(self.settings.rounds, 3))
        bench = self._bench(settings, shared=True)
        sizes = [(w, size) for w in workloads for size in w.sweep if size not in self._sizes(w)]

        def do(case: Case) -> None:
            self.found.put(bench.measure(case))

        for workload, size in sizes:
            case = self._case(
                workload, size, lambda p: not p.kind.slow and (len(sizes) <= FEW or p.kind.name in GROWTH)
            )
            yield _task("further sizes", self.estimate.calls(case, settings.rounds, shared=True), do, case)


def _task(group: str, seconds: float, do: Callable[[Case], None], case: Case) -> Task:
    return Task(group, case.name, seconds, lambda: do(case))
