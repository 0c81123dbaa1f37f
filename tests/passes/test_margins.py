"""Reductions that ride along in a nest with a margin: which, and that no bit depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from on_threads import assert_threads_change_nothing
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ops import movement, reduction
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes import inline_loads, margins
from tapec.passes.loops import Load, Reduce, Store
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

Array = np.ndarray[Any, Any]


def _part(x: Sym, start: int, stop: int) -> Sym:
    """Positions along the last axis."""
    starts = (*[0] * (len(x.shape) - 1), start)
    return apply(movement.slice_, x, start=starts, step=(1,) * len(x.shape), size=(*x.shape[:-1], stop - start))


def _padded(x: Sym, start: int, n: int) -> Sym:
    starts = (*[0] * (len(x.shape) - 1), start)
    return apply(movement.unslice, x, start=starts, step=(1,) * len(x.shape), shape=(*x.shape[:-1], n))


def _difference(x: Sym, width: int = 1) -> tuple[Sym, Sym]:
    """The squares of differences, summed along the last axis, and the gradient."""
    n = x.shape[-1]
    d = _part(x, width, n) - _part(x, 0, n - width)
    return reduce_sum(d * d, (len(x.shape) - 1,)), _padded(d + d, width, n) - _padded(d + d, 0, n)


def _steps(function: Any, *arrays: Array) -> tuple[Any, ...]:
    return compile_graph(graph_of(function, *arrays)).program.steps


def test_the_value_rides_along_with_the_gradient() -> None:
    """One nest reads the argument and nothing else."""

    def rosenbrock(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    seen = tp.value_and_grad(rosenbrock).inspect(np.ones(10_000))
    assert seen.kernels == 1
    (nest,) = _steps(_difference, np.ones(10_000))
    assert {i.access.buffer.kind for i in nest.body if isinstance(i, Load)} == {"input"}
    assert [type(i) for i in nest.body if isinstance(i, Store | Reduce)] == [Reduce, Store]


@pytest.mark.parametrize("n", [16, 17, 18, 33, 100, 2048, 2049, 2050, 4097, 6145, 8193, 10_250, 14_337])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_elements_keep_their_places_in_the_order(monkeypatch: pytest.MonkeyPatch, n: int, dtype: Any) -> None:
    """Also where the margin begins a vector or a block of its own."""
    for module in (margins, inline_loads):
        monkeypatch.setattr(module, "LEAST_BYTES", 0)
    x = np.random.default_rng(n).normal(size=n).astype(dtype)
    graph = graph_of(_difference, x)
    executable = compile_graph(graph)
    assert len(executable.program.steps) == 1
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


@pytest.mark.parametrize("kind", [reduction.max, reduction.min, reduction.prod, reduction.sum])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_a_margin_adds_nothing_to_any_reduction(kind: Any, dtype: Any) -> None:
    """Neither zeros to a maximum of negative numbers nor to a product; a sum of negative zeros stays one."""

    def reduced(x: Sym) -> tuple[Sym, Sym]:
        n = x.shape[0]
        inner = _part(x, 3, n) + _part(x, 0, n - 3)
        return apply(kind, inner, axes=(0,)), x + _padded(inner, 1, n)

    rng = np.random.default_rng(1)
    for sign in (1, -1):
        x = (sign * rng.integers(1, 3, size=20_000)).astype(dtype)
        zeros = np.full(20_000, -0.0 if dtype is np.float32 else 0, dtype)
        graph = graph_of(reduced, x)
        executable = compile_graph(graph)
        assert len(executable.program.steps) == 1
        for each in (x, zeros):
            assert_same_bits(executable.run([each])[1], interpret(graph, [each])[0])


@pytest.mark.parametrize("shape", [(3, 5000), (40, 700)])
def test_a_sum_for_each_row_rides_along(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(2).normal(size=shape)
    graph = graph_of(lambda s: _difference(s, 2), x)
    executable = compile_graph(graph)
    assert len(executable.program.steps) == 1
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


@pytest.mark.parametrize("shape", [(40, 700), (17, 2048), (5000, 7)])
def test_a_sum_over_all_rows_rides_along(shape: tuple[int, int]) -> None:
    """Differences of rows: all of the margin's row lies behind the others' elements."""

    def f(x: Sym) -> tuple[Sym, Sym]:
        n, m = x.shape
        later, earlier = (apply(movement.slice_, x, start=(i, 0), step=(1, 1), size=(n - 1, m)) for i in (1, 0))
        d = later - earlier
        back, here = (apply(movement.unslice, d, start=(i, 0), step=(1, 1), shape=x.shape) for i in (1, 0))
        return reduce_sum(d * d, (0, 1)), back - here

    x = np.random.default_rng(4).normal(size=shape)
    graph = graph_of(f, x)
    executable = compile_graph(graph)
    assert len(executable.program.steps) == 1
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


def test_sums_over_ranges_of_their_own_share_a_nest() -> None:
    """Differences of neighbours and of their neighbours."""

    def both(x: Sym) -> tuple[Sym, ...]:
        first, second = _difference(x), _difference(x, 2)
        return first[0], second[0], first[1] + second[1]

    x = np.random.default_rng(3).normal(size=30_000)
    graph = graph_of(both, x)
    executable = compile_graph(graph)
    assert len(executable.program.steps) == 1
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


def test_nests_that_are_better_apart_stay_apart() -> None:
    """What needs the sum waits for it; little stays in cache; a sum over half is no margin."""

    def waits(x: Sym) -> Sym:
        total, gradient = _difference(x)
        return gradient * broadcast(total, x.shape)

    def half(x: Sym) -> tuple[Sym, Sym]:
        n = x.shape[0]
        return reduce_sum(_part(x, 0, n // 2), (0,)), x + _padded(_part(x, 1, n), 0, n)

    assert len(_steps(waits, np.ones(10_000))) == 2
    assert len(_steps(_difference, np.ones(100))) == 2
    assert len(_steps(half, np.ones(10_000))) == 2


def test_threads_change_nothing() -> None:
    code = """
import numpy as np, tapec as tp
x = np.random.default_rng(0).normal(size=300_001)
value, gradient = tp.value_and_grad(lambda x: np.sum((x[1:] * x[:-1]) ** 2 - x[1:]))(x)
print(float(value).hex(), gradient.tobytes().hex()[:2000], float(np.sum(gradient)).hex())
"""
    assert_threads_change_nothing(Path(__file__).parent, code)
