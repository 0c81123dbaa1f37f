"""The loops of a derivative that read none of its seeds, apart from the rest: they run once, however often it is asked.

The derivative of a loop runs it again to have the values of all rounds. What else does not depend on the seeds stays
where it is, since it costs no more to compute than to keep.
"""

from __future__ import annotations

from typing import NamedTuple

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import creation
from tapec.passes.splice import copy_ops


class Parted(NamedTuple):
    """A derivative in two parts.

    Attributes:
        loops: of the inputs behind the seeds those in `reads`; its outputs are read by `rest`.
        rest: inputs are the seeds, the outputs of `loops`, and the inputs in `kept`.
        reads: which inputs `loops` takes, counted from behind the seeds.
        kept: which inputs `rest` takes besides, counted likewise.
    """

    loops: Graph
    rest: Graph
    reads: tuple[int, ...]
    kept: tuple[int, ...]


def parted(graph: Graph, seeds: int) -> Parted | None:
    """A derivative graph in two parts; None if it has no such loop.

    Args:
        graph: a derivative graph.
        seeds: how many of its inputs are seeds; the others are residuals.
    """
    seeded: set[Value] = set(graph.inputs[:seeds])
    for op in graph.ops:
        if not seeded.isdisjoint(op.operands):
            seeded.update(op.results)
    before = _makers([op for op in graph.ops if op.regions and seeded.isdisjoint(op.results)])
    if not before:
        return None
    loops = [op for op in graph.ops if op in before]
    rest = [op for op in graph.ops if op not in before or op.primitive is creation.constant]
    made = {v for op in loops if op.primitive is not creation.constant for v in op.results}
    read = list(dict.fromkeys([v for op in rest for v in op.operands] + graph.outputs))
    handed = [v for v in read if v in made]
    residuals = graph.inputs[seeds:]
    used = {v for op in loops for v in op.operands}
    reads = tuple([i for i, v in enumerate(residuals) if v in used])
    kept = tuple([i for i, v in enumerate(residuals) if v in read])
    return Parted(
        _graph(f"{graph.name}_loops", [residuals[i] for i in reads], loops, handed),
        _graph(graph.name, [*graph.inputs[:seeds], *handed, *[residuals[i] for i in kept]], rest, graph.outputs),
        reads,
        kept,
    )


def _makers(ops: list[Op]) -> set[Op]:
    """The ops, and all that their operands depend on."""
    found: set[Op] = set()
    waiting = list(ops)
    while waiting:
        op = waiting.pop()
        if op not in found:
            found.add(op)
            waiting += [v.op for v in op.operands if v.op is not None]
    return found


def _graph(name: str, inputs: list[Value], ops: list[Op], outputs: list[Value]) -> Graph:
    graph = Graph(name)
    mapping = {v: graph.add_input(v.type) for v in inputs}
    copy_ops(ops, graph, mapping)
    graph.outputs = [mapping[v] for v in outputs]
    return graph
