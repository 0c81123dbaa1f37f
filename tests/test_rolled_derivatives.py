"""Transformations differentiate Python loops as loops, with the bits that the derivatives of all rounds have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec import derivative_graphs, rolled_tape
from tapec.structure import flatten

X = np.array([0.3, -1.2, 0.7])
DATA = np.random.default_rng(0).normal(size=(60, 3))


def steps(x: Any) -> Any:
    for _ in range(60):
        x = x + 0.01 * np.sin(x) * np.roll(x, 1)
    return x


def total(x: Any) -> Any:
    found = 0.0
    for t in range(60):
        found = found + np.sum(np.sin(x * (1.0 + t)))
    return found * x


def rows_of_data(x: Any) -> Any:
    for t in range(60):
        x = x + 0.01 * np.tanh(x) * DATA[t]
    return x


def listed(x: Any) -> Any:
    seen = []
    for _ in range(60):
        x = x + 0.01 * np.cos(x)
        seen.append(x)
    return np.stack(seen).sum(axis=0)


def before_and_behind(x: Any) -> Any:
    x = np.exp(x)
    for _ in range(60):
        x = x + 0.01 * np.sin(x)
    return np.sqrt(x * x + 1.0)


def of_vjp(f: Callable[..., Any], x: Any) -> Any:
    y, pullback = tp.vjp(f, x)
    return y, pullback(np.ones(3)), pullback(np.array([1.0, 0.0, -2.0]))


def of_linearize(f: Callable[..., Any], x: Any) -> Any:
    y, pushforward = tp.linearize(f, x)
    return y, pushforward(np.ones(3)), pushforward(np.array([1.0, 0.0, -2.0]))


def of_second_order(f: Callable[..., Any], x: Any) -> Any:
    return tp.hessian(lambda x: np.sum(f(x) ** 2))(x)


TRANSFORMATIONS: dict[str, Callable[..., Any]] = {
    "vjp": of_vjp,
    "linearize": of_linearize,
    "hessian": of_second_order,
    "forward": lambda f, x: tp.jacobian(f, mode="forward")(x),
    "reverse": lambda f, x: tp.jacobian(f, mode="reverse")(x),
}


def leaves(result: Any) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in flatten(result)[0]]


@pytest.mark.parametrize("how", TRANSFORMATIONS)
@pytest.mark.parametrize("program", [steps, total, rows_of_data, listed, before_and_behind])
def test_bits_are_those_of_all_rounds(program: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled_tape, "_LOOPS", 96)  # outside of functions too
    transformed = TRANSFORMATIONS[how]
    found = leaves(transformed(program, X))
    inside = leaves(tp.function(lambda x: transformed(program, x))(X))
    with tp.eager():
        eager = leaves(transformed(program, X))
    monkeypatch.setattr(derivative_graphs, "rolled_tape", lambda *_, **__: None)
    with tp.eager():
        assert leaves(transformed(program, X)) == eager
    assert found == eager and inside == eager


@pytest.mark.parametrize("transformation", [tp.vjp, tp.linearize])
def test_few_arrays_are_kept_of_a_loop(transformation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled_tape, "_LOOPS", 96)
    for program in (before_and_behind, rows_of_data):
        for _ in range(2):  # op by op, and compiled
            assert len(transformation(program, X)[1]._residuals) < 12


def test_a_tape_of_what_was_transformed_keeps_what_it_reads() -> None:
    """Recordings of equal structure share what they keep; those of transformations keep more."""

    def f(x: Any) -> Any:
        return np.sum(np.sin(x * DATA[0]) * DATA[1])

    _, pullback = tp.vjp(f, X)
    x = tp.constant(X)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert np.array_equal(tape.gradient(y, x).numpy(), pullback(1.0)[0])
