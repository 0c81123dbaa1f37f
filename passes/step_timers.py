"""Clocks around the steps of a program, in LLVM text: how often each runs, and for how long.

All steps that stand outside of loops and branches have one, and those inside that are long enough for it: reading the
clock twice takes some 50 ns. A step that is too short counts as part of what it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, final

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64
from tapec.passes.steps import Program, Step, inner_steps
from tapec.passes.work import step_instructions

TIMES: Final = "step_times"  # `ptr step_times()`: where runs and nanoseconds of each timed step are counted
LEAST: Final = 5_000  # vector instructions, about a microsecond

_COUNTS: Final = "step_counts"
_CLOCK: Final = "clock_now"
_CLOCK_TEXT: Final = """  %time = alloca [2 x i64], align 8
  %status = call i32 @clock_gettime(i32 {clock}, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %rest.slot = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.slot, align 8
  %scaled = mul i64 %seconds, 1000000000
  %nanoseconds = add i64 %scaled, %rest
  ret i64 %nanoseconds"""


class TimedStep(NamedTuple):
    """A step that has a clock.

    Attributes:
        step: which.
        depth: how many timed steps it stands in.
    """

    step: Step
    depth: int


def timed_steps(program: Program) -> list[TimedStep]:
    """In the order of the program, each before those that stand in it."""
    return [found for step in program.steps for found in _timed(step, 0)]


def _timed(step: Step, depth: int) -> Iterator[TimedStep]:
    if depth == 0 or step_instructions(step) >= LEAST:
        yield TimedStep(step, depth)
        for inner in inner_steps(step):
            yield from _timed(inner, depth + 1)


@final
class Timers:
    """Writes the clocks of one program.

    Args:
        program: which.
        clock: number of the system's clock.
    """

    def __init__(self, program: Program, clock: int) -> None:
        self.steps = timed_steps(program)
        self._places = {id(timed.step): place for place, timed in enumerate(self.steps)}
        self._counts = f"[{2 * max(len(self.steps), 1)} x i64] zeroinitializer"
        self._clock = FunctionText(_CLOCK, "", "i64", private=True)
        self._clock.declarations.add("declare i32 @clock_gettime(i32, ptr)")
        self._clock.lines += _CLOCK_TEXT.format(clock=clock).splitlines()

    @contextmanager
    def around(self, f: FunctionText, step: Step) -> Iterator[None]:
        """Counts what is written meanwhile as a run of the step."""
        place = self._places.get(id(step))
        if place is None:
            yield
            return
        f.helpers[_CLOCK] = self._clock
        f.variables[_COUNTS] = self._counts
        begin = self._now(f)
        yield
        taken = f.sub(self._now(f), begin)
        for slot, more in ((2 * place, i64(1)), (2 * place + 1, taken)):
            at = f.element_pointer(Reg(f"@{_COUNTS}", "ptr"), i64(slot), "i64")
            # Another thread may run the same program.
            f.assign(f"atomicrmw add ptr {at.text}, i64 {more.text} monotonic", "i64")

    def _now(self, f: FunctionText) -> Reg:
        return f.assign(f"call i64 @{_CLOCK}()", "i64")

    def reader(self) -> FunctionText:
        """The function `TIMES`."""
        f = FunctionText(TIMES, "", "ptr")
        f.variables[_COUNTS] = self._counts
        f.line(f"ret ptr @{_COUNTS}")
        return f
