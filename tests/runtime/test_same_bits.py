"""The contract of decision 6: compiled programs and eager runs give the same bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import assert_same_bits, graphs, random_inputs

from tapec.errors import IndexOutOfRangeError
from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import Sym, apply
from tapec.passes.program_text import FINE, GUARD_DIFFERS, INDEX_OUT_OF_RANGE
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
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
