"""Hessian-vector products take at most twice the memory of the gradient, and run each loop forward once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.passes.steps import Loop, Sweeps, While

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(50, 12)), (RNG.random(50) > 0.5) * 1.0


def mlp(w, b, v):
    z = (np.tanh(X @ w + b) @ v)[:, 0]
    return np.mean(np.logaddexp(0.0, z) - Y * z)


def logistic(w):
    z = X @ w
    return np.mean(np.logaddexp(0.0, z) - Y * z) + 0.01 * np.sum(w * w)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def lorenz(s):
    def step(_, c):
        x, y, z = c
        return x + 0.01 * 10.0 * (y - x), y + 0.01 * (x * (28.0 - z) - y), z + 0.01 * (x * y - 8 / 3 * z)

    x, y, z = tp.fori_loop(0, 300, step, (s[0], s[1], s[2]))
    return x * y + z


def rnn(w):
    return np.sum(tp.scan(lambda c, _: (np.tanh(w @ c) + c * 0.1, None), np.ones(12), None, 40)[0] ** 2)


def wave(x):
    return np.sum(tp.while_loop(lambda c: np.sum(c) < 40.0, lambda c: c * 1.1 + 0.1 * np.sin(c), x))


PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "mlp": (mlp, (RNG.normal(size=(12, 9)), np.zeros(9), RNG.normal(size=(9, 1)))),
    "logistic": (logistic, (RNG.normal(size=12),)),
    "rosenbrock": (rosenbrock, (RNG.normal(size=1000),)),
    "lorenz": (lorenz, (np.array([1.0, 1.1, 1.2]),)),
    "rnn": (rnn, (RNG.normal(size=(12, 12)) / 4,)),
    "while": (wave, (np.array([0.3, 0.5]),)),
}


def program(f: Any, *args: Any) -> Any:
    _, path = f._run(f._take_apart(args, {}))
    return path.executable.program


@pytest.mark.parametrize("name", PROGRAMS)
def test_memory_and_loops(name: str) -> None:
    f, args = PROGRAMS[name]
    gradient = tp.grad(f, argnums=tuple(range(len(args))))
    product = tp.function(lambda p, v: tp.hvp(f, p, v))
    vs = tuple(RNG.normal(size=a.shape) for a in args)
    found = product(args, vs)
    moved = [gradient(*[a + sign * 1e-6 * v for a, v in zip(args, vs, strict=True)]) for sign in (1, -1)]
    for got, up, down in zip(found, *moved, strict=True):
        np.testing.assert_allclose(got, (up - down) / 2e-6, rtol=2e-5, atol=1e-6 * np.max(np.abs(up)))
    first, second = program(gradient, *args), program(product, args, vs)
    assert second.arena_bytes <= 2 * first.arena_bytes + 256
    counts = [[sum(isinstance(s, kind) for s in p.steps) for kind in (Loop, While, Sweeps)] for p in (first, second)]
    assert counts[0] == counts[1]
    rows = [[(s.row_bytes, s.given_bytes) for s in p.steps if isinstance(s, Sweeps)] for p in (first, second)]
    assert all(b[1] <= 2 * a[1] and b[0] == 0 for a, b in zip(*rows, strict=True))
