"""Programs with clocks around their steps: the bits of those without, and the right steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_making import graph_of

from tapec.errors import ProfilingError
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum, take, transpose
from tapec.runtime.driver import compile_graph
from tapec.runtime.profiling import TimedProgram, step_times

X = np.random.default_rng(0).normal(size=(60, 70))


def _two_steps(x: Sym) -> Sym:
    y = apply(ew.exp, x)
    return transpose(y, (1, 0)) * 2.0 + reduce_sum(y, (1,))


def _long(x: Sym) -> Sym:
    """More steps than fit one function."""
    for _ in range(40):
        x = apply(ew.sin, x) - reduce_sum(x, (0,))
    return x


@pytest.mark.parametrize("function", [_two_steps, _long])
def test_clocks_change_no_bit(function: Any) -> None:
    """And every step runs once, in order, with a time."""
    executable = compile_graph(graph_of(function, X))
    timed = TimedProgram(executable)
    counts = timed.run([X])
    assert [step for step, _ in timed.steps] == list(executable.program.steps)
    assert counts[:, 0].tolist() == [1] * len(timed.steps)
    assert (counts[:, 1] > 0).all()
    _, expected, _ = executable.run([X])
    _, found, _ = timed.executable.run([X])
    assert found[0].tobytes() == expected[0].tobytes()
    assert timed.counts[:, 0].tolist() == [2] * len(timed.steps)


def test_code_without_clocks_has_none() -> None:
    assert "clock_gettime" not in compile_graph(graph_of(_two_steps, X)).text


def test_times_have_the_words_of_their_steps() -> None:

    def function(x: Sym, y: Sym) -> tuple[Sym, Sym]:
        return apply(ew.exp, x), apply(ew.tanh, y)

    arrays = np.linspace(0.0, 1.0, 1_000), np.linspace(0.0, 1.0, 50_000)
    times = step_times(compile_graph(graph_of(function, *arrays)), arrays, 0.01)
    assert [t.words for t in times] == ["loops over 1000: exp", "loops over 50000: tanh"]
    assert [(t.depth, t.runs, t.seconds > 0.0) for t in times] == [(0, 1, True)] * 2


def test_a_run_that_meets_an_error_is_no_measurement() -> None:
    def function(x: Sym, i: Sym) -> Sym:
        return take(x, i, axis=0)

    at = np.array([1, 99])
    executable = compile_graph(graph_of(function, X, at))
    with pytest.raises(ProfilingError, match="does not run to its end"):
        step_times(executable, (X, at), 0.01)
