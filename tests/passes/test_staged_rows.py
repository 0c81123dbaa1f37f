"""Reductions over axes that are not one: lines of any length, whose vectors need no masks, in the one order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from on_threads import assert_threads_change_nothing
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import movement, reduction
from tapec.ops.symbolic import Sym, apply
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


def _reduced(kind: Any, x: Sym) -> tuple[Sym, Sym, Sym]:
    """Two reductions over lines that lie a position apart, and a map that is stored beside them."""
    n, m = x.shape
    part = apply(movement.slice_, x, start=(0, 1), step=(1, 1), size=(n, m - 1))
    square = part * part
    return apply(kind, part, axes=(0, 1)), apply(kind, square, axes=(0, 1)), square


@pytest.mark.parametrize("length", [1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 100, 1000, 1023, 1024, 1025, 1039, 2049, 3001])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_lines_of_any_length_keep_the_order(length: int, dtype: Any) -> None:
    x = np.random.default_rng(length).normal(size=(9 + 4000 // length, length + 1)).astype(dtype)
    graph = graph_of(lambda s: _reduced(reduction.sum, s), x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


@pytest.mark.parametrize("kind", [reduction.max, reduction.prod])
def test_what_is_put_twice_counts_once(kind: Any) -> None:
    """A product shows it."""
    x = 1.0 + np.random.default_rng(1).normal(size=(40, 51)) / 50
    graph = graph_of(lambda s: _reduced(kind, s), x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


@pytest.mark.parametrize(("length", "masks"), [(1001, False), (5, True)])
def test_only_lines_shorter_than_a_vector_have_masks(length: int, masks: bool) -> None:
    x = np.ones((300, length + 1))
    graph = graph_of(lambda s: _reduced(reduction.sum, apply(ew.exp, s)), x)
    assert ("masked" in compile_graph(graph).text) == masks


def test_threads_change_nothing() -> None:
    """Parts begin and end within lines."""
    code = """
import numpy as np, tapec as tp
for shape in (700, 1001), (90_000, 9), (60, 5_003):
    x = np.random.default_rng(0).normal(size=shape)
    value, gradient = tp.value_and_grad(lambda x: np.sum(np.diff(x, axis=1) ** 2 * x[:, 1:]))(x)
    print(float(value).hex(), float(np.sum(gradient)).hex())
"""
    assert_threads_change_nothing(Path(__file__).parent, code)
