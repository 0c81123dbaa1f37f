"""Recorded calls without the derivative rules that functions brought along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import custom


def drop_rules(graph: Graph, ruled: Iterable[Op]) -> None:
    """Compiled code has no use for derivative rules: what has one is the value that it was given."""
    dropped = set(ruled)
    known: dict[Value, Value] = {}
    for op in graph.ops:
        if op in dropped:
            known.update({made: known.get(like, like) for made, like in likes(op)})
        elif not known.keys().isdisjoint(op.operands):
            op.operands = tuple([known.get(v, v) for v in op.operands])
    graph.ops = [op for op in graph.ops if op not in dropped]
    graph.outputs = [known.get(v, v) for v in graph.outputs]


def likes(op: Op) -> Iterator[tuple[Value, Value]]:
    """The results of a function with a derivative rule of its own, each with the operand that it is."""
    return zip(op.results, op.operands[1 if op.primitive is custom.live else 0 :], strict=False)
