"""Graphs in tests as the lines between `"tapec.graph"() ({` and its end."""

from __future__ import annotations

from tapec.ir.graph import Graph
from tapec.ir.parser import parse_graph
from tapec.ir.printer import print_graph
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES


def graph_of(body: str) -> Graph:
    """The graph with these lines, verified."""
    graph = parse_graph(f'"tapec.graph"() ({{\n{body.strip()}\n}}) {{sym_name = "f"}} : () -> ()', PRIMITIVES)
    verify(graph)
    return graph


def body_of(graph: Graph) -> str:
    """The lines of a graph."""
    return "\n".join(print_graph(graph).splitlines()[1:-1])
