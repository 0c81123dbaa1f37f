"""A function that returns a view of an array returns its elements, to every transformation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tapec as tp

X = np.random.default_rng(0).normal(size=(3, 4))


def view(x: Any) -> Any:
    array = np.copy(x)
    array[0, 1:3] = array[0, 1:3] * 2.0
    return array.T


def fresh(x: Any) -> Any:
    return view(x) * 1.0


def summed(x: Any) -> Any:
    return np.sum(np.sin(x))


def element(x: Any) -> Any:
    return np.copy(x * x)[1, 2]


USES: dict[str, Callable[[Callable[[Any], Any]], Any]] = {
    "function": lambda f: tp.function(f)(X),
    "vmap": lambda f: tp.vmap(f)(np.stack([X, X + 1.0])),
    "nested vmap": lambda f: tp.vmap(tp.vmap(lambda row: f(row[None])))(np.stack([X, X + 1.0])),
    "checkpoint": lambda f: tp.grad(lambda x: summed(tp.checkpoint(f)(x)))(X),
    "jvp": lambda f: tp.jvp(f, (X,), (X,)),
    "linearize": lambda f: tp.linearize(f, X)[1](X),
    "vjp": lambda f: tp.vjp(f, X)[1](np.ones((4, 3))),
    "jacobian": lambda f: tp.jacobian(f)(X),
    "jacobian by columns": lambda f: tp.jacobian(f, mode="forward")(X),
    "sparse jacobian": lambda f: np.asarray(tp.sparse_jacobian(f)(X).todense()),
    "scan": lambda f: tp.scan(lambda c, x: (c, f(x)), 0.0, np.stack([X, X + 1.0]))[1].numpy(),
    "compiled jacobian": lambda f: tp.function(tp.jacobian(f))(X),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_view_is_what_a_fresh_array_of_its_elements_is(use: Callable[[Callable[[Any], Any]], Any]) -> None:
    for got, want in zip(np.atleast_1d(use(view)), np.atleast_1d(use(fresh)), strict=True):
        np.testing.assert_array_equal(got, want)


def test_an_element_of_an_array_has_a_gradient() -> None:
    value, gradient = tp.value_and_grad(element)(X)
    want = np.zeros_like(X)
    want[1, 2] = 2.0 * X[1, 2]
    assert value == X[1, 2] ** 2
    np.testing.assert_array_equal(gradient, want)
    np.testing.assert_array_equal(tp.hvp(element, X, np.ones_like(X)), (want != 0.0) * 2.0)
    np.testing.assert_array_equal(tp.hessian(element)(X).sum(axis=(2, 3)), (want != 0.0) * 2.0)


@pytest.mark.parametrize("part", [lambda a: a[1:], lambda a: a.T, lambda a: a], ids=["slice", "transpose", "array"])
@pytest.mark.parametrize("inside", [False, True])
def test_tapes_and_accumulators_differentiate_views(part: Callable[[Any], Any], inside: bool) -> None:
    """Also when they are asked behind their block, where reading the view is an op like any other."""
    x = tp.Variable(X)
    with tp.GradientTape(persistent=True) as tape:
        array = np.copy(x * x)
        array[0] = 0.0
        target, want = part(array), np.sum(part(array) * 1.0)
        found = tape.gradient(target, x) if inside else None
    found = found if inside else tape.gradient({"target": target}, x)
    np.testing.assert_array_equal(found, tape.gradient(want, x))
    assert tape.jacobian(target, x).shape == (*target.shape, 3, 4)
    with tp.ForwardAccumulator(x, tp.constant(np.ones_like(X))) as accumulator:
        array = np.copy(x * x)
        array[0] = 0.0
        target, want = part(array), part(array) * 1.0
        tangent = accumulator.jvp(target) if inside else None
    tangent = tangent if inside else accumulator.jvp(target)
    np.testing.assert_array_equal(tangent, accumulator.jvp(want))
