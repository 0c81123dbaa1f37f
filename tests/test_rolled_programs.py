"""Loops as users write them, over Python's `range`: their compiled code does not grow with the rounds, same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tapec as tp

RNG = np.random.default_rng(0)


def _function(make: Callable[[int], Callable[..., Any]], rounds: int, args: tuple[Any, ...]) -> tp.function:
    compiled = tp.value_and_grad(make(rounds))
    for _ in range(2):
        found = compiled(*args)
    with tp.eager():
        wanted = compiled(*args)
    for a, b in zip(found, wanted, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return compiled


def _size(compiled: Any) -> int:
    """Ops of the program, those in loops counted once."""

    def count(graph: Any) -> int:
        return sum(1 + sum(count(region) for region in op.regions) for op in graph.ops)

    (specialisation,) = compiled._specialisations.values()
    return count(specialisation.current.executable.graph)


CASES: dict[str, tuple[Callable[[int], Callable[..., Any]], tuple[Any, ...]]] = {}


def case(*args: Any) -> Callable[[Any], Any]:
    """Enters a loop with its arguments."""

    def enter(make: Callable[[int], Callable[..., Any]]) -> Callable[[int], Callable[..., Any]]:
        CASES[make.__name__] = make, args
        return make

    return enter


@case(RNG.normal(size=20))
def rolls(rounds: int) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        for _ in range(rounds):
            x = np.sin(x) * x + np.roll(x, 1)
        return np.sum(x)

    return f


@case(RNG.normal(size=12))
def heat_equation(rounds: int) -> Callable[..., Any]:
    def f(u: Any) -> Any:
        for _ in range(rounds):
            inner = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
            u = np.concatenate([u[:1], inner, u[-1:]])
        return np.sum(u**2)

    return f


@case(RNG.normal(size=(3, 4)), RNG.normal(size=(4, 4)), RNG.normal(size=(80, 3)))
def recurrent_network(rounds: int) -> Callable[..., Any]:
    def f(wx: Any, wh: Any, xs: Any) -> Any:
        h = np.zeros(4)
        for t in range(rounds):
            h = np.tanh(xs[t] @ wx + h @ wh)
        return np.sum(h**2)

    return f


@case(RNG.normal(size=(12, 32)), RNG.normal(size=32), RNG.normal(size=(80, 3, 4)))
def states_in_a_list(rounds: int) -> Callable[..., Any]:
    """An LSTM whose states are stacked behind the loop; its gradient's loop has memory of its own beside the stacks."""

    def gate(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def f(w: Any, b: Any, xs: Any) -> Any:
        h, c, states = np.zeros((3, 8)), np.zeros((3, 8)), []
        for t in range(rounds):
            i, forget, g, o = np.split(np.concatenate([xs[t], h], 1) @ w + b, 4, axis=1)
            c = gate(forget) * c + gate(i) * np.tanh(g)
            h = gate(o) * np.tanh(c)
            states.append(h)
        return np.mean(np.stack(states) ** 2)

    return f


@case(RNG.normal(size=4))
def a_constant_per_round(rounds: int) -> Callable[..., Any]:
    schedule = np.random.default_rng(1).normal(size=rounds)

    def f(x: Any) -> Any:
        for t in range(rounds):
            x = np.sin(x) * schedule[t] + np.cos(0.1 * t) * x
        return np.sum(x**2)

    return f


@case(RNG.normal(size=(5, 5)), RNG.normal(size=(5, 6)))
def hidden_markov_model(rounds: int) -> Callable[..., Any]:
    seen = np.random.default_rng(1).integers(0, 6, rounds)

    def f(transition: Any, emission: Any) -> Any:
        a = emission[:, seen[0]]
        for t in range(1, rounds):
            s = a[:, None] + transition
            m = np.max(s, axis=0)
            a = m + np.log(np.sum(np.exp(s - m), axis=0)) + emission[:, seen[t]]
        return np.log(np.sum(np.exp(a)))

    return f


@case(RNG.normal(size=(8, 4)), RNG.normal(size=(640, 8)))
def minibatches(rounds: int) -> Callable[..., Any]:
    def f(w: Any, data: Any) -> Any:
        for t in range(rounds):
            batch = data[t * 8 : (t + 1) * 8]
            w = w - 0.01 * (batch.T @ np.tanh(batch @ w))
        return np.sum(w**2)

    return f


@case(np.random.default_rng(2).normal(size=(84, 4)))
def windows_that_overlap_in_some_columns(rounds: int) -> Callable[..., Any]:
    weights = np.array([[0.1], [0.2], [0.3], [0.4]])

    def f(data: Any) -> Any:
        state = data[0, 1:3]
        for t in range(rounds):
            state = np.sin(state + np.sum(data[t : t + 4, 1:3] * weights, 0))
        return np.sum(state)

    return f


@case(np.random.default_rng(3).normal(size=(80, 4)))
def forth_and_back(rounds: int) -> Callable[..., Any]:
    """The second loop runs through the rows, and what the first has made of them, from the last one to the first."""

    def f(data: Any) -> Any:
        state, kept = np.zeros_like(data[0]), []
        for t in range(rounds):
            state = np.tanh(state * 0.5 + data[t])
            kept.append(state)
        state = np.zeros_like(data[0])
        for t in reversed(range(rounds)):
            state = np.tanh(state * 0.5 + kept[t] * data[t])
        return np.sum(state)

    return f


@case(RNG.normal(size=4))
def every_other_round(rounds: int) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        for t in range(rounds):
            x = np.sin(x) * 1.1
            if t % 2 == 0:
                x = x + 0.1
        return np.sum(x)

    return f


@case(RNG.normal(size=5), RNG.normal(size=(6, 5)))
def descent_by_hand(rounds: int) -> Callable[..., Any]:
    def f(w: Any, data: Any) -> Any:
        slope = tp.grad(lambda w: np.mean(np.log1p(np.exp(data @ w)) - 0.3 * (data @ w)))
        for _ in range(rounds):
            w = w - 0.1 * slope(w)
        return np.sum(w**2)

    return f


@pytest.mark.parametrize("name", CASES)
def test_code_does_not_grow_with_the_rounds(name: str) -> None:
    make, args = CASES[name]
    sizes = [_size(_function(make, rounds, args)) for rounds in (40, 80)]
    assert sizes[0] == sizes[1]


def test_windows_that_overlap_keep_their_order_of_sums() -> None:
    """Three reads of each element: as a loop their cotangents would add up in another order."""

    def f(x: Any) -> Any:
        total = 0.0
        for t in range(40):
            total = total + x[t] * x[t + 1] + np.sin(x[t + 2])
        return total

    _function(lambda _: f, 40, (RNG.normal(size=64),))


def test_a_value_that_the_loop_begins_with_and_that_is_read_later() -> None:
    """Its cotangent has three terms or more."""

    def f(x: Any) -> Any:
        y = np.exp(x)
        z = y
        for _ in range(40):
            z = np.sin(z) * z + z
        return np.sum((z - y) * y)

    _function(lambda _: f, 40, (RNG.normal(size=5),))


def test_states_that_are_kept_and_read_several_times() -> None:
    """Each state has readers in the next round and behind the loop."""

    def f(x: Any) -> Any:
        kept = []
        for _ in range(40):
            x = np.sin(x) * x + 0.3 * x
            kept.append(x)
        return np.sum(np.stack(kept) ** 2) + np.sum(kept[3])

    _function(lambda _: f, 40, (RNG.normal(size=5),))


STATEMENTS = (
    "a = np.sin(a) * 0.9 + b * 0.1",
    "b = np.tanh(a * b) + 0.1 * b",
    "a = a + data[t] * 0.1",
    "a = a * captured[t] * 0.5 + 0.2",
    "total = total + np.sum(a * b)",
    "b = b - 0.01 * np.sum(data[t : t + 3], axis=0)",
    "a = np.where(a > b, a * 0.9, b)",
    "b = b + data[picked[t]] * 0.01",
    "a = a / (1.0 + 0.01 * t)",
    "a, b = b, a",
    "a = np.roll(a, 1) * 0.9 + np.eye(3) @ b * 0.05",
    "total = total + data[t, 0] * data[t + 1, 1] * a[0]",
    "kept.append(a)",
)


@pytest.mark.parametrize("seed", range(8))
def test_loops_of_random_statements(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rounds = int(rng.integers(12, 40))
    body = "".join(f"        {STATEMENTS[k]}\n" for k in rng.integers(0, len(STATEMENTS), rng.integers(3, 8)))
    source = (
        "def f(x, data):\n"
        "    a, b, total, kept = x, np.sin(x), 0.0, []\n"
        f"    for t in range({rounds}):\n{body}"
        "    return np.sum(a * b) + total + np.sum(np.stack([x, *kept]) ** 2) + np.sum(x * a) + np.sum(data[3])\n"
    )
    known = {"np": np, "captured": rng.normal(size=(rounds, 3)), "picked": rng.integers(0, rounds, rounds)}
    exec(source, known)
    compiled = tp.value_and_grad(known["f"], argnums=(0, 1))
    args = rng.normal(size=3), rng.normal(size=(rounds + 8, 3)) * 0.3
    for _ in range(2):
        value, slopes = compiled(*args)
    with tp.eager():
        eager, wanted = compiled(*args)
    assert value.tobytes() == eager.tobytes()
    assert [g.tobytes() for g in slopes] == [g.tobytes() for g in wanted]
