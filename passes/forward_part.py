"""The forward part of a recording: what ran before the first derivative was asked for."""

from __future__ import annotations

from tapec.ir.graph import Graph


def forward_part(graph: Graph) -> Graph:
    """The ops before the first one that a derivative pass wrote; all of `graph` if there is none.

    Its outputs are those of its values that the rest of the graph reads or that the graph gives back. It shares its ops
    with `graph` and is there to be looked at.
    """
    end = next((i for i, op in enumerate(graph.ops) if op.phase != "primal"), len(graph.ops))
    if end == len(graph.ops):
        return graph
    made = {value for op in graph.ops[:end] for value in op.results}
    read = [value for op in graph.ops[end:] for value in op.operands]
    outputs = [value for value in dict.fromkeys([*graph.outputs, *read]) if value in made]
    return Graph(graph.name, graph.inputs, graph.ops[:end], outputs)
