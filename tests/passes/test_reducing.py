"""The order in which sums combine is the one that docs/design/0002-numerics.md states, written here in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops.symbolic import Sym, reduce_sum
from tapec.passes.reducing import COLUMN_BLOCK, LANES, ROW_BLOCK
from tapec.runtime.driver import compile_graph

Array = np.ndarray[Any, Any]


def _tree(blocks: list[Any]) -> Any:
    stack: list[Any] = []
    for k, block in enumerate(blocks):
        value, count = block, k + 1
        while count % 2 == 0:
            value = stack.pop() + value
            count //= 2
        stack.append(value)
    total = stack.pop()
    while stack:
        total = stack.pop() + total
    return total


def _row(x: Array) -> Any:
    blocks = []
    for start in range(0, len(x), ROW_BLOCK):
        block = x[start : start + ROW_BLOCK]
        lanes = np.full(LANES, -0.0, x.dtype)
        for r, value in enumerate(block):
            lanes[r % LANES] += value
        while len(lanes) > 1:
            lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
        blocks.append(lanes[0])
    return _tree(blocks)


def _column(x: Array) -> Any:
    blocks = []
    for start in range(0, len(x), COLUMN_BLOCK):
        total = np.full(x.shape[1:], -0.0, x.dtype)
        for value in x[start : start + COLUMN_BLOCK]:
            total = total + value
        blocks.append(total)
    return _tree(blocks)


@pytest.mark.parametrize("n", [1, 3, 15, 16, 17, 100, 2048, 2049, 5000, 20_000])
def test_rows(n: int) -> None:
    """A vector of n numbers, and the same numbers as a matrix reduced over both axes."""
    x = np.random.default_rng(n).normal(size=n)
    (total,) = compile_graph(graph_of(lambda s: reduce_sum(s, (0,)), x)).run([x])[1]
    assert total == _row(x)
    if n % 5 == 0:
        both = x.reshape(5, -1)
        (total,) = compile_graph(graph_of(lambda s: reduce_sum(s * 1.5, (0, 1)), both)).run([both])[1]
        assert total == _row(x * 1.5)


@pytest.mark.parametrize("n", [1, 2, 127, 128, 129, 1000])
def test_columns(n: int) -> None:
    """n rows summed; and two reduced axes in front of the kept one."""
    x = np.random.default_rng(n).normal(size=(n, 11))
    (total,) = compile_graph(graph_of(lambda s: reduce_sum(s, (0,)), x)).run([x])[1]
    assert np.array_equal(total, _column(x))
    if n % 2 == 0:
        both = x.reshape(2, -1, 11)
        (total,) = compile_graph(graph_of(lambda s: reduce_sum(s, (0, 1)), both)).run([both])[1]
        assert np.array_equal(total, _column(x))


def test_staged_rows_have_the_bits_of_plain_ones() -> None:
    """A broadcast operand keeps the two reduced axes apart; the order is that of the flattened whole all the same."""
    rng = np.random.default_rng(0)
    for shape in ((3, 5), (40, 7), (7, 1500), (2500, 3)):
        x, w = rng.normal(size=shape), rng.normal(size=shape[1])

        def f(s: Sym, t: Sym) -> Sym:
            return reduce_sum(s * t, (0, 1))

        (total,) = compile_graph(graph_of(f, x, w)).run([x, w])[1]
        assert total == _row((x * w).ravel())
