"""`tp.Array` in derivatives, compiled functions, vmap and loops."""

import numpy as np
import pytest

import tapec as tp

X = np.array([1.0, 2.0, 3.0, 4.0])


def recurrence(x):
    out = np.zeros_like(x)
    out[0] = x[0]
    for i in range(1, 4):
        out[i] = np.sin(out[i - 1]) * x[i]
    out[1:3] *= out[:2]
    return np.sum(out * out)


def test_eager_compiled_and_central_differences_agree():
    tp.testing.check_grads(recurrence, [X], order=2)
    value, gradient = tp.value_and_grad(recurrence)(X)
    v = tp.Variable(X)
    with tp.GradientTape() as tape:
        y = recurrence(v)
    assert y.item() == value
    assert tape.gradient(y, v).numpy().tobytes() == gradient.tobytes()


def test_results_of_compiled_functions():
    @tp.function
    def program(x):
        a = np.zeros_like(x)
        a[1:] = x[:-1]
        return {"array": a, "view": a[1:], "sum": np.sum(a)}

    for _ in range(2):
        found = program(X)
        assert type(found["array"]) is np.ndarray
        assert found["array"].tolist() == [0.0, 1.0, 2.0, 3.0]
        assert found["view"].tolist() == [1.0, 2.0, 3.0]
        assert found["sum"] == 6.0


def test_an_array_as_an_argument_is_read():
    a = tp.asarray(X)
    program = tp.function(lambda x: x * 2.0)
    for factor in (1.0, 3.0):
        a[0] = factor
        assert program(a).tolist() == [2.0 * factor, 4.0, 6.0, 8.0]


def test_examples_in_vmap():
    def program(x):
        a = np.zeros_like(x)
        a[::2] = x[1::2]
        a[[1, 3]] = x[:2] * 3.0
        return a

    rows = np.arange(12.0).reshape(3, 4)
    found = np.asarray(tp.vmap(program)(rows))
    expected = np.stack([np.asarray(program(tp.constant(row))) for row in rows])
    assert found.tolist() == expected.tolist()


def test_loops_as_ops():
    def step(carry, x):
        a = carry.copy()
        a[0] = a[1] * x
        a[1] += x
        return a, a[0]

    def total(xs):
        last, ys = tp.scan(step, np.array([1.0, 2.0]), xs)
        return np.sum(last) + np.sum(ys)

    tp.testing.check_grads(total, [X], order=1)
    tp.testing.check_grads(tp.function(total), [X], order=1)


def test_masks_of_tensors_are_not_looked_at():
    @tp.function(strict=True)
    def program(x):
        a = x.copy()
        a[x > 2.0] = 0.0
        return a

    assert program(X).tolist() == [1.0, 2.0, 0.0, 0.0]
    assert program(X[::-1].copy()).tolist() == [0.0, 0.0, 2.0, 1.0]
    assert program.recordings == 1


def test_masks_of_views_that_write_one_number_need_no_guard():
    @tp.function(strict=True)
    def program(x):
        a = tp.Array(np.stack([x, x]))
        a[1][x > 2.0] = 0.0
        a.T[a.T == 1.0] = 7.0
        return a

    assert program(X).tolist() == [[7.0, 2.0, 3.0, 4.0], [7.0, 2.0, 0.0, 0.0]]
    assert program(X[::-1].copy()).tolist() == [[4.0, 3.0, 2.0, 7.0], [0.0, 0.0, 2.0, 7.0]]
    assert program.recordings == 1


def test_a_mask_that_examples_differ_by_is_refused():
    def program(x, where):
        a = x.copy()
        a[where] = x[:2]
        return a

    with pytest.raises(tp.errors.BatchedValueError, match="a mask of an assignment"):
        tp.vmap(program)(np.stack([X, X]), np.array([[True, False, True, False], [True, True, False, False]]))
