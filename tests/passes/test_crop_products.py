"""Slices of products of windows: which become slices of what is windowed, and that no bit changes."""

from __future__ import annotations

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import contraction, movement
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, matmul, reshape, transpose
from tapec.passes.crop_products import CropProducts
from tapec.passes.dce import DeadCodeElimination
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

RNG = np.random.default_rng(0)
X, K = RNG.normal(size=(3, 11, 9, 4)), RNG.normal(size=(24, 6))


def convolved(x, k, step=1):
    """Windows of 3 x 2 places, times a kernel."""
    found = apply(movement.windows, x, size=(1, 3, 2, 1), step=(1, step, 1, 1))
    turned = transpose(found, (0, 1, 2, 5, 6, 3, 4, 7))
    counts = turned.shape[:3]
    return reshape(matmul(reshape(turned, (int(np.prod(counts)), 24)), k), (*counts, 6))


def part(y, start, size, step=None):
    return apply(movement.slice_, y, start=start, size=size, step=step or (1,) * len(size))


def rows_of(function) -> list[int]:
    graph = DeadCodeElimination().run(CropProducts().run(graph_of(function, X, K)))
    return [op.result.shape[0] for op in graph.ops if op.primitive is contraction.matmul]


@pytest.mark.parametrize("step", [1, 2])
def test_rows_that_nobody_reads_are_not_computed(step):
    def f(x, k):
        return part(convolved(x, k, step), (0, 1, 2, 0), (2, 3, 5, 6))

    assert rows_of(f) == [2 * 3 * 5]
    graph = graph_of(f, X, K)
    assert_same_bits(compile_graph(graph).run([X, K])[1], interpret(graph, [X, K])[0])
    assert_same_bits(interpret(CropProducts().run(graph), [X, K])[0], interpret(graph, [X, K])[0])


def read_twice(x, k):
    y = convolved(x, k)
    return part(y, (0, 1, 2, 0), (2, 3, 5, 6)), apply(ew.exp, y)


def columns_too(x, k):
    return part(convolved(x, k), (0, 1, 2, 0), (2, 3, 5, 4))


def every_other(x, k):
    return part(convolved(x, k), (0, 0, 0, 0), (3, 4, 8, 6), (1, 2, 1, 1))


@pytest.mark.parametrize("function", [read_twice, columns_too, every_other])
def test_what_stays(function):
    assert rows_of(function) == [3 * 9 * 8]
