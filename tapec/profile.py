"""Where the time of a compiled function goes, as `f.inspect(...).profile()` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tapec.ir.graph import Location
from tapec.runtime.driver import Executable
from tapec.runtime.profiling import StepTime, step_times

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


class Profile(NamedTuple):
    """Times of a program's steps; printing it shows them as a table.

    A clock stands around each step, and around those inside loops that take a microsecond or more. Reading it twice
    takes some 50 ns. What the call itself costs is not in the times.

    Attributes:
        name: of the function.
        steps: in the order of the program, each before those that stand in it.
    """

    name: str
    steps: tuple[StepTime, ...]

    @property
    def seconds(self) -> float:
        """That the program takes: its outermost steps together."""
        return sum(step.seconds for step in self.steps if step.depth == 0)

    def __str__(self) -> str:
        total = self.seconds or 1.0
        lines = [f"{self.name}: {_time(self.seconds)} in the steps of a call"]
        for step in self.steps:
            times = f" x {step.runs:,}" if step.runs != 1 else ""
            where = "" if step.line is None else f"  {_place(step.line)}"
            share = f"{step.seconds / total:6.1%}  {_time(step.seconds):>8}"
            lines.append(f"{share}  {'  ' * step.depth}{step.words}{times}{where}")
        return "\n".join(lines)


def profiled(name: str, executable: Executable, arrays: Sequence[np.ndarray[Any, Any]], seconds: float) -> Profile:
    """The profile of a program; see `Inspection.profile`.

    Args:
        name: of the function.
        executable: the program.
        arrays: its inputs.
        seconds: how long it runs, about.
    """
    return Profile(name, tuple(step_times(executable, arrays, seconds)))


def _place(line: Location) -> str:
    return f"{Path(line.filename).name}:{line.line}"


def _time(seconds: float) -> str:
    for scale, unit in _UNITS:
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
