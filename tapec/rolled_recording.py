"""Recordings of Python loops become recordings of loops, before they are compiled."""

from __future__ import annotations

from typing import Final

from tapec.function_recorder import Recording

LEAST_OPS: Final = 96  # shorter graphs have no repetition that is worth a loop


def rolled(recording: Recording) -> Recording:
    """The recording with repeated segments as loops; numbers that its loops read round by round are further sources."""
    if len(recording.graph.ops) < LEAST_OPS:
        return recording
    from tapec.passes.reroll import Reroll

    found = Reroll(LEAST_OPS).rerolled(recording.graph, tables=True)
    return recording._replace(graph=found.graph, sources=(*recording.sources, *found.tables))
