"""Loops and branches of many examples against a loop over the examples."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph
from tapec.ir.types import TensorType, tensor_type
from tapec.ir.verifier import verify
from tapec.ops import control
from tapec.ops.symbolic import Sym, reduce_sum
from tapec.passes.vectorize import vectorize
from tapec.runtime.interpreter import interpret

F64, I64, BOOL = (tensor_type(d, ()) for d in (dtypes.F64, dtypes.I64, dtypes.BOOL))
F64X2, ROWS = tensor_type(dtypes.F64, (2,)), tensor_type(dtypes.F64, (3, 2))


def region(types: list[TensorType], function: Any) -> Graph:
    graph = Graph(REGION)
    builder = Builder(graph)
    out = function(*[Sym(builder, graph.add_input(t)) for t in types])
    graph.outputs = [x.value for x in (out if isinstance(out, tuple) else (out,))]
    return graph


def graph_with(primitive: Any, operands: list[TensorType], attributes: dict[str, Any], *regions: Graph) -> Graph:
    graph = Graph("f")
    values = tuple([graph.add_input(t) for t in operands])
    graph.outputs = list(Builder(graph).emit(primitive, values, attributes, regions).results)
    return graph


def check(graph: Graph, size: int, batched: tuple[bool, ...], examples: list[Any]) -> None:
    """`examples` has for each input the values of `size` examples, of which the first stands for all if not batched."""
    arrays = [np.asarray(x if b else x[0]) for x, b in zip(examples, batched, strict=True)] if size else [
        np.zeros((0, *v.shape), v.type.dtype.numpy) if b else np.asarray(x[0])
        for v, x, b in zip(graph.inputs, examples, batched, strict=True)
    ]  # fmt: skip
    made = vectorize(graph, size, batched)
    verify(made.graph)
    found, _ = interpret(made.graph, arrays)
    for i in range(size):
        one = [np.asarray(a[i]) if b else a for a, b in zip(arrays, batched, strict=True)]
        for k, expected in enumerate(interpret(graph, one)[0]):
            result = found[k][i] if made.batched[k] else found[k]
            np.testing.assert_array_equal(result, expected)
    for k, value in enumerate(graph.outputs):
        assert found[k].shape == ((size, *value.shape) if made.batched[k] else value.shape)


RNG = np.random.default_rng(5)


@pytest.mark.parametrize("batched", list(product([False, True], repeat=4)))
@pytest.mark.parametrize("size", [3, 0])
def test_scan(batched, size):
    body = region([F64, F64X2, F64, F64X2], lambda a, c, d, x: (c * a + x, d + 1.0, c * x, d))
    attributes = {"consts": 1, "carries": 2, "length": 3, "reverse": True}
    graph = graph_with(control.scan, [F64, F64X2, F64, ROWS], attributes, body)
    check(graph, size, batched, [RNG.normal(size=(3, *v.shape)) for v in graph.inputs])


def test_only_what_differs_is_batched():
    body = region([F64, F64X2, F64, F64X2], lambda a, c, d, x: (c * a + x, d + 1.0, c * x, d))
    attributes = {"consts": 1, "carries": 2, "length": 3, "reverse": False}
    graph = graph_with(control.scan, [F64, F64X2, F64, ROWS], attributes, body)
    assert vectorize(graph, 4, (True, False, False, False)).batched == (True, False, True, False)
    assert vectorize(graph, 4, (False, False, True, False)).batched == (False, True, False, True)


@pytest.mark.parametrize("batched", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("kind", [I64, BOOL])
def test_cond(batched, kind):
    branches = [lambda x, y: (x + y, x), lambda x, y: (x * y, y), lambda x, y: (x, x - y)]
    regions = [region([F64, F64], b) for b in branches[: 2 if kind is BOOL else 3]]
    graph = graph_with(control.cond, [kind, F64, F64], {}, *regions)
    indices = [False, True, True, False, True] if kind is BOOL else [-2, 0, 1, 2, 9]
    check(graph, 5, batched, [indices, RNG.normal(size=5), RNG.normal(size=5)])


@pytest.mark.parametrize("batched", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("size", [4, 0])
def test_while_loop(batched, size):
    """Examples that differ in `limit` or in x go on for different numbers of rounds."""
    condition = region([F64, F64X2, F64X2], lambda limit, x, _: reduce_sum(x, (0,)) < limit)
    body = region([F64, F64X2, F64X2], lambda _, x, y: (x * 2.0, y + x))
    graph = graph_with(control.while_loop, [F64, F64X2, F64X2], {"consts": 1}, condition, body)
    check(graph, size, batched, [np.array([9.0, 1.0, 70.0, 30.0]), 1 + np.arange(8.0).reshape(4, 2), np.ones((4, 2))])


def test_vmap_and_its_gradient():
    def f(x, n):
        x = tp.cond(x > 0.0, np.sin, lambda x: x * x, x)
        x = tp.scan(lambda c, k: (c * 0.9 + k * c * c, None), x, np.arange(3.0))[0]
        return tp.switch(n, [np.exp, np.negative], x)

    xs, ns = np.array([0.5, -0.3, 1.2]), np.array([0, 1, 1])
    np.testing.assert_allclose(tp.vmap(f)(xs, ns), [tp.function(f)(x, n) for x, n in zip(xs, ns, strict=True)])
    each = tp.grad(lambda x, n: f(x, n))
    np.testing.assert_allclose(
        tp.grad(lambda x: np.sum(tp.vmap(f)(x, ns)))(xs), [each(x, n) for x, n in zip(xs, ns, strict=True)]
    )
    loop = tp.vmap(lambda x: tp.while_loop(lambda c: c < 10.0, lambda c: c * x, x))
    np.testing.assert_allclose(loop(np.array([2.0, 3.0, 11.0])), [16.0, 27.0, 11.0])
