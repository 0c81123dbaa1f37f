"""Loops whose bodies hand on, as they are, values from outside: these get their cotangents in every round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tapec as tp

V = np.array([0.3, 0.7])


def _row(v: Any, checkpoint: bool | int) -> Any:
    return np.sum(tp.scan(lambda c, _: (c, v), v * 1.0, length=3, checkpoint=checkpoint)[1] ** 2)


def _rows(v: Any, checkpoint: bool | int) -> Any:
    _, (a, b, c) = tp.scan(lambda c, x: (c * x, (v, v, c * v)), v, np.array([0.5, 1.5, 2.0]), checkpoint=checkpoint)
    return np.sum(np.sin(a) * c) + np.sum(b * b)


def _hoisted(v: Any, checkpoint: bool | int) -> Any:
    return np.sum(tp.scan(lambda c, _: (c, np.sin(v)), 0.0, length=3, reverse=True, checkpoint=checkpoint)[1] ** 2)


def _carry(v: Any, checkpoint: bool | int) -> Any:
    a, b = tp.fori_loop(0, 4, lambda _, c: (v, np.sin(c[0]) * c[1] * v), (v * 2.0, v), checkpoint=checkpoint)
    return np.sum(a * a) + np.sum(b)


def _while(v: Any, checkpoint: bool | int) -> Any:
    def body(c):
        return c[0] + 1, v, c[2] + c[1] * v

    _, a, b = tp.while_loop(lambda c: c[0] < 5, body, (0, v * 3.0, v), checkpoint=checkpoint)
    return np.sum(a * a) + np.sum(np.sin(b))


@pytest.mark.parametrize("checkpoint", [False, True, 2])
@pytest.mark.parametrize("program", [_row, _rows, _hoisted, _carry, _while])
def test_reverse_mode_is_forward_mode(program: Callable[[Any, bool | int], Any], checkpoint: bool | int) -> None:
    def loss(v: Any) -> Any:
        return program(v, checkpoint)

    forward = [tp.jvp(loss, (V,), (row,))[1] for row in np.eye(2)]
    step = 1e-6
    differences = [(loss(V + step * row) - loss(V - step * row)) / (2.0 * step) for row in np.eye(2)]
    np.testing.assert_allclose(forward, np.stack([d.numpy() for d in differences]), rtol=1e-6)
    gradient = tp.grad(loss)
    for _ in range(2):
        np.testing.assert_allclose(gradient(V), forward, rtol=1e-12)
    second = [tp.jvp(gradient, (V,), (row,))[1] for row in np.eye(2)]
    np.testing.assert_allclose(tp.jacobian(gradient, mode="reverse")(V), second, rtol=1e-12)
