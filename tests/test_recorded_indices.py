"""Writing where tensors say: recorded with the tensors, in loops and compiled functions too, ranges checked."""

import numpy as np
import pytest

import tapec as tp
from tapec.testing import check_grads

A = np.arange(60.0).reshape(3, 4, 5)
ROWS, COLUMNS, ONE = np.array([2, -2, 1]), np.array([[0], [3]]), np.array(-1)

# Arguments of `at` below.
KEYS = {
    "one array": ("i",),
    "one index": ("k",),
    "of an axis": (slice(None), "j"),
    "of the last axis": (..., "k"),
    "of all axes": ("i", "j", "k"),
    "of two axes": ("i", "j"),
    "side by side": (slice(None), "i", "j"),
    "apart": ("i", slice(1, 3), "j"),
    "with a slice": ("i", slice(None, None, -2)),
    "with an integer": (1, "i", slice(1, 4)),
    "with new axes": (None, "i", None, slice(0, 2)),
    "with an empty slice": ("i", slice(2, 2)),
    "with an array that is none": ("i", np.array([0, 3, 1])),
    "in a list": ("k0",),
}


def at(name, i, j, k):
    """A key for an array of shape (3, 4, 5); `i` and `j` are arrays of indices, `k` is an index."""
    values = {"i": i, "j": j, "k": k, "k0": [k, 0]}
    return tuple([values[item] if isinstance(item, str) else item for item in KEYS[name]])


@pytest.mark.parametrize("name", KEYS)
def test_every_key_writes_as_numpy_does(name):
    """Eagerly, at the call that records, and compiled with other indices and values."""

    def write(a, i, j, k, new):
        out = np.copy(a)
        out[at(name, i, j, k)] = new
        return out

    def expected(i, j, k, new):
        out = A.copy()
        out[at(name, i, j, k)] = new
        return out

    program = tp.function(strict=True)(write)
    for shift in (0, 1, 2):
        i, j, k = ROWS - shift % 2, COLUMNS - shift, ONE - shift
        shape = A[at(name, i, j, k)].shape
        for new in (np.float64(7.0), -1.0 - np.arange(float(np.prod(shape))).reshape(shape)):
            eager = write(tp.constant(A), tp.constant(i), tp.constant(j), tp.constant(k), tp.constant(new))
            assert eager.tolist() == expected(i, j, k, new).tolist()
            assert np.asarray(program(A, i, j, k, new)).tolist() == expected(i, j, k, new).tolist()
    assert program.recordings == 2


@pytest.mark.parametrize("name", KEYS)
def test_views_are_written_to(name):
    def write(a, i, j, k):
        out = np.copy(a)
        out.T[at(name, i % 3, j % 3, k)] = 7.0
        return out

    expected = A.copy()
    expected.T[at(name, ROWS % 3, COLUMNS % 3, ONE)] = 7.0
    program = tp.function(strict=True)(write)
    for _ in range(2):
        assert np.asarray(program(A, ROWS, COLUMNS, ONE)).tolist() == expected.tolist()


def test_derivatives_where_indices_repeat():
    where = np.array([[0, 2], [2, -3]])

    def f(x, u):
        a = np.copy(x * x)
        a[tp.constant(where)] = u * 2.0
        return np.sum(a * np.arange(1.0, 4.0))

    def g(x, u):
        a = np.copy(x * x)
        a[np.argsort(x)[tp.constant(where)]] = u * 2.0
        return np.sum(a * np.arange(1.0, 4.0))

    x = np.array([0.3, 0.9, 1.4])
    check_grads(f, [x, np.arange(1.0, 5.0).reshape(2, 2)], order=2)
    check_grads(g, [x, np.arange(1.0, 5.0).reshape(2, 2)], order=2)
    gradient = tp.grad(f, argnums=1)
    for _ in range(2):
        assert np.asarray(gradient(x, np.ones((2, 2)))).tolist() == [[0.0, 0.0], [6.0, 2.0]]


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
