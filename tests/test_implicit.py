"""Solutions of equations, and their derivatives by the implicit function theorem."""

from __future__ import annotations

import numpy as np
import pytest

import tapec as tp
from tapec.testing import check_grads

W, B = np.array([[0.2, 0.1], [-0.1, 0.3]]), np.array([1.0, 0.7])


def square_root(a):
    return tp.root(lambda x, a: x * x - a, 1.0, a)


def settled(w, b):
    return tp.fixed_point(lambda x, w, b: np.tanh(w @ x + b), np.zeros(2), w, b)


def test_values():
    np.testing.assert_allclose(tp.function(square_root)(4.0), 2.0, rtol=1e-14)
    x = tp.function(settled)(W, B)
    np.testing.assert_allclose(np.tanh(W @ x + B), x, rtol=1e-11)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (square_root, [np.array(3.0)]),
        (settled, [W, B]),
        (lambda a: tp.root(lambda x, a: np.sin(x) * x[::-1] - a, np.ones(2), a), [np.array([0.7, 0.8])]),
    ],
)
def test_derivatives_to_second_order(f, args):
    check_grads(f, args, order=2)


def test_compiled_derivatives():
    np.testing.assert_allclose(tp.grad(square_root)(4.0), 0.25, rtol=1e-13)
    np.testing.assert_allclose(tp.jvp(square_root, 4.0, 1.0)[1], 0.25, rtol=1e-13)
    np.testing.assert_allclose(tp.hessian(square_root)(4.0), -0.25 * 4.0**-1.5, rtol=1e-12)
    np.testing.assert_allclose(tp.vmap(tp.grad(square_root))(np.array([4.0, 9.0])), [1 / 4, 1 / 6], rtol=1e-12)


def test_the_derivative_is_that_of_the_equation_not_of_the_steps():
    """A solver that takes no step at all, begun at the solution, still has the solution's derivative."""

    def f(a):
        return tp.root(lambda x, a: x * x - a, 2.0, a, max_steps=0)

    np.testing.assert_allclose(tp.grad(f)(4.0), 0.25, rtol=1e-14)


def test_steps_end():
    assert tp.root(lambda x, a: x * x + a, 0.5, 1.0, max_steps=3).shape == ()
    found = tp.fixed_point(lambda x, a: x + a, 0.0, 1.0, max_steps=5)
    assert found.item() == 5.0
