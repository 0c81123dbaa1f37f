"""Columns that are summed row by row have the bits of the fixed order, whatever strips and rows they are taken in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes import column_strips, strip_choice
from tapec.passes.loops import Nest
from tapec.passes.nest_lanes import lane_count
from tapec.passes.strip_choice import in_strips
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import forms_of


def _in_strips(function: Any, x: np.ndarray[Any, Any]) -> bool:
    nests = [s for s in forms_of(graph_of(function, x), 256).program.steps if isinstance(s, Nest)]
    return any(in_strips(nest, lane_count(nest, 256)) for nest in nests)


def test_large_wide_columns_are_written_in_strips() -> None:
    assert _in_strips(lambda x: reduce_sum(x, (0,)), np.ones((1000, 100)))
    assert not _in_strips(lambda x: reduce_sum(x, (0,)), np.ones((100, 100)))
    assert not _in_strips(lambda x: reduce_sum(x, (0,)), np.ones((10_000, 10)))
    assert not _in_strips(lambda x: reduce_sum(x, (1,)), np.ones((1000, 100)))


def test_nothing_long_is_computed_again_for_each_row() -> None:
    def weighted(x: Sym) -> Sym:
        row = reduce_sum(x, (0,))
        return reduce_sum(x * broadcast(apply(ew.exp, row), x.shape), (0,))

    graph = graph_of(weighted, np.ones((1000, 100)))
    nests = [s for s in forms_of(graph, 256).program.steps if isinstance(s, Nest)]
    for nest in nests:
        exponentials = [i for i in nest.body if getattr(i, "primitive", None) is ew.exp]
        assert not (exponentials and in_strips(nest, 16))


@pytest.mark.parametrize("strip", [64, 1024])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "shape", [(1, 40), (7, 17), (127, 33), (128, 100), (129, 64), (300, 1100), (1030, 40), (513, 130)]
)
def test_bits(shape: tuple[int, int], dtype: Any, strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip_choice, "LEAST_BYTES", 0)
    monkeypatch.setattr(column_strips, "STRIP", strip)
    x = np.random.default_rng(shape[0]).normal(size=shape).astype(dtype)

    def function(s: Sym) -> tuple[Sym, ...]:
        return reduce_sum(s, (0,)), reduce_sum(s * s, (0,)), apply(reduction.max, s, axes=(0,)), s * 2.0

    assert _in_strips(function, x) == (shape[0] > 1)
    graph = graph_of(function, x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])
    graph = graph_of(lambda s: reduce_sum(apply(ew.exp, s), (0,)), x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


def test_bits_of_the_middle_axis_and_of_booleans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip_choice, "LEAST_BYTES", 0)
    x = np.random.default_rng(3).normal(size=(3, 200, 50))
    graph = graph_of(lambda s: (reduce_sum(s, (1,)), apply(reduction.max, apply(ew.gt, s, s * 0.0), axes=(1,))), x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])
