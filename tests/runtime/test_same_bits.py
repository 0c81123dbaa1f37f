"""The contract of decision 6: compiled programs and eager runs give the same bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import random_graphs
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import assert_same_bits, graphs, random_inputs

from tapec.errors import IndexOutOfRangeError
from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import Sym, apply, matmul
from tapec.passes.program_text import FINE, GUARD_DIFFERS, INDEX_OUT_OF_RANGE
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

SHORT = [dtypes.F16, dtypes.bfloat16()]
Shapes = tuple[tuple[int, ...], ...]
SMALL: Shapes = random_graphs.SHAPES
LARGE: Shapes = ((300,), (20, 300), (300, 1), (1, 300), (20, 1), (5000,))  # eager runs have kernels for some of them

SHAPES = [
    (1,),
    (7,),
    (16,),
    (33,),
    (2047,),
    (2048,),
    (4113,),
    (3, 5),
    (129, 4),
    (4, 300),
    (17, 1, 9),
    (6, 50, 7),
    (2, 3000),
    (3000, 2),
]


@given(graph=graphs(), seed=st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_random_graphs(graph: Graph, seed: int) -> None:
    """Every primitive, special values included, through all passes."""
    _check_same_bits(graph, seed)


@pytest.mark.parametrize("shapes", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("dtype", SHORT, ids=str)
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_random_graphs_of_sixteen_bits(dtype: DType, shapes: Shapes, data: st.DataObject, seed: int) -> None:
    """The same of floats of 16 bits, which compiled programs keep in registers: rounded after each op."""
    _check_same_bits(data.draw(graphs(floats=(dtype, dtype), shapes=shapes)), seed)


def _check_same_bits(graph: Graph, seed: int) -> None:
    inputs = [np.asarray(a, order="C") for a in random_inputs(graph, seed)]
    status, outputs, guards = compile_graph(graph).run(inputs)
    with np.errstate(all="ignore"):
        try:
            expected, seen = interpret(graph, inputs)
        except IndexOutOfRangeError:
            assert status in (INDEX_OUT_OF_RANGE, GUARD_DIFFERS)
            return
    assert status in (FINE, GUARD_DIFFERS)
    if status == FINE:
        assert guards == seen
        assert_same_bits(outputs, expected)


def _graph(arrays: list[np.ndarray[Any, Any]]) -> tuple[Graph, list[Sym]]:
    graph = Graph("g")
    builder = Builder(graph)
    return graph, [Sym(builder, graph.add_input(tensor_type(dtypes.of(a.dtype), a.shape))) for a in arrays]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_fused_and_alone(shape: tuple[int, ...], dtype: Any) -> None:
    """A sum has its own bits whatever is fused into it, over every choice of axes."""
    rng = np.random.default_rng(sum(shape))
    x, w = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[-1:]).astype(dtype)
    graph, (sx, sw) = _graph([x, w])
    for count in range(1, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            for primitive in (reduction.sum, reduction.max):
                graph.outputs.append(apply(primitive, sx, axes=axes).value)
                graph.outputs.append(apply(primitive, apply(ew.exp, sx) * sw, axes=axes).value)
    status, outputs, _ = compile_graph(graph).run([x, w])
    assert status == FINE
    assert_same_bits(outputs, interpret(graph, [x, w])[0])


@pytest.mark.parametrize("dtype", SHORT, ids=str)
@pytest.mark.parametrize(
    ("m", "k", "n"), [(3, 5, 4), (1, 300, 2), (2, 1, 2), (0, 3, 2), (2, 0, 2), (17, 70, 33), (90, 80, 70)]
)
def test_products_of_sixteen_bits(dtype: DType, m: int, k: int, n: int) -> None:
    """In float32, alone and where what they read and give is computed beside them."""
    rng = np.random.default_rng(0)
    a, b = [rng.normal(size=shape).astype(dtype.numpy) for shape in ((m, k), (k, n))]
    graph, (x, y) = _graph([a, b])
    products = [matmul(x, y), apply(ew.exp, matmul(apply(ew.tanh, x), y * 2.0)) + 1.0]
    graph.outputs = [p.value for p in products]
    status, outputs, _ = compile_graph(graph).run([a, b])
    assert status == FINE
    assert_same_bits(outputs, interpret(graph, [a, b])[0])
    exact = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(outputs[0].astype(np.float64), exact, rtol=2.0**-dtype.digits, atol=1e-5)
