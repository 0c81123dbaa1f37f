"""Sparse derivatives of functions that do the same for many items: few products, and the right entries."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sparse import bratu, bundle_adjustment, chained_rosenbrock, everywhere, rosenbrock, tridiagonal

import tapec as tp
from tapec.errors import DensePatternWarning

X = np.linspace(0.3, 1.4, 12)
GRID = np.reshape(np.linspace(0.3, 1.4, 30), (5, 6))


def scaled(x):
    y = np.exp(2 * x)
    return y[1:] * y[:-1] + y[1:]


def shared(x):
    return np.sin(x[0] * x[1:]) + x[1:]


def energy(u):
    return np.sum((u[1:] - u[:-1]) ** 2 * u[1:]) + np.sum((u[:, 1:] - u[:, :-1]) ** 2) + np.sum(u**4)


def springs(x):
    """Pairs given by indices, some of them twice."""
    i, j = np.array([0, 3, 5, 7, 0, 9, 2]), np.array([1, 2, 5, 1, 1, 11, 3])
    return np.sum(np.cos(x[i] - x[j]) * x[j])


JACOBIANS = {
    "tridiagonal": (tridiagonal, X, 1),
    "stencil": (bratu, GRID, 1),
    "scaled before it is sliced": (scaled, X, 1),
    "one argument in all items": (shared, X, 1),
    "repeated": (lambda x: np.repeat(x, 3) ** 2, X, 1),
    "in other places": (lambda x: np.concatenate([np.zeros(2), np.roll(x, 2)[::-1] ** 2, x[:1] * x[1:2]]), X, 1),
    "sums of items": (lambda x: np.sum(np.reshape(np.sin(x), (4, 3)), 1), X, 1),
    "nothing to differentiate": (lambda x: np.concatenate([x[::-1], x]), X, 1),
    "gradient": (tp.grad(springs), X, 2),
}
HESSIANS = {
    "extended": (rosenbrock, X, 2),
    "chained": (chained_rosenbrock, X, 2),
    "quartic": (lambda x: np.sum(x**4), X, 1),
    "grid": (energy, GRID, 5),
    "springs": (springs, X, 2),
    "arrow": (lambda x: np.sum(x[0] * x[1:] ** 2), X, 2),
}


@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians(name):
    f, x, products = JACOBIANS[name]
    jacobian = tp.sparse_jacobian(f)
    found = everywhere(jacobian, x)
    np.testing.assert_allclose(found.toarray(), np.reshape(tp.jacobian(f)(x), found.shape), rtol=1e-12, atol=1e-14)
    assert jacobian.products <= products
    np.testing.assert_array_equal(tp.sparsity(f, x).toarray(), jacobian.pattern.toarray())


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians_by_mode(name, mode):
    f, x, _ = JACOBIANS[name]
    found = tp.sparse_jacobian(f, mode=mode)(x)
    np.testing.assert_allclose(found.toarray(), np.reshape(tp.jacobian(f)(x), found.shape), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians(name):
    f, x, products = HESSIANS[name]
    hessian = tp.sparse_hessian(f)
    found = everywhere(hessian, x)
    np.testing.assert_allclose(found.toarray(), np.reshape(tp.hessian(f)(x), found.shape), rtol=1e-12, atol=1e-13)
    assert hessian.products <= products


def test_an_infinite_derivative_counts_only_where_it_is_used():
    def f(x):
        root = np.sqrt(x)
        return np.where(x[1:] > 0, root[1:], 0.0) * root[:-1]

    x = np.array([4.0, 0.0, 9.0])
    np.testing.assert_array_equal(tp.sparse_jacobian(f)(x).toarray() != 0, tp.jacobian(f)(x) != 0)


def test_observations_take_a_product_for_each_result():
    n, m, p = 3, 20, 40
    rng = np.random.default_rng(0)
    cameras = rng.normal(size=(n, 11)) + 2
    arguments = (cameras, rng.normal(size=(m, 3)), rng.uniform(size=p), rng.normal(size=(p, 2)), np.arange(p) % n,
                 np.arange(p) % m)  # fmt: skip
    jacobian = tp.sparse_jacobian(bundle_adjustment, (0, 1, 2))
    found = everywhere(jacobian, *arguments)
    assert jacobian.products == 3  # the two coordinates of an observation, and the weight's residual
    dense = tp.jacobian(bundle_adjustment, (0, 1, 2))(*arguments)
    sizes = (2 * p, p)
    rows = [np.hstack([np.asarray(b).reshape(k, -1) for b in bs]) for k, bs in zip(sizes, dense, strict=True)]
    np.testing.assert_allclose(found.toarray(), np.vstack(rows), rtol=1e-9, atol=1e-9)


def test_items_of_points_have_no_zeros_in_their_products():
    """The derivative by each coordinate is computed for itself: nothing is multiplied by seeds, or put into zeros."""
    x = np.random.default_rng(0).normal(size=(40, 3))

    def f(x):
        y = np.sin(x) * x[:, ::-1]
        return y[:, :2] * y[:, 2:]

    jacobian = tp.sparse_jacobian(f)
    found = everywhere(jacobian, x)
    np.testing.assert_allclose(found.toarray(), np.reshape(tp.jacobian(f)(x), (80, 120)), rtol=1e-12)
    graph = jacobian.inspect(x).optimised
    assert "%arg1" not in graph
    products = [line for line in graph.splitlines() if "mul" in line and "adjoint" in line]
    assert len(products) == 12


def test_the_whole_is_not_gone_through_where_it_can_not_be_better(monkeypatch):
    def refused(*_):
        raise AssertionError("the whole function")

    monkeypatch.setattr("tapec.passes.cut.whole", refused)
    x = np.random.default_rng(0).normal(size=(40, 3))
    jacobian = tp.sparse_jacobian(lambda x: np.sin(x[:, :1]) * x[:, 1:] * x[:, ::2])
    assert jacobian(x).nnz == 40 * 4
    assert jacobian.products == 2


def test_running_sums_of_few_arguments():
    """Their variables are many, their columns few."""
    index = np.arange(20_000) % 4

    def f(x):
        return np.cumsum(np.sin(x[index]) * x[index])

    x = np.array([0.3, 0.5, 0.7, 0.9])
    with pytest.warns(DensePatternWarning):
        found = tp.sparse_jacobian(f)(x)
    np.testing.assert_allclose(found.toarray(), tp.jacobian(f)(x), rtol=1e-12)


PIECES = [
    np.tanh,
    lambda x: np.roll(x, 1, 0),
    lambda x: x * np.sum(x, 1, keepdims=True),
    lambda x: x[:, ::-1] * 2,
    lambda x: np.where(x > 0, x, x[::-1]),
    lambda x: x[np.array([2, 2, 0])],
    lambda x: np.reshape(x.T, (3, 4)),
    lambda x: np.concatenate([x[1:], x[:1] * x[1:2]]),
    lambda x: np.pad(x[1:2, 1:3], ((1, 1), (0, 2))) + x,
    lambda x: x[:1] * x,
    lambda x: np.max(x, 0) - x,
    lambda x: x @ np.tril(np.ones((4, 4)), -1),
    lambda x: tp.grad(lambda z: np.sum(np.sin(z[:, np.array([0, 2, 2])]) * z[:, :3]))(x),
    lambda x: tp.fori_loop(0, 2, lambda _, c: c * x + np.roll(c, 1, 1), x),
    lambda x: np.broadcast_to(x[:, :1], (3, 4)) ** 2,
]
STEPS = st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(STEPS, st.sampled_from(["auto", "forward", "reverse"]), st.integers(0, 3))
def test_compositions(steps, mode, seed):
    def f(x):
        for step in steps:
            x = PIECES[step](x)
        return x

    x = np.random.default_rng(seed).normal(size=(3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DensePatternWarning)
        jacobian = tp.sparse_jacobian(f, mode=mode)
        recorded, compiled = jacobian(x), jacobian(x)
    dense = np.reshape(tp.jacobian(f, mode="forward")(x), compiled.shape)
    np.testing.assert_allclose(compiled.toarray(), dense, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(recorded.data, compiled.data)


@settings(max_examples=15, deadline=None)
@given(STEPS, st.integers(0, 3))
def test_hessians_of_compositions(steps, seed):
    def f(x):
        for step in steps:
            x = PIECES[step](x)
        return np.sum(np.sin(x) * x[:, ::-1])

    x = np.random.default_rng(seed).normal(size=(3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DensePatternWarning)
        found = tp.sparse_hessian(f)(x)
    dense = np.reshape(tp.hessian(f)(x), (12, 12))
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-9, atol=1e-10 * max(1, np.abs(dense).max()))
