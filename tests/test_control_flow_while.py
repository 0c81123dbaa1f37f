"""Gradients through loops whose number of rounds the data decide, in every way in which they run."""

from __future__ import annotations

import resource
import sys
from typing import Any

import numpy as np
import pytest
from all_modes import by_tape

import tapec as tp
from tapec.structure import flatten
from tapec.testing import check_grads

RNG = np.random.default_rng(5)
W = RNG.normal(size=(3, 3)) / 3


def gradients_every_way(f: Any, *args: Any) -> Any:
    """Value and gradients, after checking that a second call, the op alone and plain Python agree."""
    positions = tuple(range(len(args)))
    compiled = tp.value_and_grad(f, argnums=positions)
    found = flatten(compiled(*args))[0]
    for again in (compiled(*args), by_tape(f, *args)):
        for a, b in zip(flatten(again)[0], found, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    with tp.eager():
        for a, b in zip(flatten(tp.value_and_grad(f, argnums=positions)(*args))[0], found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    return compiled(*args)


# Loops that stop by themselves ---------------------------------------------------------------------------------------


def newton(a):
    """The cube root of a."""
    return tp.while_loop(lambda x: np.abs(x * x * x - a) > 1e-13 * a, lambda x: x - (x * x * x - a) / (3 * x * x), a)


@pytest.mark.parametrize("a", [0.1, 2.0, 1e3])
def test_newton_until_tolerance(a):
    value, (slope,) = gradients_every_way(newton, np.array(a))
    np.testing.assert_allclose([value, slope], [np.cbrt(a), np.cbrt(a) / (3 * a)], rtol=1e-11)
    check_grads(newton, [np.array(a)], order=2, rtol=1e-5)


def test_bisection():
    """Of a root the endpoints tell nothing; one Newton step at the end gives it its derivative."""

    def root(a):
        def halve(state):
            low, high = state
            middle = 0.5 * (low + high)
            below = middle * middle < a
            return np.where(below, middle, low), np.where(below, high, middle)

        low, high = tp.while_loop(lambda s: s[1] - s[0] > 1e-9, halve, (0.0 * a, a + 1.0))
        x = tp.stop_gradient(0.5 * (low + high))
        return 0.5 * (x + a / x)

    value, (slope,) = gradients_every_way(root, np.array(3.0))
    np.testing.assert_allclose([value, slope], [np.sqrt(3.0), 0.5 / np.sqrt(3.0)], rtol=1e-8)


def test_no_round_at_all():
    def f(x, y):
        return tp.while_loop(lambda c: c < 0.0, lambda c: c * y, x)

    value, (dx, dy) = gradients_every_way(f, np.array(2.0), np.array(3.0))
    assert (value, dx, dy) == (2.0, 1.0, 0.0)


def test_bounds_that_are_tensors():
    def f(x, n):
        return tp.fori_loop(0, n, lambda i, c: c * x + i, 1.0)

    slope = tp.grad(f)
    for n in (0, 1, 4):
        expected = tp.grad(lambda x, n=n: tp.fori_loop(0, n, lambda i, c: c * x + i, 1.0))(1.3)
        np.testing.assert_allclose(slope(1.3, n), expected, rtol=1e-14)


# What a body may hold ------------------------------------------------------------------------------------------------


def test_arrays_and_several_carries():
    def f(w, x):
        def body(state):
            x, scale, n = state
            return np.tanh(w @ x) + scale * x, scale * 0.9, n + 1

        x, scale, _ = tp.while_loop(lambda s: (np.sum(s[0] ** 2) < 50.0) & (s[2] < 9), body, (x, 1.4, 0))
        return np.sum(x * x) * scale

    gradients_every_way(f, W, np.ones(3))
    check_grads(f, [W, np.ones(3)], order=2, rtol=1e-5)


def test_large_carries_change_places():
    def f(x):
        return np.sum(tp.while_loop(lambda c: np.sum(c) < 1e4, lambda c: c * 1.5 + np.sin(np.roll(c, 1)), x) ** 2)

    gradients_every_way(f, 1.0 + np.arange(100.0) / 50)
    check_grads(f, [1.0 + np.arange(60.0) / 50], order=1, rtol=1e-5)


def test_loops_and_branches_inside():
    def f(x):
        def body(c):
            c = tp.scan(lambda h, k: (np.sin(h) * k + h, None), c, np.array([0.3, 0.5]))[0]
            c = tp.cond(c > 2.0, lambda v: v * 2.5, lambda v: v * v * 0.2 + v, c)
            return tp.while_loop(lambda v: v < 1.0, lambda v: v * 1.3, c)

        return tp.while_loop(lambda c: c < 6.0, body, x)

    gradients_every_way(f, np.array(0.4))
    check_grads(f, [np.array(0.4)], order=2, rtol=1e-5)


def test_inside_of_a_scan_and_a_branch():
    def f(x, ks):
        def step(c, k):
            c = tp.while_loop(lambda v: v < 5.0, lambda v: v * k + np.sin(v), c)
            return tp.cond(c > 6.0, lambda v: tp.while_loop(lambda u: u > 1.0, lambda u: u * 0.3 * k, v), np.sqrt, c), c

        last, all_of_them = tp.scan(step, x, ks)
        return last * np.sum(all_of_them)

    gradients_every_way(f, np.array(0.7), np.array([1.5, 1.9, 2.3]))
    check_grads(f, [np.array(0.7), np.array([1.5, 1.9, 2.3])], order=2, rtol=1e-5)


def test_linear_algebra_inside():
    def f(a, b):
        def body(s):
            return np.linalg.solve(a, s[0]) + b, s[1] + 1

        return np.sum(tp.while_loop(lambda s: (s[1] < 3) & (np.sum(s[0]) < 1e6), body, (b, 0))[0])

    a = np.eye(3) * 2 + W
    gradients_every_way(f, a, np.ones(3))
    check_grads(f, [a, np.ones(3)], order=2, rtol=1e-5)


def test_variables_are_reached():
    v = tp.Variable(1.2)
    with tp.GradientTape() as tape:
        y = tp.while_loop(lambda c: c < 4.0, lambda c: c * v, 1.0)
    rounds = int(np.ceil(np.log(4.0) / np.log(1.2)))
    np.testing.assert_allclose(tape.gradient(y, v), rounds * 1.2 ** (rounds - 1), rtol=1e-13)


# Transformations -----------------------------------------------------------------------------------------------------


def test_many_examples_each_of_its_own_number_of_rounds():
    xs = np.array([0.2, 1.5, 70.0, 8.0])
    for f in (tp.grad(newton), tp.grad(tp.grad(newton)), tp.hessian(newton)):
        np.testing.assert_allclose(tp.vmap(f)(xs), [f(x) for x in xs], rtol=1e-12)
    batched = tp.grad(lambda xs: np.sum(tp.vmap(newton)(xs)))
    np.testing.assert_allclose(batched(xs), [tp.grad(newton)(x) for x in xs], rtol=1e-12)


def test_jacobians_and_products():
    def f(x):
        return tp.while_loop(lambda c: np.sum(c) < 20.0, lambda c: 0.1 * (W @ c) + c * 1.2 + np.sin(c) ** 2, x)

    x = np.array([0.5, 1.0, 0.8])
    reverse, forward = (tp.jacobian(f, mode=mode)(x) for mode in ("reverse", "forward"))
    np.testing.assert_allclose(reverse, forward, rtol=1e-12)

    def g(x):
        return np.sum(f(x) ** 2)

    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(tp.hvp(g, (x,), (v,))[0], tp.hessian(g)(x) @ v, rtol=1e-11)
    over = tp.jacobian(tp.grad(g), mode="reverse")(x)  # reverse over reverse
    np.testing.assert_allclose(over, tp.jacobian(tp.grad(g), mode="forward")(x), rtol=1e-11)


def test_pullback_of_vjp():
    y, pull = tp.vjp(newton, 2.0)
    np.testing.assert_allclose(pull(1.0), np.cbrt(2.0) / 6.0, rtol=1e-11)
    np.testing.assert_allclose(y, np.cbrt(2.0), rtol=1e-12)


# Long loops ----------------------------------------------------------------------------------------------------------


def logistic(x, rounds):
    """Chaos that is damped, so that derivatives stay finite."""
    return tp.while_loop(lambda s: s[1] < rounds, lambda s: (np.sin(s[0]) + 0.5 * x, s[1] + 1), (x, 0))[0]


def test_a_million_rounds():
    value, slope = tp.value_and_grad(logistic)(0.3, 1_000_000)
    x = d = None
    for _ in range(200):  # it has come to its fixed point long before
        x, d = (0.3, 1.0) if x is None else (np.sin(x) + 0.15, np.cos(x) * d + 0.5)
    np.testing.assert_allclose([value, slope], [x, d], rtol=1e-12)


def test_memory_is_given_back():
    def grown() -> int:
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return size if sys.platform == "darwin" else size * 1024

    slope = tp.grad(lambda x, rounds: np.sum(logistic(x, rounds)))
    xs, rounds = np.linspace(0.1, 0.4, 100), 20_000  # rows of 16 MB
    slope(xs, rounds)
    slope(xs, rounds)
    before = grown()
    for _ in range(8):
        slope(xs, rounds)
    assert grown() - before < 64e6
