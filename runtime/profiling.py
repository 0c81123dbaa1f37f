"""Runs a program with clocks around its steps."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np

from tapec.errors import ProfilingError
from tapec.ir.graph import Location
from tapec.passes.kernel_status import FINE
from tapec.passes.program_text import program_text
from tapec.passes.step_timers import TIMES, Timers
from tapec.passes.step_words import source, words
from tapec.runtime import jit
from tapec.runtime.driver import Executable, routines
from tapec.runtime.target import vector_bits

_WARM, _MOST = 3, 1_000  # runs before those that count; the most of these


class StepTime(NamedTuple):
    """What one step of a program takes.

    Attributes:
        words: what it does.
        line: the user's line that it comes from, where that is known.
        depth: how many other steps it stands in; their times contain its own.
        runs: how often it runs in a run of the program.
        seconds: that it takes in a run of the program, all its runs together: the median.
    """

    words: str
    line: Location | None
    depth: int
    runs: int
    seconds: float


@final
class TimedProgram:
    """Other machine code of a program, with clocks.

    Args:
        executable: the program.

    Attributes:
        executable: the program with clocks.
        steps: those that have one.
        counts: runs and nanoseconds of each step since somebody set them to zero.
    """

    def __init__(self, executable: Executable) -> None:
        program = executable.program
        timers = Timers(program, time.CLOCK_MONOTONIC)
        text = program_text(program, vector_bits(), timers)
        library = jit.compile_module(text, opt=executable.library.source.opt, symbols=routines)
        self.executable = executable.with_library(library)
        self.steps = timers.steps
        address = ctypes.CFUNCTYPE(ctypes.c_void_p)(library.address(TIMES))()
        counted = (ctypes.c_int64 * (2 * len(self.steps))).from_address(address)
        self.counts = np.ctypeslib.as_array(counted).reshape(len(self.steps), 2)

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """Counts of one run.

        Raises:
            ProfilingError: it did not come to its end.
        """
        self.counts[:] = 0
        status, _, _ = self.executable.run(arrays)
        if status != FINE:
            name = self.executable.recorded.name
            raise ProfilingError(f"{name} does not run to its end any more: what it reads has changed")
        return self.counts.copy()


def step_times(executable: Executable, arrays: Sequence[np.ndarray[Any, Any]], seconds: float) -> list[StepTime]:
    """Times of the steps, in the order of the program.

    Args:
        executable: the program.
        arrays: see `Executable.run`.
        seconds: how long it is run, about; at least once.

    Raises:
        ProfilingError: a run did not come to its end.
    """
    timed = TimedProgram(executable)
    for _ in range(_WARM):
        timed.run(arrays)
    found, end = [timed.run(arrays)], time.perf_counter() + seconds
    while len(found) < _MOST and time.perf_counter() < end:
        found.append(timed.run(arrays))
    medians = np.median(np.array(found), axis=0).tolist()
    return [
        StepTime(words(step), source(step), depth, int(runs), 1e-9 * nanoseconds)
        for (step, depth), (runs, nanoseconds) in zip(timed.steps, medians, strict=True)
    ]
