"""Recordings of Python loops become recordings of loops, before they are compiled."""

from __future__ import annotations

from typing import Final

from tapec.recorded_call import RecordedCall, Recording

LEAST_OPS: Final = 96  # shorter recordings have no repetition that is worth a loop


def rolled(call: RecordedCall) -> Recording:
    """The graph of a call with repeated segments as loops; numbers that these read round by round are more sources."""
    sources = call.sources
    found = None
    if len(call.ops) >= LEAST_OPS:
        from tapec.passes.reroll import Reroll
        from tapec.passes.table_numbering import TableNumbering

        found = Reroll(LEAST_OPS).rerolled(TableNumbering(call.ops, call.name), call.constants)
    if found is None:
        graph = call.ops.graph(call.name)[0]
    else:
        graph, sources = found.graph, (*sources, *found.tables)
        read = {v for op in graph.ops for v in op.operands} | set(graph.outputs)
        kept = [(v, s) for v, s in zip(graph.inputs[call.arguments :], sources, strict=True) if v in read]
        graph.inputs = graph.inputs[: call.arguments] + [value for value, _ in kept]
        sources = tuple([source for _, source in kept])
    return Recording(graph, call.arguments, sources, call.assigned, call.guards, call.forks)
