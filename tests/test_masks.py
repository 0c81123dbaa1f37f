"""Boolean masks that depend on arguments: compiled, with a guard on how many elements are true."""

from __future__ import annotations

import numpy as np
import pytest

import tapec as tp
from tapec.errors import BatchedValueError, BodyValueError, EagerFallbackWarning, LeakedTensorError

X = np.array([[0.5, -1.0, 2.0], [-0.25, 3.0, -4.0]])


def read(x):
    return np.sum(x[x > 0.0] ** 2)


def read_columns(x):
    return np.sum(x[:, x[0] > 0.0] * x[:, :1])


def beside_an_integer(x):
    return np.sum(x[0, x[0] > 0.0] * x[1, x[1] < 0.0][:2])


def write(x):
    a = np.copy(x)
    a[x > 0.0] *= 0.5 * x[x > 0.0]
    return np.sum(a * x)


def write_to_a_view(x):
    a = tp.Array(np.stack([x[0, 0] * x[:, 0]] * 4, axis=1))
    a[:, 1:][x > 0.0] = np.sqrt(x[x > 0.0])
    return np.sum(a * a)


def nonzero(x):
    i, j = np.nonzero(x > 0.0)
    return np.sum(x[i, j] * j) + np.sum(x[np.where(x < 0.0)])


def other_functions(x):
    rows = np.compress(x[:, 1] > 0.0, x, axis=0)
    picked = np.extract(x > 0.0, x)
    places = np.argwhere(x > 0.0)
    return np.sum(rows) + np.sum(picked * places[:, 1]) + np.flatnonzero(x)[-1]


PROGRAMS = [read, read_columns, beside_an_integer, write, write_to_a_view, nonzero, other_functions]


@pytest.mark.parametrize("program", PROGRAMS)
def test_compiled_as_eager(program):
    gradient = tp.value_and_grad(tp.function(program, strict=True))
    for x in (X, X + 0.125, X[:, ::-1].copy(), X[::-1].copy()):
        value, slope = gradient(x)
        with tp.eager():
            expected, eager = tp.value_and_grad(program)(x)
        assert value == expected and np.array_equal(slope, eager)
        assert np.isclose(value, program(x), rtol=1e-14)


def test_paths_are_as_many_as_numbers_of_true_elements():
    f = tp.function(read)
    for x in (X, X[:, ::-1].copy(), -X, X + 10.0, X * 2.0, -X * 2.0, X + 20.0):
        assert np.isclose(f(x), read(x))
    assert f.recordings == 2  # of X and of -X three are positive, of X + 10 all six


def test_none_and_no_elements():
    f = tp.value_and_grad(read)
    for x in (-np.abs(X), np.zeros((0, 3)), -np.abs(X) - 1.0):
        value, slope = f(x)
        assert value == 0.0 and np.array_equal(slope, np.zeros_like(x))


def test_too_many_numbers_of_true_elements_end_in_a_warning_that_names_the_line():
    f = tp.function(read, max_paths=2)
    x = np.array([1.0, -1.0, -1.0, -1.0])
    assert f(x) == 1.0
    x[1] = 1.0
    assert f(x) == 2.0
    x[2] = 1.0
    with pytest.warns(EagerFallbackWarning, match=r"test_masks\.py"):
        assert f(x) == 3.0
    x[3] = 1.0
    assert f(x) == 4.0


def test_a_mask_that_does_not_depend_on_arguments_has_no_guard():
    where = np.array([True, False, True])

    @tp.function(strict=True)
    def f(x):
        return np.sum(x[:, where]) + np.sum(x[:, tp.constant(where)])

    assert f(X) == 2 * np.sum(X[:, where])
    assert "guard" not in f.inspect(X).stages["recorded graph"]


def test_derivatives_of_higher_order_and_forward():
    x = X.ravel()
    assert np.array_equal(tp.hessian(read)(x), np.diag(2.0 * (x > 0.0)))
    value, tangent = tp.jvp(read, (x,), (x,))
    assert tangent == 2.0 * value
    tp.testing.check_grads(write, (X,), order=2, modes=("forward", "reverse"))


def test_where_there_can_be_no_guard():
    with pytest.raises(BatchedValueError, match="a boolean mask"):
        tp.vmap(read)(X)
    with pytest.raises(BodyValueError, match="a boolean mask"):
        tp.fori_loop(0, 3, lambda _, s: s + np.sum(s[s > 0.0]), X[0])


def test_numpy_decides_what_has_no_axes():
    with pytest.raises(ValueError, match="0d"):
        tp.function(np.nonzero)(1.0)
    with pytest.raises(LeakedTensorError, match=r"np\.argwhere"):
        tp.function(np.argwhere, strict=True)(1.0)
