"""Repeated segments become loops, with the same bits and a size that does not grow with the rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import assert_same_bits

from tapec.ir.graph import Graph, Op
from tapec.ir.verifier import verify
from tapec.ops import control, movement
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum
from tapec.passes.adjoint import adjoint
from tapec.passes.repetition import find_runs
from tapec.passes.reroll import Reroll
from tapec.runtime.interpreter import interpret

X = np.random.default_rng(0).normal(size=7)
SMALL = Reroll(least_rounds=4, least_ops=8)


def _joint(function: Callable[..., Sym], *arrays: np.ndarray[Any, Any]) -> Graph:
    """Value and gradient with respect to the first input, unrolled."""
    graph = graph_of(function, *arrays)
    made = adjoint(graph, graph.outputs, graph.inputs[:1], given=[False])
    known = dict(zip(made.graph.inputs, made.residuals, strict=True))
    for op in made.graph.ops:
        operands = tuple(known[v] for v in op.operands)
        moved = Op(op.primitive, operands, op.attributes, tuple(r.type for r in op.results), None, op.phase, op.regions)
        graph.ops.append(moved)
        known.update(zip(op.results, moved.results, strict=True))
    graph.outputs += [known[v] for v in made.graph.outputs]
    return graph


def _roll(x: Sym) -> Sym:
    n = x.shape[0]
    last = apply(movement.slice_, x, start=(n - 1,), size=(1,), step=(1,))
    return apply(movement.concat, last, apply(movement.slice_, x, start=(0,), size=(n - 1,), step=(1,)), axis=0)


def _sines(rounds: int) -> Callable[[Sym], Sym]:
    def f(x: Sym) -> Sym:
        for _ in range(rounds):
            x = apply(ew.sin, x) * x + _roll(x)
        return reduce_sum(x, (0,))

    return f


def _wave(rounds: int) -> Callable[[Sym], Sym]:
    """A recurrence of order two."""

    def f(x: Sym) -> Sym:
        before, now = x, x * 0.5
        for _ in range(rounds):
            before, now = now, now * 1.9 - before
        return reduce_sum(now * before, (0,))

    return f


def _elements(rounds: int) -> Callable[[Sym], Sym]:
    """Reads one element of the input in each round."""

    def f(x: Sym) -> Sym:
        total = x.constant(0.0)
        for i in range(rounds):
            element = apply(movement.slice_, x, start=(i,), size=(1,), step=(1,))
            total = apply(ew.sqrt, total * total + apply(movement.reshape, element, shape=()))
        return total

    return f


def _with_weights(rounds: int) -> Callable[[Sym, Sym], Sym]:
    """The differentiated input is read in every round, so that its cotangent adds up."""

    def f(w: Sym, x: Sym) -> Sym:
        for _ in range(rounds):
            x = apply(ew.tanh, x * w)
        return reduce_sum(x, (0,))

    return f


CASES: list[tuple[str, Callable[[int], Callable[..., Sym]], Callable[[int], tuple[Any, ...]]]] = [
    ("sines", _sines, lambda _: (X,)),
    ("wave", _wave, lambda _: (X,)),
    ("elements", _elements, lambda n: (np.random.default_rng(1).random(n),)),
    ("weights", _with_weights, lambda _: (X, X[::-1].copy())),
]


@pytest.mark.parametrize(("make", "arrays"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
@pytest.mark.parametrize("rounds", [3, 8, 30])
def test_same_bits(make: Callable[[int], Any], arrays: Callable[[int], tuple[Any, ...]], rounds: int) -> None:
    """Forward and adjoint together, few rounds and many."""
    inputs = arrays(rounds)
    graph = _joint(make(rounds), *inputs)
    rolled = SMALL.run(graph)
    verify(rolled)
    assert_same_bits(interpret(rolled, inputs)[0], interpret(graph, inputs)[0])


@pytest.mark.parametrize(("make", "arrays"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_size_does_not_grow(make: Callable[[int], Any], arrays: Callable[[int], tuple[Any, ...]]) -> None:
    """The forward loop becomes a scan, the backward loop another."""
    sizes = []
    for rounds in (40, 80):
        rolled = SMALL.run(_joint(make(rounds), *arrays(rounds)))
        scans = [op for op in rolled.ops if op.primitive is control.scan]
        assert len(scans) == 2
        assert all(op.attributes["length"] > rounds - 8 for op in scans)  # type: ignore[operator]
        sizes.append(len(rolled.ops) + sum(len(op.regions[0].ops) for op in scans))
    assert sizes[0] == sizes[1]


def test_a_loop_that_differs_in_one_round_is_cut_there() -> None:
    """Nothing is guessed: the odd round stays as it is, with what is before and behind it."""

    def f(x: Sym) -> Sym:
        for i in range(40):
            x = apply(ew.sin, x) * (x if i != 20 else x * 2.0)
        return reduce_sum(x, (0,))

    graph = graph_of(f, X)
    rolled = SMALL.run(graph)
    verify(rolled)
    assert sum(op.primitive is control.scan for op in rolled.ops) == 2
    assert_same_bits(interpret(rolled, [X])[0], interpret(graph, [X])[0])


def test_an_intermediate_round_that_is_used_later_comes_off_the_stack() -> None:
    """A value of round 5 is an output."""

    def f(x: Sym) -> tuple[Sym, Sym]:
        kept = x
        for i in range(20):
            x = apply(ew.sin, x) + 1.0
            if i == 5:
                kept = x
        return x, kept

    graph = graph_of(f, X)
    rolled = SMALL.run(graph)
    verify(rolled)
    assert any(op.primitive is control.scan for op in rolled.ops)
    assert_same_bits(interpret(rolled, [X])[0], interpret(graph, [X])[0])


def test_loops_in_loops() -> None:
    """The inner loop becomes a scan, then the rounds of the outer one are equal too."""

    def f(x: Sym) -> Sym:
        for _ in range(12):
            for _ in range(12):
                x = apply(ew.sin, x) * 1.1
            x = x + _roll(x)
        return reduce_sum(x, (0,))

    graph = graph_of(f, X)
    rolled = SMALL.run(graph)
    verify(rolled)
    outer = [op for op in rolled.ops if op.primitive is control.scan]
    assert any(inner.primitive is control.scan for op in outer for inner in op.regions[0].ops)
    assert_same_bits(interpret(rolled, [X])[0], interpret(graph, [X])[0])


@given(st.lists(st.integers(0, 2), max_size=60))
def test_runs_are_what_they_say(items: list[int]) -> None:
    """Every run really repeats, and runs do not overlap."""
    end = 0
    for run in find_runs(items, 3, 6):
        assert run.start >= end and run.count >= 3 and run.count * run.period >= 6
        body = items[run.start : run.start + run.period]
        assert items[run.start : run.stop] == body * run.count
        assert run.spare < run.period and items[run.stop : run.stop + run.spare] == body[: run.spare]
        end = run.stop


def test_a_long_body_with_likenesses_inside() -> None:
    """Seventy items that contain shorter repetitions, thirty times over."""
    body = [0, 1, 2] * 10 + [3, 0, 1, 2] * 10
    (run,) = find_runs(body * 30, 20, 100)
    assert (run.period, run.count) == (70, 30)
