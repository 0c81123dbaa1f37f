"""The order in which sums combine is the one that docs/design/0002-numerics.md states, written here in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes import row_streams
from tapec.passes.reducing import COLUMN_BLOCK, LANES, ROW_BLOCK
from tapec.passes.row_loops import short_chunks
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

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


@pytest.mark.parametrize("n", [2048, 4 * ROW_BLOCK, 9 * ROW_BLOCK + 100, 20_000])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_read_at_several_places_at_once(n: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEC_CACHE", "0")  # which knows nothing of other settings
    x = np.random.default_rng(n).normal(size=n).astype(dtype)
    graph = graph_of(lambda s: reduce_sum(s * s, (0,)), x)
    alone = compile_graph(graph)
    monkeypatch.setattr(row_streams, "LENGTH", 0)
    beside = compile_graph(graph)
    assert (beside.text == alone.text) == (n <= ROW_BLOCK)
    assert beside.run([x])[1] == alone.run([x])[1] == [_row(x * x)]


def test_rows_that_write_are_read_at_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of(lambda s: (reduce_sum(s, (0,)), s * 2.0), np.ones(20_000))
    alone = compile_graph(graph).text
    monkeypatch.setattr(row_streams, "LENGTH", 0)
    assert compile_graph(graph).text == alone


def _most(s: Sym, axis: int) -> Sym:
    return apply(reduction.max, s, axes=(axis,))


@pytest.mark.parametrize("length", [5, 16, 23, 45, 2049])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_rows_are_read_from_places_far_apart(length: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With rows left over behind the four quarters; each has the elements in the order of a row alone."""
    monkeypatch.setenv("TAPEC_CACHE", "0")  # which knows nothing of other settings
    rng = np.random.default_rng(length)
    x = (rng.normal(size=(11, length)) * 40).astype(dtype)
    graph = graph_of(lambda s: (reduce_sum(apply(ew.mul, s, s), (1,)), _most(s, 1)), x)
    graphs = [graph, graph_of(lambda s: reduce_sum(s, (1,)), x), graph_of(lambda s: _most(s, 1), x)]
    texts, results = [], []
    for least in (1 << 62, 0):
        monkeypatch.setattr(row_streams, "BYTES", least)
        compiled = [compile_graph(g) for g in graphs]
        texts.append([c.text for c in compiled])
        results.append([c.run([x])[1] for c in compiled])
    # Two reductions in one nest have work enough.
    assert [a != b for a, b in zip(*texts, strict=True)] == [False, True, True]
    for graph, alone, beside in zip(graphs, *results, strict=True):
        assert_same_bits(beside, alone)
        assert_same_bits(beside, interpret(graph, [x])[0])


def test_rows_at_places_of_several_axes_and_with_nans(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last kept axis is the one with four places; a number for each row may be read, too."""
    monkeypatch.setenv("TAPEC_CACHE", "0")
    monkeypatch.setattr(row_streams, "BYTES", 0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 70, 24)), rng.normal(size=(3, 70, 1))
    x[0, 3, 2], x[1, 69, 23], x[2, 0, 0] = np.nan, np.inf, -0.0
    x[2, 1] = -0.0

    def function(s: Sym, t: Sym) -> tuple[Sym, Sym]:
        return reduce_sum(s - broadcast(t, s.shape), (2,)), _most(s, 2)

    graph = graph_of(function, x, y)
    assert_same_bits(compile_graph(graph).run([x, y])[1], interpret(graph, [x, y])[0])


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
    for shape in ((3, 5), (40, 7), (7, 1500), (1500, 5)):
        x, w = rng.normal(size=shape), rng.normal(size=shape[1])

        def f(s: Sym, t: Sym) -> Sym:
            return reduce_sum(s * t, (0, 1))

        (total,) = compile_graph(graph_of(f, x, w)).run([x, w])[1]
        assert total == _row((x * w).ravel())


@pytest.mark.parametrize("n", [16, 100, 5000])
@pytest.mark.parametrize("short", [2, 3, 4])
def test_beside_and_over_short_axes(n: int, short: int) -> None:
    """Each position of a short axis that is kept is a row; one that is reduced goes first."""
    x = np.random.default_rng(n).normal(size=(n, short))
    graph = graph_of(lambda s: (reduce_sum(s, (0,)), reduce_sum(s, (0, 1)), reduce_sum(s, (1,))), x)
    each, total, over = compile_graph(graph).run([x])[1]
    assert np.array_equal(each, [_row(x[:, k]) for k in range(short)])
    assert np.array_equal(over, [_row(point) for point in x])
    assert total == _row(over)
    assert_same_bits([each, total, over], interpret(graph, [x])[0])


def test_short_rows_have_no_more_lanes_than_they_need() -> None:
    """Vectors that cover the row, as many as a power of two, none longer than the machine's."""
    assert [short_chunks(n, 16) for n in (1, 3, 5, 7, 10, 12, 13)] == [[1], [4], [4, 1], [8], [8, 2], [8, 4], [16]]
    for most in (2, 4, 8, 16):
        for n in range(1, 16):
            chunks = short_chunks(n, most)
            assert sum(chunks) >= n
            assert max(chunks) <= most
            assert len(chunks) & (len(chunks) - 1) == 0


@pytest.mark.parametrize("n", range(1, 16))
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.bool_])
def test_short_rows(n: int, dtype: type) -> None:
    """The bits of op-by-op runs, negative zeros and NaN among the elements."""
    rng = np.random.default_rng(n)
    x = rng.integers(-2, 3, (37, n)).astype(dtype)
    if dtype in (np.float64, np.float32):
        x = np.where(x == 0, dtype(-0.0), x)
        x[3, 0], x[5, -1] = np.nan, np.inf
    for primitive in (reduction.sum, reduction.prod, reduction.max, reduction.min):
        if dtype is np.bool_ and primitive in (reduction.sum, reduction.prod):
            continue
        graph = graph_of(lambda s, p=primitive: (apply(p, s, axes=(1,)), apply(ew.maximum, s, s)), x)
        assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])
