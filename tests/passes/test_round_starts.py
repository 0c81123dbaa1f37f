"""`round_starts`: rounds begin where fewest bytes are carried."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ir.graph import Graph, Value
from tapec.ir.verifier import verify
from tapec.ops import control
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply
from tapec.passes.numbering import GraphNumbering
from tapec.passes.repetition import Run
from tapec.passes.reroll import Reroll
from tapec.passes.round_starts import lightest, more_carried
from tapec.runtime.interpreter import interpret

X = np.linspace(0.1, 1.0, 6)


def steps(rounds: int, before: Callable[[Sym], Sym] = lambda x: x) -> Graph:
    """Each round is sin, mul, add; the sum needs what the round began with."""

    def f(x: Sym) -> Sym:
        x = before(x)
        for _ in range(rounds):
            x = x + apply(ew.sin, x) * x
        return x

    return graph_of(f, X)


def carried_by_hand(graph: Graph, run: Run, first: int) -> int:
    """Bytes of the values that a round in the middle takes from earlier ones."""
    low = run.start + run.count // 2 * run.period + first
    inside: set[Value] = {v for op in graph.ops[low : low + run.period] for v in op.results}
    read = {v for op in graph.ops[low : low + run.period] for v in op.operands}
    return sum(v.type.nbytes for v in read - inside if v.op in graph.ops[run.start :])


@pytest.mark.parametrize("first", range(3))
def test_what_is_carried(first: int) -> None:
    graph, run = steps(30), Run(0, 3, 29, 2)
    found = more_carried(GraphNumbering(graph), run)
    assert found[first] - found[0] == carried_by_hand(graph, run, first) - carried_by_hand(graph, run, 0)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (Run(0, 3, 30), Run(0, 3, 30)),
        (Run(1, 3, 29, 2), Run(3, 3, 29)),  # two items more than rounds: none of them is lost
        (Run(2, 3, 29, 1), Run(3, 3, 29)),
        (Run(2, 3, 28), Run(3, 3, 27)),  # of many, one round is lost
        (Run(2, 3, 9), Run(2, 3, 9)),  # of few it is not
    ],
)
def test_where_rounds_begin(run: Run, expected: Run) -> None:
    graph = steps(30)
    numbers = GraphNumbering(graph)
    (moved,) = lightest(numbers, [run], 8)
    assert (moved.start, moved.period, moved.count) == (expected.start, expected.period, expected.count)


def test_what_stands_before_the_loop_looks_like_the_end_of_a_round() -> None:
    graph = steps(20, lambda x: x + apply(ew.sin, x))
    rolled = Reroll(least_ops=8).run(graph)
    verify(rolled)
    (loop,) = [op for op in rolled.ops if op.primitive is control.scan]
    assert loop.attributes["carries"] == 1
    assert_same_bits(interpret(rolled, [X])[0], interpret(graph, [X])[0])


def test_through_a_derivative() -> None:
    def f(u: np.ndarray) -> np.floating:
        u = u + 0.1 * u
        for _ in range(60):
            u = u + 0.01 * (np.sin(u) * u)
        return np.sum(u * u)

    gradient = tp.value_and_grad(f)
    value, slope = gradient(X)
    assert re.findall(r"carries = (\d+)", gradient.inspect(X).stages["recorded graph"]) == ["1"]
    again = gradient(X)
    assert value == again[0] and np.array_equal(slope, again[1])
