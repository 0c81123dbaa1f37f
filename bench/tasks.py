"""What a run consists of, and doing one thing after the other until the time is up."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One thing to measure.

    Args:
        group: what kind of thing it is.
        name: of the workload, and its size.
        seconds: that it takes, as far as is known.
        do: measures it, and puts it into the run.
    """

    group: str
    name: str
    seconds: float
    do: Callable[[], None]

    @property
    def key(self) -> str:
        """No two tasks of a run have the same."""
        return f"{self.group}: {self.name}"


def carry_out(tasks: Sequence[Task], minutes: float | None, done: Callable[[Task, float], None]) -> list[str]:
    """Does one task after the other until all are done, the time is up, or somebody presses Ctrl-C or sends SIGTERM.

    Args:
        tasks: in order.
        minutes: after which none begins.
        done: called after each task, with the seconds that it took.

    Returns:
        What is left, and why.
    """
    begun, number = time.monotonic(), 0
    end = None if minutes is None else begun + 60 * minutes
    usual = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number, task in enumerate(tasks):
            start = time.monotonic()
            if end is not None and start > end:
                return _left(tasks[number:], f"{minutes:g} minutes were over")
            task.do()
            done(task, time.monotonic() - start)
    except KeyboardInterrupt:
        return _left(tasks[number:], "the run was interrupted")
    finally:
        signal.signal(signal.SIGTERM, usual)
    return []


def _left(tasks: Sequence[Task], why: str) -> list[str]:
    return [f"{group}: {count} not measured, since {why}" for group, count in Counter(t.group for t in tasks).items()]


def outline(tasks: Sequence[Task], begin: float) -> list[str]:
    """The plan: each group with the number of its tasks and minutes, and when all of it will be done.

    Args:
        tasks: in order.
        begin: seconds since the epoch.
    """
    counts = Counter(task.group for task in tasks)
    lines = []
    for group, count in counts.items():
        seconds = sum(task.seconds for task in tasks if task.group == group)
        lines.append(f"{group}: {count}, about {seconds / 60:.1f} minutes, until {clock(begin + seconds)}")
        begin += seconds
    return lines


def clock(moment: float) -> str:
    """Hours and minutes, here."""
    return time.strftime("%H:%M", time.localtime(moment))
