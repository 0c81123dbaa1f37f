"""Warnings of sources without a gradient: where that is a mistake more often than not."""

from __future__ import annotations

import warnings
from collections.abc import Hashable

from tapec.errors import DisconnectedGradientWarning
from tapec.explanation import explain, name_in
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Location
from tapec.recording import location_of, user_frame
from tapec.tape_history import TapeHistory
from tapec.tensor import Tensor
from tapec.variable import Variable

# Causes that a program has by mistake more often than by design; `gradient` warns of these.
MISTAKES = frozenset(
    {"watched after use", "variable replaced", "left the recording", "integer cast", "state", "outside the tape"}
)


def warn_of_mistakes(
    history: TapeHistory, watch_accessed: bool, targets: list[Tensor | Variable], sources: list[Tensor | Variable]
) -> None:
    """Warns of sources that have no gradient for a reason that is a mistake more often than not, once at each line."""
    frame, _ = user_frame(2)
    recorder = history.recorder
    if frame is None or recorder is None:
        return
    here = location_of(frame)
    # A loop that asks the same again gets the same answer; recordings too long to be found again are asked once a line.
    asked = (recorder.key, here)
    if asked in _ASKED:
        return
    if len(_ASKED) >= _MOST_ASKED:
        _ASKED.clear()
    _ASKED.add(asked)
    for source in sources:
        found = [explain(history, watch_accessed, t, source, frame) for t in targets if t.dtype.kind in FLOATS]
        explanation = next((e for e in found if e.cause in MISTAKES), None)
        if explanation is None:
            continue
        told = (here, explanation.cause, explanation.location)
        if told not in _TOLD:
            _TOLD.add(told)
            name = name_in(source, frame, "a source")
            warnings.warn_explicit(
                f"the gradient with respect to {name} is None. {explanation}",
                DisconnectedGradientWarning, here.filename, here.line,
            )  # fmt: skip


_ASKED: set[tuple[Hashable | None, Location]] = set()
_MOST_ASKED = 1_024
_TOLD: set[tuple[Location, str, Location | None]] = set()
