"""The batching table: every primitive and random graphs, vectorized, against a loop over the examples."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from graph_text import body_of
from graph_text import graph_of as parsed
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import STRAIGHT, assert_same_bits, graphs, random_array

from tapec.errors import BatchedValueError, UnsupportedFunctionError
from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import Graph
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import creation, indexing, update
from tapec.ops.symbolic import Sym, apply, matmul
from tapec.passes.batching import BATCHING
from tapec.passes.vectorize import vectorize
from tapec.runtime.interpreter import interpret

BATCHED = [p for p in STRAIGHT if p.arity and p is not creation.guard]
# Here bits depend on the shapes: the order of a sum, and which kernel BLAS takes.
SHAPED = ("sum", "prod", "matmul")


def arrays_for(graph: Graph, size: int, batched: list[bool], seed: int) -> list[Any]:
    """Arrays for the inputs, batched ones with their examples on axis 0."""
    rng = np.random.default_rng(seed)
    return [
        np.asarray(random_array(tensor_type(v.type.dtype, (size, *v.shape) if b else v.shape), rng))
        for v, b in zip(graph.inputs, batched, strict=True)
    ]


def looped(graph: Graph, arrays: list[Any], size: int, batched: list[bool]) -> list[list[Any]]:
    """The outputs of each example."""
    return [
        interpret(graph, [np.asarray(a[i]) if b else a for a, b in zip(arrays, batched, strict=True)])[0]
        for i in range(size)
    ]


def check(graph: Graph, size: int, batched: list[bool], seed: int, *, exactly: bool) -> None:
    arrays = arrays_for(graph, size, batched, seed)
    made = vectorize(graph, size, batched)
    verify(made.graph)
    with np.errstate(all="ignore"):
        expected = looped(graph, arrays, size, batched)
        found, _ = interpret(made.graph, arrays)
    for k, (value, is_batched) in enumerate(zip(graph.outputs, made.batched, strict=True)):
        assert found[k].shape == ((size, *value.shape) if is_batched else value.shape)
        for i in range(size):
            one = found[k][i] if is_batched else found[k]
            if exactly:
                assert_same_bits([one], [expected[i][k]])
            else:
                rtol = 1e-4 if one.dtype == np.float32 else 1e-10
                np.testing.assert_allclose(one, expected[i][k], rtol=rtol, atol=rtol)


def test_every_family_has_a_row():
    # Ops with regions have one rule, `batching.control.structured`; test_batching_control.py tries it.
    missing = {p.family.name for p in STRAIGHT} - {family.name for family in BATCHING}
    assert not missing, f"families without a row in tapec.passes.batching: {missing}"


@pytest.mark.parametrize("primitive", BATCHED, ids=lambda p: p.name)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_primitive_against_a_loop(primitive, data):
    graph = data.draw(graphs(max_ops=1, primitives=(primitive,), guards=False))
    batched = [data.draw(st.booleans()) for _ in graph.inputs]
    size = data.draw(st.sampled_from((3, 1, 0)))
    check(graph, size, batched, data.draw(st.integers(0, 9)), exactly=primitive.name not in SHAPED)


@given(graphs(primitives=[p for p in STRAIGHT if p.name not in SHAPED], guards=False), st.data())
@settings(max_examples=60, deadline=None)
def test_random_graphs_against_a_loop(graph, data):
    batched = [data.draw(st.booleans()) for _ in graph.inputs]
    check(graph, 2, batched, data.draw(st.integers(0, 9)), exactly=True)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).normal(size=shape)


POSITIONS = np.array([[1, -1], [0, 0]])
# One op on operands of every rank; each is tried with each choice of batched operands.
CASES: dict[str, tuple[Any, list[Any]]] = {
    "matmul": (matmul, [numbers(2, 3), numbers(3, 4)]),
    "matmul of batches": (matmul, [numbers(5, 2, 3), numbers(5, 3, 1)]),
    "take": (lambda x, i: apply(indexing.take, x, i, axis=1), [numbers(3, 2, 4), POSITIONS]),
    "take of one": (lambda x, i: apply(indexing.take, x, i, axis=0), [numbers(2), np.array(-2)]),
    "scatter_add": (
        lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=1),
        [numbers(3, 2, 4), POSITIONS, numbers(3, 2, 2, 4)],
    ),
    "take_along": (lambda x, i: apply(indexing.take_along, x, i, axis=0), [numbers(2, 2), POSITIONS]),
    "scatter_add_along": (
        lambda x, i, u: apply(indexing.scatter_add_along, x, i, u, axis=1),
        [numbers(2, 2), POSITIONS, numbers(2, 2)],
    ),
    "slice_set": (
        lambda x, u: apply(update.slice_set, x, u, start=(1, 3), step=(2, -1)),
        [numbers(4, 5), numbers(2, 3)],
    ),
    "slice_add": (
        lambda x, u: apply(update.slice_add, x, u, start=(1, 3), step=(2, -1)),
        [numbers(4, 5), numbers(2, 3)],
    ),
    "put": (
        lambda x, i, u: apply(indexing.put, x, i, u, axis=1, distinct=False),
        [numbers(3, 2, 4), POSITIONS, numbers(3, 2, 2, 4)],
    ),
    "small indices": (
        lambda x, i: apply(indexing.take, x, i, axis=0),
        [numbers(100), np.array([-100, 99], np.int8)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_choice_of_batched_operands(name):
    function, examples = CASES[name]
    graph = graph_of(function, *examples)
    size = 3
    for batched in product((False, True), repeat=len(examples)):
        arrays = [
            np.stack([x + 0.1 * i if x.dtype.kind == "f" else np.roll(x, i) for i in range(size)]) if b else x
            for x, b in zip(examples, batched, strict=True)
        ]
        made = vectorize(graph, size, list(batched))
        verify(made.graph)
        (found,), _ = interpret(made.graph, arrays)
        assert made.batched == (any(batched),)
        for i, expected in enumerate(looped(graph, arrays, size, list(batched))):
            np.testing.assert_allclose(found[i] if any(batched) else found, expected[0], rtol=1e-12)


def test_the_graph_of_many():
    before = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.sum"(%arg0) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  %1 = "tapec.sin"(%arg1) : (tensor<f64>) -> tensor<f64>
  %2 = "tapec.mul"(%0, %1) : (tensor<f64>, tensor<f64>) -> tensor<f64>
  "tapec.return"(%2) : (tensor<f64>) -> ()
"""
    after = """
^bb0(%arg0: tensor<5x3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.sum"(%arg0) {axes = array<i64: 1>} : (tensor<5x3xf64>) -> tensor<5xf64>
  %1 = "tapec.sin"(%arg1) : (tensor<f64>) -> tensor<f64>
  %2 = "tapec.mul"(%0, %1) : (tensor<5xf64>, tensor<f64>) -> tensor<5xf64>
  "tapec.return"(%2) : (tensor<5xf64>) -> ()
"""
    made = vectorize(parsed(before), 5, [True, False])
    assert body_of(made.graph) == after.strip("\n")
    assert made.batched == (True,)


def test_a_fixed_matrix_is_one_large_product():
    x, w = numbers(2, 3), numbers(3, 4)
    made = vectorize(graph_of(matmul, x, w), 5, [True, False])
    (op,) = [op for op in made.graph.ops if op.primitive.name == "matmul"]
    assert [v.shape for v in op.operands] == [(10, 3), (3, 4)]


def test_a_guard_on_a_batched_value_is_named():
    graph = Graph("f")
    x = graph.add_input(tensor_type(dtypes.BOOL, ()))
    emit(graph, creation.guard, (x,), {"expected": 1})
    with pytest.raises(BatchedValueError, match="Python branched"):
        vectorize(graph, 3, [True])
    assert [op.primitive for op in vectorize(graph, 3, [False]).graph.ops] == [creation.guard]


class _Odd(Family):
    name = "odd"

    def infer(self, primitive, operands, attributes):
        return operands


def test_an_op_without_a_rule_is_named():
    odd = Primitive("odd", _Odd(), 1, np.abs, "Not in the table.")
    graph = graph_of(lambda x: Sym(x.builder, x.builder.emit(odd, (x.value,)).result), numbers(3))
    with pytest.raises(UnsupportedFunctionError, match="'odd' has no batching rule"):
        vectorize(graph, 2, [True])
