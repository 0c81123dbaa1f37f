"""Recordings of Python loops become recordings of loops, before they are compiled."""

from __future__ import annotations

from typing import Final

from tapec.recorded_call import Recording

LEAST_OPS: Final = 96  # shorter graphs have no repetition that is worth a loop


def rolled(recording: Recording) -> Recording:
    """The recording with repeated segments as loops; numbers that its loops read round by round are further sources."""
    if len(recording.graph.ops) < LEAST_OPS:
        return recording
    from tapec.passes.reroll import Reroll

    found = Reroll(LEAST_OPS).rerolled(recording.graph, recording.constants)
    sources = (*recording.sources, *found.tables)
    read = {v for op in found.graph.ops for v in op.operands} | set(found.graph.outputs)
    inputs = found.graph.inputs[: recording.arguments]
    kept = [(v, s) for v, s in zip(found.graph.inputs[recording.arguments :], sources, strict=True) if v in read]
    found.graph.inputs = inputs + [value for value, _ in kept]
    return recording._replace(graph=found.graph, sources=tuple([source for _, source in kept]), constants={})
