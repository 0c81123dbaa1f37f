"""Writing where tensors say: recorded with the tensors, in loops and compiled functions too, ranges checked."""

import numpy as np
import pytest

import tapec as tp
from tapec.testing import check_grads

A = np.arange(60.0).reshape(3, 4, 5)
I, J, K = np.array([2, -2, 1]), np.array([[0], [3]]), np.array(-1)

# Keys of `(a, i, j, k)`: a is an array of shape (3, 4, 5), i and j are arrays of indices, k is one.
KEYS = {
    "one array": lambda i, j, k: i,
    "one index": lambda i, j, k: k,
    "of an axis": lambda i, j, k: (slice(None), j),
    "of the last axis": lambda i, j, k: (..., k),
    "of all axes": lambda i, j, k: (i, j, k),
    "of two axes": lambda i, j, k: (i, j),
    "side by side": lambda i, j, k: (slice(None), i, j),
    "apart": lambda i, j, k: (i, slice(1, 3), j),
    "with a slice": lambda i, j, k: (i, slice(None, None, -2)),
    "with an integer": lambda i, j, k: (1, i, slice(1, 4)),
    "with new axes": lambda i, j, k: (None, i, None, slice(0, 2)),
    "with an empty slice": lambda i, j, k: (i, slice(2, 2)),
    "with an array that is none": lambda i, j, k: (i, np.array([0, 3, 1])),
    "in a list": lambda i, j, k: [k, 0],
}


@pytest.mark.parametrize("name", KEYS)
def test_every_key_writes_as_numpy_does(name):
    """Eagerly, at the call that records, and compiled with other indices and values."""

    def write(a, i, j, k, new):
        out = np.copy(a)
        out[KEYS[name](i, j, k)] = new
        return out

    def expected(i, j, k, new):
        out = A.copy()
        out[KEYS[name](i, j, k)] = new
        return out

    program = tp.function(strict=True)(write)
    for shift in (0, 1, 2):
        i, j, k = I - shift % 2, J - shift, K - shift
        shape = A[KEYS[name](i, j, k)].shape
        for new in (np.float64(7.0), -1.0 - np.arange(float(np.prod(shape))).reshape(shape)):
            eager = write(tp.constant(A), tp.constant(i), tp.constant(j), tp.constant(k), tp.constant(new))
            assert eager.tolist() == expected(i, j, k, new).tolist()
            assert np.asarray(program(A, i, j, k, new)).tolist() == expected(i, j, k, new).tolist()
    assert program.recordings == 2


@pytest.mark.parametrize("name", KEYS)
def test_views_are_written_to(name):
    def write(a, i, j, k):
        out = np.copy(a)
        out.T[KEYS[name](i % 3, j % 3, k)] = 7.0
        return out

    expected = A.copy()
    expected.T[KEYS[name](I % 3, J % 3, K)] = 7.0
    program = tp.function(strict=True)(write)
    for _ in range(2):
        assert np.asarray(program(A, I, J, K)).tolist() == expected.tolist()


def test_derivatives_where_indices_repeat():
    where = np.array([[0, 2], [2, -3]])

    def f(x, u):
        a = np.copy(x * x)
        a[where_of(x)] = u * 2.0
        return np.sum(a * np.arange(1.0, 4.0))

    for where_of in (lambda x: tp.constant(where), lambda x: np.argsort(x)[tp.constant(where)]):
        check_grads(f, [np.array([0.3, 0.9, 1.4]), np.arange(1.0, 5.0).reshape(2, 2)], order=2)
    gradient = tp.grad(f, argnums=1)
    for _ in range(2):
        found = gradient(np.array([0.3, 0.9, 1.4]), np.ones((2, 2)))
        assert np.asarray(found).tolist() == [[0.0, 0.0], [6.0, 2.0]]


def test_an_index_outside_its_axis_is_an_error_in_compiled_code():
    @tp.function(strict=True)
    def write(x, i):
        a = np.copy(x)
        a[i] = 1.0
        return a

    @tp.function(strict=True)
    def write_two(x, i, j):
        a = np.copy(x)
        a[i, j] = 1.0
        return a

    x = np.zeros(4)
    assert np.asarray(write(x, 3)).tolist() == [0.0, 0.0, 0.0, 1.0]
    write(x, np.array([1, 2]))
    write_two(A[0], 1, 1)
    for outside in (4, -5, np.array([1, 4]), np.array([-5, 0])):
        with pytest.raises(IndexError):
            write(x, outside)
    for pair in ((4, 0), (0, 5), (-5, 0), (0, -6)):
        with pytest.raises(IndexError):
            write_two(A[0], *pair)
    assert np.asarray(write(x, -4)).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_an_index_of_a_loop():
    def f(x):
        def body(i, a):
            a = tp.asarray(a)
            a[i] = a[i - 1] * 0.5 + np.sin(x[i])
            return a

        return np.sum(tp.fori_loop(1, x.shape[0], body, np.zeros_like(x)) ** 2)

    x = np.linspace(-1.0, 1.0, 7)
    a = np.zeros(7)
    for i in range(1, 7):
        a[i] = a[i - 1] * 0.5 + np.sin(x[i])
    program = tp.function(f, strict=True)
    for _ in range(2):
        np.testing.assert_allclose(program(x), np.sum(a**2), rtol=1e-14)
    check_grads(f, [x], order=2)


def test_a_table_of_a_loop():
    def f(c):
        def row(i, table):
            def column(j, table):
                table = tp.asarray(table)
                table[i, j] = np.minimum(table[i - 1, j], table[i, j - 1]) + c[i, j] ** 2
                return table

            return tp.fori_loop(1, 5, column, table)

        table = np.zeros_like(c)
        return tp.fori_loop(1, 4, row, table)[3, 4]

    c = np.random.default_rng(0).uniform(0.5, 1.5, (4, 5))
    table = np.zeros((4, 5))
    for i in range(1, 4):
        for j in range(1, 5):
            table[i, j] = min(table[i - 1, j], table[i, j - 1]) + c[i, j] ** 2
    program = tp.function(f, strict=True)
    for _ in range(2):
        np.testing.assert_allclose(program(c), table[3, 4], rtol=1e-14)
    check_grads(f, [c])


def test_examples_in_a_batch():
    def f(x, i, u):
        a = np.copy(x)
        a[i] = u
        return a

    x, u = np.arange(12.0).reshape(3, 4), np.arange(6.0).reshape(3, 2)
    i = np.array([[0, 3], [-1, -1], [2, 1]])
    found = tp.vmap(f)(x, i, u)
    for k in range(3):
        expected = x[k].copy()
        expected[i[k]] = u[k]
        assert np.asarray(found)[k].tolist() == expected.tolist()
