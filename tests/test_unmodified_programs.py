"""Programs as people write them, untouched: their compiled gradients against central differences to 1e-6."""

import warnings

import numpy as np
import pytest

import tapec as tp


def newton(p):
    """The real root of x**3 + p[0] x - p[1], until a tolerance is met."""
    x = 1.0
    while True:
        step = (x**3 + p[0] * x - p[1]) / (3.0 * x**2 + p[0])
        x = x - step
        if abs(step) < 1e-13:
            return x


def bisection(p):
    """An integral's upper limit by bisection, polished once: of brackets alone nothing is differentiable."""

    def f(x):
        return p[0] * x + np.sin(x) - p[1]

    low, high = 0.0, 4.0
    while high - low > 1e-8:
        middle = 0.5 * (low + high)
        if f(middle) > 0.0:
            high = middle
        else:
            low = middle
    x = 0.5 * (low + high)
    return x - f(x) / (p[0] + np.cos(x))


# Bogacki and Shampine's pair, 3(2).
def rk23(p):
    """The van der Pol oscillator with adaptive steps, some of them rejected, to t = 1."""

    def f(y):
        return np.stack([y[1], p[1] * (1.0 - y[0] * y[0]) * y[1] - y[0]])

    t, h, y, rejected = 0.0, 1.0, np.stack([p[0], 0.0 * p[0]]), 0
    while t < 1.0:
        h = min(h, 1.0 - t)
        k1 = f(y)
        k2 = f(y + 0.5 * h * k1)
        k3 = f(y + 0.75 * h * k2)
        proposal = y + h * (2.0 * k1 + 3.0 * k2 + 4.0 * k3) / 9.0
        k4 = f(proposal)
        error = np.max(np.abs(h * (-5.0 * k1 + 6.0 * k2 + 8.0 * k3 - 9.0 * k4) / 72.0))
        if error <= 1e-3:
            t, y = t + h, proposal
        else:
            rejected += 1
        h = h * (0.5 if error > 1e-3 else 2.0)
    assert rejected > 0
    return y[0] * y[1]


def collatz(p):
    n, x, y = 27, p[0], p[1]
    while n != 1:
        if n % 2 == 0:
            n, x = n // 2, 0.9 * x + y * np.sin(x)
        else:
            n, y = 3 * n + 1, 0.8 * y + 0.1 * x
    return x + y


def quicksort(values):
    if len(values) <= 1:
        return values
    pivot, rest = values[0], values[1:]
    return quicksort([v for v in rest if v < pivot]) + [pivot] + quicksort([v for v in rest if not v < pivot])


def sorted_sum(p):
    ordered = quicksort(list(p))
    return sum((i + 1.0) * v * v for i, v in enumerate(ordered))


def fibonacci(x, n):
    return x if n <= 1 else fibonacci(x, n - 1) * 1.01 + np.cos(fibonacci(x, n - 2))


def recursion(p):
    return fibonacci(p[0], 10) * p[1]


def line_search(p):
    """Gradient descent with backtracking on a quartic of which `p` is the start."""

    def f(x):
        return (x[0] - 1.0) ** 4 + x[0] * x[1] + 2.0 * x[1] ** 2

    def slope(x):
        return np.stack([4.0 * (x[0] - 1.0) ** 3 + x[1], x[0] + 4.0 * x[1]])

    x = p
    for _ in range(4):
        g, t = slope(x), 1.0
        while f(x - t * g) > f(x) - 1e-4 * t * np.sum(g * g):
            t *= 0.5
        x = x - t * g
    return f(x)


PROGRAMS = [
    (newton, [2.0, 5.0]),
    (bisection, [1.5, 2.0]),
    (rk23, [1.3, 2.5]),
    (collatz, [0.6, 0.8]),
    (sorted_sum, [0.3, -1.2, 2.5, 0.1, 1.9, -0.4, 0.7]),
    (recursion, [0.4, 1.3]),
    (line_search, [2.3, -1.1]),
]


@pytest.mark.parametrize(("program", "point"), PROGRAMS, ids=[p.__name__ for p, _ in PROGRAMS])
def test_compiled_gradients_are_those_of_central_differences(program, point):
    p = np.array(point)
    f = tp.value_and_grad(program)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one that says that the function runs eagerly, for one
        results = [f(p) for _ in range(3)]
    value, gradient = results[0]
    for again in results[1:]:  # the first call records, the others are compiled
        np.testing.assert_array_equal(again[0], value)
        np.testing.assert_array_equal(again[1], gradient)
    np.testing.assert_allclose(value, program(p), rtol=1e-13)
    step = 1e-6 * np.eye(p.size)
    expected = [(program(p + d) - program(p - d)) / 2e-6 for d in step]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("program", "point"), PROGRAMS, ids=[p.__name__ for p, _ in PROGRAMS])
def test_other_values_take_other_ways(program, point):
    """A function that is compiled for one way through the program meets points of others."""
    f, alone = tp.value_and_grad(program), tp.function(program)
    rng = np.random.default_rng(5)
    for _ in range(4):
        p = np.array(point) * rng.uniform(0.7, 1.2, len(point))
        np.testing.assert_allclose(alone(p), program(p), rtol=1e-13)
        assert f(p)[0] == alone(p)
