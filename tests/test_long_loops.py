"""Python loops of many rounds: recorded round by round, differentiated and compiled as loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapec as tp

STATE = np.array([1.0, 1.1, 1.2])


def _lorenz(state: Any, rounds: int) -> Any:
    x, y, z = state[0], state[1], state[2]
    for _ in range(rounds):
        dx, dy, dz = 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8 / 3 * z
        x, y, z = x + 0.005 * dx, y + 0.005 * dy, z + 0.005 * dz
    return x * x + y * z


def _wave(x: Any, rounds: int) -> Any:
    before, now = x, x * 0.9
    for _ in range(rounds):
        before, now = now, 1.99 * now - before + 0.001 * np.roll(now, 1)
    return np.sum(now * before)


@pytest.mark.parametrize("function", [_lorenz, _wave])
def test_gradient_of_a_long_loop(function: Any) -> None:
    """Against central differences; eager and compiled agree to the last bit."""
    f = tp.value_and_grad(lambda s: function(s, 150))
    first = f(STATE)
    again = f(STATE)
    with tp.eager():
        eager = f(STATE)
    for value, gradient in (again, eager):
        assert value == first[0]
        assert gradient.tobytes() == first[1].tobytes()
    for i in range(3):
        step = np.eye(3)[i] * 1e-6
        slope = (f(STATE + step)[0] - f(STATE - step)[0]) / 2e-6
        assert first[1][i] == pytest.approx(slope, rel=1e-6)


def test_machine_code_does_not_grow_with_the_rounds() -> None:
    """As many lines for 400 rounds as for 200."""
    lines = []
    for rounds in (200, 400):
        f = tp.value_and_grad(lambda s, n=rounds: _lorenz(s, n))
        lines.append(len(f.inspect(STATE).llvm_ir.splitlines()))
    assert lines[0] == lines[1]


def test_a_tape_over_a_long_loop() -> None:
    """A plain eager tape, with a Variable and with what is read of it in every round."""
    weight = tp.Variable([0.5, 0.7, 0.9])
    with tp.GradientTape() as tape:
        x = tp.constant(STATE)
        for _ in range(400):
            x = np.tanh(x * weight) + 0.1
        loss = np.sum(x)
    gradient = tape.gradient(loss, weight).numpy()

    def plain(w: Any) -> Any:
        x = STATE
        for _ in range(400):
            x = np.tanh(x * w) + 0.1
        return np.sum(x)

    w = weight.numpy()
    for i in range(3):
        step = np.eye(3)[i] * 1e-6
        assert gradient[i] == pytest.approx((plain(w + step) - plain(w - step)) / 2e-6, rel=1e-6)
