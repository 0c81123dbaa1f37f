"""Rows with long bodies: one loop to the end of the row, in the order of sums that eager runs keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import Sym, apply
from tapec.passes.moved_lanes import MovedLanes
from tapec.passes.reducing import ROW_BLOCK
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

KINDS = ("sum", "prod", "max", "min")


def _reduced(kind: str, axes: tuple[int, ...]) -> Any:
    def program(x: Sym) -> Any:
        y = apply(ew.exp, apply(ew.tanh, x))
        return y, apply(getattr(reduction, kind), y, axes=axes)

    return program


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [16, 17, 31, 33, 47, 100, ROW_BLOCK - 1, ROW_BLOCK + 1, 3 * ROW_BLOCK + 5])
def test_rows_end_as_in_eager_runs(n: int, dtype: type) -> None:
    """The values, and all four reductions of them; nothing is lost where vectors were moved back."""
    x = np.random.default_rng(n).normal(size=(3, n)).astype(dtype)
    for kind in KINDS:
        graph = graph_of(_reduced(kind, (1,)), x)
        status, outputs, _ = compile_graph(graph).run([x])
        assert status == 0
        assert_same_bits(outputs, interpret(graph, [x])[0])


def test_a_long_body_is_written_once_and_a_short_one_has_an_end_of_its_own() -> None:
    """A row of 100 has an end that fills no vectors, one of 96 has none."""

    def written(program: Callable[[Sym], object], n: int, instruction: str) -> int:
        return compile_graph(graph_of(program, np.zeros(n))).text.count(f" {instruction} ")

    long = _reduced("sum", (0,))
    assert written(long, 100, "fdiv") == written(long, 96, "fdiv") > 0

    def short(x: Sym) -> Any:
        return apply(reduction.sum, x * 1.5, axes=(0,))

    assert written(short, 100, "fmul") > written(short, 96, "fmul") > 0


def test_moving_is_what_brings_the_last_elements_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the sum is another one."""
    x = np.random.default_rng(0).normal(size=100)
    graph = graph_of(_reduced("sum", (0,)), x)
    right = compile_graph(graph).run([x])[1][1]
    monkeypatch.setattr(MovedLanes, "unless", lambda _self, _whole, value, _distance: value)
    monkeypatch.setenv("TAPEC_CACHE", "0")
    assert compile_graph(graph).run([x])[1][1] != right
