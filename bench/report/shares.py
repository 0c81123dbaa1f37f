"""Where the time of tapec's calls goes: to which steps of the program, and to what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.comparison import Row
from bench.report.words import seconds
from bench.results import StepShare

NAMED, LEAST = 4, 0.03  # steps that are named at most; the least share of the program


@dataclass(frozen=True)
class Share:
    """A step by itself.

    Args:
        words: what it does.
        seconds: of a call, without the steps in it that are counted by themselves.
        share: of the program.
    """

    words: str
    seconds: float
    share: float


def program_seconds(steps: Sequence[StepShare]) -> float:
    """What the whole program takes."""
    return sum(step.seconds for step in steps if step.depth == 0)


def shares(steps: Sequence[StepShare]) -> list[Share]:
    """The steps by themselves, those first that take longest."""
    own = [step.seconds for step in steps]
    open_steps: list[int] = []
    contains = set()
    for place, step in enumerate(steps):
        del open_steps[step.depth :]
        if open_steps:
            own[open_steps[-1]] -= step.seconds
            contains.add(open_steps[-1])
        open_steps.append(place)
    total = program_seconds(steps) or 1.0
    found = [
        Share(_words(step, place in contains), max(0.0, own[place]), max(0.0, own[place]) / total)
        for place, step in enumerate(steps)
    ]
    return sorted(found, key=lambda share: -share.seconds)


def _words(step: StepShare, contains: bool) -> str:
    text = f"{'rest of ' if contains else ''}{step.words}{f' ({step.runs:,} times)' if step.runs > 1 else ''}"
    return text.replace(" x ", " × ")


def lines(found: Sequence[Row]) -> list[list[str]]:
    """Cells of a table: the workload, the call, its program, and the longest steps."""
    cells = []
    for row in found:
        if row.counts and row.tapec is not None and row.tapec.steps:
            every = shares(row.tapec.steps)
            named = [s for s in every[:NAMED] if s.share >= LEAST]
            texts = [f"{s.share:.0%} {s.words}" for s in named]
            rest = 1.0 - sum(s.share for s in named)
            if rest >= LEAST:
                texts.append(f"{rest:.0%} {len(every) - len(named)} other steps")
            program = seconds(program_seconds(row.tapec.steps))
            cells.append([row.label, seconds(row.tapec.median_s), program, "; ".join(texts)])
    return cells


HEADS = ["where the time goes", "call", "its program", "steps of the program"]
