"""Functions whose results' sizes or places depend on the data: what they refuse, and what compiled calls guard."""

import numpy as np
import pytest

import tapec as tp
from tapec.constants import constant
from tapec.errors import AttributeValueError, IndexOutOfRangeError, ShapeError

X = np.array([3.0, 1.0, 2.0, 1.0])


def test_unique_has_a_path_for_each_number_of_elements():
    f = tp.value_and_grad(lambda x: np.sum(np.unique(x) ** 2))
    for x in (X, X[::-1].copy(), np.array([1.0, 2.0, 3.0, 4.0]), X):
        value, gradient = f(x)
        assert value == np.sum(np.unique(x) ** 2)
        expected = np.zeros(4)
        expected[np.unique(x, return_index=True)[1]] = 2 * np.unique(x)
        np.testing.assert_array_equal(gradient, expected)
    assert (f.recordings, f.compiles) == (2, 2)


def test_inverse_puts_the_elements_back():
    def back(x):
        values, inverse = np.unique(x, return_inverse=True)
        return values[inverse]

    f = tp.function(back, strict=True)
    for x in (X.reshape(2, 2), X[::-1].reshape(2, 2).copy()):
        np.testing.assert_array_equal(f(x), x)


def test_histograms_run_compiled_and_count_other_data():
    f = tp.function(lambda x: np.histogram(x, 5), strict=True)
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.normal(size=100)
        for found, expected in zip(f(x), np.histogram(x, 5), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert f.recordings == 1


def test_counts_have_no_derivative_and_weights_have():
    x, w = np.array([0.5, 1.5, 2.5]), np.array([1.0, 2.0, 3.0])
    counted = tp.grad(lambda x, w: np.sum(np.histogram(x, 2)[0] * w[:2]), argnums=(0, 1))(x, w)
    np.testing.assert_array_equal(counted[0], np.zeros(3))
    np.testing.assert_array_equal(counted[1], [1.0, 2.0, 0.0])
    weighed = tp.grad(lambda w: np.histogram(x, [0.0, 1.0, 3.0], weights=w)[0][1] ** 2)(w)
    np.testing.assert_array_equal(weighed, [0.0, 10.0, 10.0])


def test_starts_of_stretches_may_be_tensors():
    f = tp.function(lambda x, at: np.add.reduceat(x, at), strict=True)
    for at in (np.array([0, 2]), np.array([1, 3]), np.array([0, 2])):
        np.testing.assert_array_equal(f(X, at), np.add.reduceat(X, at))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: np.partition(x, 4), AttributeValueError, "kth 4 is out of bounds, for an extent of 4"),
        (lambda x: np.argpartition(x, -5), AttributeValueError, "kth -5"),
        (lambda x: np.add.reduceat(x, [0, 4]), IndexOutOfRangeError, r"index 4 .* numpy\.add\.reduceat"),
        (lambda x: np.add.reduceat(x, [-1]), IndexOutOfRangeError, "index -1"),
        (lambda x: np.add.reduceat(x, 1), ShapeError, "one axis of indices"),
        (lambda x: np.histogram(x, 0), AttributeValueError, "bins must be positive"),
        (lambda x: np.histogram(x, [1.0, 0.0]), AttributeValueError, "increase monotonically"),
        (lambda x: np.histogram(x, [[1.0, 2.0]]), ShapeError, "edges along one axis"),
        (lambda x: np.histogram(x, range=(1.0, 0.0)), AttributeValueError, "must not be larger"),
        (lambda x: np.histogram(x / 0.0), AttributeValueError, "not finite"),
        (lambda x: np.histogram(x, weights=x[1:]), ShapeError, "differ"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_numpy_refuses_is_refused_with_the_users_line(call, error, words):
    for run in (lambda: call(constant(X)), lambda: tp.function(call)(X)):
        with pytest.raises(error, match=rf"(?s){words}.*{__file__}"):
            run()


def test_flat_writes_through():
    plain = np.arange(6.0).reshape(2, 3)
    array = tp.asarray(plain.copy())
    for a in (plain, array):
        a.flat[4] = 9.0
        a.T.flat[1] = -1.0
        a[:, 1:].flat[:2] = [7.0, 8.0]
    np.testing.assert_array_equal(array.numpy(), plain)
    for value in (2.0, [1.0, 2.0], np.arange(9.0)):
        plain.flat = array.flat = value
        np.testing.assert_array_equal(array.numpy(), plain)
    with pytest.raises(TypeError, match="immutable"):
        np.broadcast_to(array, (2, 2, 3)).flat[0] = 1.0
    with pytest.raises(AttributeError):
        constant(X).flat = 1.0


def test_flat_in_a_compiled_derivative():
    def filled(x):
        a = np.zeros_like(x)
        a.flat = x.flat[::-1]
        a.T.flat[1] = 2 * x[0, 0]
        return np.sum(a**2)

    gradient = tp.grad(filled, strict=True)
    for _ in range(2):
        np.testing.assert_array_equal(gradient(np.ones((2, 2))), [[10.0, 0.0], [2.0, 2.0]])
