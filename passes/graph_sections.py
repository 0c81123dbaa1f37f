"""Sections of a graph: the ops that lead to some of its values. They share these ops with the graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tapec.ir.graph import Graph, Op, Value


def leading_to(graph: Graph, targets: Sequence[Value]) -> Graph:
    """The graph without the ops that no target depends on; its outputs are the targets."""
    return Graph(graph.name, graph.inputs, _ops(graph, targets, ())[0], list(targets))


def between(graph: Graph, given: Collection[Value], targets: Sequence[Value]) -> Graph:
    """The ops that make the targets of given values; its inputs are those of them that are read.

    Args:
        graph: the graph.
        given: values of it, all inputs that the targets depend on among them.
        targets: other values of it.
    """
    ops, read = _ops(graph, targets, given)
    return Graph(graph.name, [value for value in given if value in read], ops, list(targets))


def _ops(graph: Graph, targets: Sequence[Value], given: Collection[Value]) -> tuple[list[Op], set[Value]]:
    needed, ops = set(targets), []
    for op in reversed(graph.ops):
        if any(value in needed and value not in given for value in op.results):
            ops.append(op)
            needed.update(op.operands)
    return ops[::-1], needed
