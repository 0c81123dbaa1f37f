"""Running combinations against NumPy's and against Python loops."""

from __future__ import annotations

import numpy as np
import pytest

import tapec as tp
from tapec.testing import check_grads

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sums(n, reverse, axis):
    shape = [2, 3, 2]
    shape[axis] = n
    x = np.arange(float(np.prod(shape))).reshape(shape)
    expected = np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)

    def f(v):
        return tp.associative_scan(np.add, v, reverse=reverse, axis=axis)

    for run in (tp.function(f), lambda v: f(tp.constant(v)).numpy()):
        assert np.array_equal(run(x), expected)


@pytest.mark.parametrize("reverse", [False, True])
def test_linear_recurrences(reverse):
    """`y = a * y + b` step by step, of pairs that do not commute."""

    def combine(left, right):
        return {"a": left["a"] * right["a"], "b": right["a"] * left["b"] + right["b"]}

    def f(a, b):
        return tp.associative_scan(combine, {"a": a, "b": b}, reverse=reverse)["b"]

    a, b = RNG.uniform(0.5, 1.5, 7), RNG.normal(size=7)
    y, expected = 0.0, np.zeros(7)
    for i in reversed(range(7)) if reverse else range(7):
        y = expected[i] = a[i] * y + b[i]
    np.testing.assert_allclose(tp.function(f)(a, b), expected, rtol=1e-12)
    check_grads(f, [a, b], order=2)
    np.testing.assert_allclose(tp.vmap(f)(np.stack([a, b]), np.stack([b, a]))[0], expected, rtol=1e-12)


def test_calls_grow_as_the_logarithm():
    calls = []

    def add(a, b):
        calls.append(a.shape)
        return a + b

    tp.associative_scan(add, tp.constant(np.ones(1024)))
    assert len(calls) == 19


def test_errors():
    x = np.ones((3, 2))
    with pytest.raises(tp.errors.ShapeError, match="elems has 2 axes, so there is no axis 2"):
        tp.associative_scan(np.add, x, axis=2)
    with pytest.raises(tp.errors.ShapeError, match=r"elems\[0\]: 3, elems\[1\]: 2"):
        tp.associative_scan(lambda a, _: a, (x, np.ones(2)))
    with pytest.raises(tp.errors.ShapeError, match="makes shape"):
        tp.associative_scan(lambda a, b: np.sum(a + b), x)
    with pytest.raises(tp.errors.ArgumentError, match="must return the containers"):
        tp.associative_scan(lambda a, b: (a, b), x)
    with pytest.raises(tp.errors.ArgumentError, match="no tensor"):
        tp.associative_scan(np.add, ())
