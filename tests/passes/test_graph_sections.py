"""Sections of graphs."""

import numpy as np
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply
from tapec.passes.graph_sections import between, leading_to

X = np.ones(4)


def chain(x, y):
    a = apply(ew.sin, x)
    b = apply(ew.mul, a, y)
    return apply(ew.exp, b), apply(ew.cos, y)


def names(graph):
    return [op.primitive.name for op in graph.ops]


def test_what_no_target_needs_is_left_out():
    graph = graph_of(chain, X, X)
    part = leading_to(graph, graph.outputs[:1])
    assert (names(part), part.inputs, part.outputs) == (["sin", "mul", "exp"], graph.inputs, graph.outputs[:1])


def test_a_section_begins_with_what_is_given():
    graph = graph_of(chain, X, X)
    sine = graph.ops[0].result
    part = between(graph, [*graph.inputs, sine], graph.outputs[:1])
    assert (names(part), part.inputs) == (["mul", "exp"], [graph.inputs[1], sine])
