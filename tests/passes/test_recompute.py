"""Residuals that were not kept are made again from those that were."""

from __future__ import annotations

import numpy as np
from graph_making import graph_of

from tapec.ir.verifier import verify
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply
from tapec.passes.adjoint import adjoint
from tapec.passes.recompute import recompute
from tapec.runtime.interpreter import interpret

X = np.array([0.3, 1.2])


def _f(x: Sym) -> Sym:
    y = apply(ew.exp, x * 2.0)
    return apply(ew.sin, y) * y


def test_everything_from_the_input() -> None:
    """Only the input is kept; the gradient is the same to the last bit."""
    graph = graph_of(_f, X)
    made = adjoint(graph, graph.outputs, graph.inputs, given=[False])
    again = recompute(made.graph, made.residuals, lambda v: v is graph.inputs[0])
    assert again is not None
    derivative, kept = again
    verify(derivative)
    assert kept == (graph.inputs[0],)
    values = dict(zip([*graph.inputs, *(op.result for op in graph.ops)], [X] * 99, strict=False))
    for op in graph.ops:
        values[op.result] = interpret(_upto(graph, op.result), [X])[0][0]
    expected = interpret(made.graph, [values[v] for v in made.residuals])[0]
    found = interpret(derivative, [X])[0]
    assert found[0].tobytes() == expected[0].tobytes()


def _upto(graph, value):  # type: ignore[no-untyped-def]
    return type(graph)(graph.name, graph.inputs, graph.ops, [value])


def test_what_cannot_be_had() -> None:
    """An input that is not kept cannot be made again."""
    graph = graph_of(_f, X)
    made = adjoint(graph, graph.outputs, graph.inputs, given=[False])
    assert recompute(made.graph, made.residuals, lambda _: False) is None


def test_nothing_to_do() -> None:
    """With all residuals at hand, they are read as they are."""
    graph = graph_of(_f, X)
    made = adjoint(graph, graph.outputs, graph.inputs, given=[False])
    again = recompute(made.graph, made.residuals, lambda _: True)
    assert again is not None and again[1] == made.residuals
