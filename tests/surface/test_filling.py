"""NumPy's functions that write to an array, and `out=`: as in NumPy, on Arrays and views, on tapes and compiled."""

import copy

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError, IndexOutOfRangeError, ReadOnlyViewError, ShapeError, UnsupportedFunctionError

X = np.array([0.7, -1.2, 2.5, 0.1, -0.4, 1.9])
M = np.arange(12.0).reshape(3, 4) - 5.3


def out_of_a_ufunc(a, x):
    np.multiply(x[:4], 2.0, out=a[1])


def out_where_a_mask_is_true(a, x):
    np.exp(x[:4], a[0], where=x[:4] > 0)


def out_that_is_an_operand(a, x):
    np.minimum(a, x[0], out=a)
    np.negative(a[:, :2], out=a[:, 2:])


def out_that_is_larger(a, x):
    assert np.add(x[:4], 1.0, out=a) is a


def two_outs(a, x):
    np.divmod(x[:4], 0.37, out=(a[0], a[1]))
    np.divmod(x[:4], 0.27, out=(None, a[2]))


def out_of_functions(a, x):
    np.cumsum(x[:4], out=a[0])
    np.sum(a, axis=0, out=a[1])
    np.clip(a, -1.0, x[2], out=a)
    np.concatenate([x[:2], x[2:4]], out=a[2])


def adds_to_chosen_elements(a, x):
    np.add.at(a, ([0, 0, 2], [1, 1, 3]), x[:3])
    np.subtract.at(a[1], np.argsort(x[:4]), x[1:5])


def copies(a, x):
    np.copyto(a[0], x[:4])
    np.copyto(a, x[2], where=a < x[1])
    np.copyto(a[:, 1], np.array([1, 2, 3]))


def puts(a, x):
    np.put(a, [0, -1, 5], x[:2])
    a.put([[3, 4]], 7.0)
    a.T.put([1], x[3])
    np.put(a, np.argsort(x)[:2], x[4:])


def puts_along_an_axis(a, x):
    np.put_along_axis(a, np.argmin(a, axis=1)[:, None], x[0], axis=1)
    np.put_along_axis(a, np.argsort(a, axis=0)[:1], x[None, :4], axis=0)
    np.put_along_axis(a, np.array([0, 7]), x[:2], axis=None)


def puts_by_a_mask(a, x):
    np.putmask(a, a > 1, x[:5])
    np.place(a, a < -2, x[:2])
    np.putmask(a, M > 3.0, a * 2.0)
    np.place(a, np.zeros(a.shape, bool), x)


def fills_a_diagonal(a, x):
    np.fill_diagonal(a, x[0])
    np.fill_diagonal(a[:, 1:], x[:2])


def fills_a_tall_diagonal(a, x):
    b = np.copy(np.reshape(np.concatenate([a, a, a]), (12, 3)))
    np.fill_diagonal(b, x[1])
    a[:2] = b[:8:2, 0]
    np.fill_diagonal(b, x[2], wrap=True)
    a[2] = b[4:8, 0]


PROGRAMS = [
    out_of_a_ufunc, out_where_a_mask_is_true, out_that_is_an_operand, out_that_is_larger, two_outs, out_of_functions,
    adds_to_chosen_elements, copies, puts, puts_along_an_axis, puts_by_a_mask, fills_a_diagonal, fills_a_tall_diagonal,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_slopes(program):
    def total(x):
        a = np.copy(x[0] * 0.1 + M)
        program(a, x)
        return np.sum(a * np.cos(np.arange(12.0)).reshape(3, 4) * a)

    slopes = [(total(X + h) - total(X - h)) / 2e-6 for h in 1e-6 * np.eye(6)]
    v = tp.Variable(X)
    with tp.GradientTape() as tape:
        y = total(v.value())
    np.testing.assert_allclose(y.numpy(), total(X), rtol=1e-14)
    eager = tape.gradient(y, v).numpy()
    np.testing.assert_allclose(eager, slopes, rtol=1e-6, atol=1e-7)
    compiled = tp.value_and_grad(total, strict=True)
    for _ in range(2):
        value, gradient = compiled(X)
        assert np.asarray(value).tobytes() == np.asarray(y.numpy()).tobytes()
        assert gradient.tobytes() == eager.tobytes()


def test_fills_the_diagonal_of_a_cube():
    a, expected = tp.asarray(np.zeros((3, 3, 3))), np.zeros((3, 3, 3))
    np.fill_diagonal(a, tp.constant([1.0, 2.0]))
    np.fill_diagonal(expected, [1.0, 2.0])
    np.testing.assert_array_equal(a.numpy(), expected)


def test_what_does_not_fit_is_an_error_with_the_line():
    a, x = tp.asarray(np.zeros((2, 3))), tp.constant(X)
    whole = tp.asarray(np.zeros(3, int))
    for call, error, words in (
        (lambda: np.exp(x, out=a), ShapeError, r"shape \(2, 3\) can't take shape \(6,\)"),
        (lambda: np.exp(x[:3], out=a[:, :1]), ShapeError, "can't take"),
        (lambda: np.exp(x[:3], out=whole), DTypeError, "int64 can't take float64 in place"),
        (lambda: np.copyto(whole, x[:3]), DTypeError, "int64 can't take float64"),
        (lambda: np.copyto(a, x[:3], where=np.ones((4, 2, 3), bool)), ShapeError, "no mask of an array"),
        (lambda: np.exp(x[:3], out=np.broadcast_to(a, (2, 2, 3))), ReadOnlyViewError, "read-only"),
        (lambda: np.put(a, [6], 1.0), IndexOutOfRangeError, "out of bounds"),
        (lambda: np.put(a, [-7], 1.0), IndexOutOfRangeError, "out of bounds"),
        (lambda: np.fill_diagonal(whole, x[0]), ShapeError, "two axes"),
        (lambda: np.put_along_axis(a, np.array([0]), 1.0, 1), ShapeError, "axes"),
        (lambda: np.place(a, x > 0, 1.0), ShapeError, "differ"),
    ):
        with pytest.raises(error, match=words) as caught:
            call()
        assert "test_filling.py:" in str(caught.value)


def test_what_is_no_array_of_tapec_is_refused_and_says_what_to_do():
    x, plain = tp.constant(X), np.zeros(6)

    def adds_in_place():
        nonlocal plain
        plain += x

    for call, words in (
        (lambda: np.copyto(x, 1.0), r"a Tensor: begin with a copy"),
        (lambda: np.copyto(plain, x), r"a ndarray: .*tp.asarray"),
        (lambda: np.add.at(x, [0], 1.0), r"add.at .*begin with a copy"),
        (lambda: np.exp(x, out=plain), r"`out`, a ndarray .*tp.asarray"),
        (adds_in_place, r"\+=.*tp.asarray"),
        (lambda: np.cumsum(x, out=plain), "tp.Array"),
        (lambda: np.exp(x, where=x > 0), "np.where"),
    ):
        with pytest.raises(UnsupportedFunctionError, match=words):
            call()
    assert not plain.any()


def test_a_tensor_is_not_sorted_in_place():
    with pytest.raises(TypeError, match=r"t = np.sort\(t\)"):
        tp.constant(X).sort()


def test_astype_gives_the_array_itself_if_no_copy_is_wanted():
    a = tp.asarray(X)
    assert a.astype(float, copy=False) is a
    assert a.astype(float) is not a
    assert a.astype(np.float32, copy=False).dtype == np.float32
    assert tp.constant(X).astype(np.float32, copy=False).dtype == np.float32


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_an_array_belongs_to_where_it_is_made(copied):
    @tp.function
    def program(x):
        a = x.copy()
        b = copied(a)
        b += 1.0
        return a + 10.0 * b

    for _ in range(2):
        np.testing.assert_allclose(program(X), 11.0 * X + 10.0, rtol=1e-14)
