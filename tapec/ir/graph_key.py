"""The structure of a graph as a hashable key."""

from __future__ import annotations

from typing import Any

from tapec.ir.graph import Graph, Value, attributes_key


def graph_key(graph: Graph) -> tuple[Any, ...]:
    """Equal for two graphs exactly if they have the same inputs, ops in the same order, and outputs.

    Names, locations and phases do not count: they change nothing that is computed.
    """
    numbers: dict[Value, int] = {value: i for i, value in enumerate(graph.inputs)}
    ops = []
    for op in graph.ops:
        for value in op.results:
            numbers[value] = len(numbers)
        ops.append(
            (
                op.primitive,
                tuple([numbers[v] for v in op.operands]),
                attributes_key(op.attributes) if op.attributes else (),
                tuple([graph_key(region) for region in op.regions]),
                len(op.results),
            )
        )
    return tuple([v.type for v in graph.inputs]), tuple(ops), tuple([numbers[v] for v in graph.outputs])
