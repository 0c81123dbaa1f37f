"""Loops and branches against plain Python, in every way in which they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.structure import flatten
from tapec.testing import check_grads

RNG = np.random.default_rng(3)
W, B = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=3)
XS = RNG.normal(size=(5, 3))


def same(a: Any, b: Any) -> None:
    """The same containers, dtypes and bits."""
    if isinstance(a, tuple | list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
        return
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes(), (a, b)


def every_way(f, *args, same_sums=True):
    """The result of `f`, after checking that it is the same compiled, at a second call, as one op and op by op.

    Without `same_sums` the last digits may differ op by op: the adjoint of a Python loop adds what a tensor receives
    from several places in another order than the adjoint of a loop op.
    """
    compiled = tp.function(f)
    result = compiled(*args)
    same(compiled(*args), result)
    same(f(*[tp.constant(a) if isinstance(a, np.ndarray) else a for a in args]), result)
    with tp.eager():
        eager = compiled(*args)
        if same_sums:
            same(eager, result)
        else:
            for a, b in zip(flatten(eager)[0], flatten(result)[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-13)
    return result


def rnn(w, b, xs, reverse=False):
    def step(carry, x):
        h, total = carry
        h = np.tanh(w @ h + x + b)
        return (h, total + np.sum(h)), {"h": h, "double": 2.0 * x}

    return tp.scan(step, (np.ones(3), 0.0), xs, reverse=reverse)


def rnn_in_python(w, b, xs, reverse=False):
    h, total = np.ones(3), 0.0
    rows = [None] * len(xs)
    for i in reversed(range(len(xs))) if reverse else range(len(xs)):
        h = np.tanh(w @ h + xs[i] + b)
        total = total + np.sum(h)
        rows[i] = h
    return h, total, np.array(rows)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_a_python_loop(reverse):
    def f(w, b, xs):
        (h, total), ys = rnn(w, b, xs, reverse)
        return h, total, ys["h"], ys["double"]

    h, total, rows, double = every_way(f, W, B, XS)
    for found, expected in zip((h, total, rows), rnn_in_python(W, B, XS, reverse), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_array_equal(double, 2.0 * XS)


@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives_of_scan(reverse):
    def f(w, b, xs):
        (h, total), ys = rnn(w, b, xs, reverse)
        return np.sum(h * h) + np.sin(total) + np.sum(ys["h"] * xs)

    check_grads(f, [W, B, XS], order=2)


def test_compiled_gradients_have_the_bits_of_the_python_loop():
    def loss(w, b, xs):
        (h, total), ys = rnn(w, b, xs)
        return np.sum(h * h) + total + np.sum(ys["h"])

    every_way(tp.value_and_grad(loss, argnums=(0, 1, 2)), W, B, XS)
    every_way(tp.grad(lambda w: np.sum(tp.grad(loss)(w, B, XS) ** 2)), W, same_sums=False)


def test_several_carries_and_no_xs():
    def f(a):
        return tp.scan(lambda c, _: ((c[1], c[0] + c[1], c[2]), None), (a, a * 2.0, a * 3.0), None, length=6)

    x, y = 1.5, 3.0
    for _ in range(6):
        x, y = y, x + y
    last, ys = f(1.5)
    assert ([float(t) for t in last], ys) == ([x, y, 4.5], None)
    check_grads(lambda a: f(a)[0], [np.array(1.5)], order=2)
    every_way(lambda a: f(a)[0], np.array(1.5))


def test_a_scan_of_no_rounds():
    def f(w, b, xs):
        (h, total), ys = rnn(w, b, xs)
        return h, total, ys["h"]

    h, total, rows = every_way(f, W, B, np.zeros((0, 3)))
    np.testing.assert_array_equal(h, np.ones(3))
    assert total == 0.0
    assert rows.shape == (0, 3)
    check_grads(lambda a: tp.scan(lambda c, x: (c * x, c), a, np.zeros(0))[0], [np.array(2.0)], order=2)


def test_a_scan_without_carries_is_a_map():
    assert every_way(lambda xs: tp.scan(lambda _, x: (None, x * x), None, xs)[1], np.arange(3.0)).tolist() == [0, 1, 4]


def test_nested_scans():
    def f(a, xs):
        def outer(c, row):
            inner, squares = tp.scan(lambda d, x: (d * x + c, d * d), c, row)
            return np.tanh(inner), np.sum(squares)

        c, ys = tp.scan(outer, a, xs)
        return np.sum(ys) + c

    every_way(f, np.array(0.3), XS)
    every_way(tp.grad(f, argnums=(0, 1)), np.array(0.3), XS, same_sums=False)
    check_grads(f, [np.array(0.3), XS[:3]], order=2)


def test_what_a_body_reaches_by_itself_is_differentiable():
    v = tp.Variable(W)

    def loss(a):
        return np.sum(tp.scan(lambda c, x: (np.tanh(v @ c) * a + x, None), B, XS)[0])

    with tp.GradientTape() as tape:
        y = loss(1.2)
    found = tape.gradient(y, v)
    assert tape.watched_variables() == (v,)
    step = 1e-6
    for i, j in np.ndindex(3, 3):
        ends = []
        for sign in (1, -1):
            v.assign(W + sign * step * np.outer(np.arange(3) == i, np.arange(3) == j))
            ends.append(float(loss(1.2)))
        np.testing.assert_allclose(found.numpy()[i, j], (ends[0] - ends[1]) / (2 * step), rtol=1e-6)


def test_arrays_that_a_body_reaches_are_read_at_each_call():
    array = np.array([1.0, 2.0])
    f = tp.function(lambda a: tp.fori_loop(0, 3, lambda _, c: c * array, a))
    np.testing.assert_array_equal(f(np.ones(2)), [1.0, 8.0])
    array[:] = 3.0
    np.testing.assert_array_equal(f(np.ones(2)), [27.0, 27.0])
    assert f.recordings == 1


# fori_loop -----------------------------------------------------------------------------------------------------------


def test_fori_loop_with_a_counter():
    def f(x):
        return tp.fori_loop(2, 7, lambda i, c: c * np.sin(c) + i / 10, x)

    expected = 0.8
    for i in range(2, 7):
        expected = expected * np.sin(expected) + i / 10
    np.testing.assert_allclose(every_way(f, np.array(0.8)), expected, rtol=1e-14)
    check_grads(f, [np.array(0.8)], order=2)


def test_fori_loop_that_indexes_with_its_counter():
    def f(x):
        return tp.fori_loop(0, 4, lambda i, c: c + x[i] * x[3 - i], 0.0)

    x = np.array([1.0, 2.0, 3.0, 5.0])
    assert every_way(f, x) == 2 * (5.0 + 6.0)
    check_grads(f, [x], order=2)


def test_a_counter_that_nobody_reads_is_no_carry():
    f = tp.function(lambda x: tp.fori_loop(0, 4, lambda _, c: c * c, x))
    f(np.array(1.1))
    assert "carries = 1" in f.inspect(np.array(1.1)).recorded
    assert every_way(lambda x: tp.fori_loop(3, 3, lambda _, c: c * c, x), np.array(1.1)) == 1.1


def test_fori_loop_with_tensor_bounds():
    def f(n, x):
        return tp.fori_loop(n - n, n, lambda i, c: c * x + i, x)

    assert every_way(f, np.array(4), np.array(2.0)) == ((((2.0 * 2 + 0) * 2) + 1) * 2 + 2) * 2 + 3
    with pytest.raises(tp.errors.DTypeError, match="bounds are integer scalars, got tensor<f64>"):
        tp.fori_loop(0, tp.constant(3.0), lambda _, c: c, 1.0)


# while_loop ----------------------------------------------------------------------------------------------------------


def newton(a):
    """The square root of a."""

    def goes_on(state):
        x, before = state
        return np.abs(x - before) > 1e-12

    return tp.while_loop(goes_on, lambda state: (0.5 * (state[0] + a / state[0]), state[0]), (a, a + 1.0))[0]


def test_while_loop():
    np.testing.assert_allclose(every_way(newton, np.array(7.0)), np.sqrt(7.0), rtol=1e-12)
    assert every_way(lambda x: tp.while_loop(lambda c: c < 0.0, lambda c: c + 1.0, x), np.array(2.0)) == 2.0


def test_derivatives_of_while_loops():
    check_grads(newton, [np.array(7.0)], order=2)


# cond and switch -----------------------------------------------------------------------------------------------------


def branching(x, y):
    return tp.cond(np.sum(x) > y, lambda a, b: (np.sin(a) * b, a), lambda a, b: (np.exp(a), a * b * y), x, y)


@pytest.mark.parametrize("y", [0.5, 4.0])
def test_cond(y):
    x = np.array([0.7, 1.1])
    expected = (np.sin(x) * y, x) if y == 0.5 else (np.exp(x), x * y * y)
    for found, right in zip(every_way(branching, x, np.array(y)), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-14)
    check_grads(branching, [x, np.array(y)], order=2)
    every_way(tp.grad(lambda x, y: np.sum(branching(x, y)[0]), argnums=(0, 1)), x, np.array(y))


def test_one_recording_takes_both_branches():
    f = tp.grad(lambda x: tp.cond(x > 1.0, np.sin, lambda x: x * x, x))
    assert f(0.5) == 1.0
    assert f(2.0) == np.cos(2.0)
    assert f.recordings == 1


def test_switch_clamps():
    def f(i, x):
        return tp.switch(i, [np.sin, lambda x: x * x, np.exp], x)

    for index, expected in ((-5, np.sin), (0, np.sin), (1, np.square), (2, np.exp), (9, np.exp)):
        np.testing.assert_allclose(every_way(f, np.array(index), np.array(0.6)), expected(0.6), rtol=1e-15)
        check_grads(lambda x, i=index: f(tp.constant(i), x), [np.array(0.6)], order=2)


def test_plain_python_predicates_just_call():
    assert tp.cond(True, lambda: "yes", lambda: "no") == "yes"
    assert tp.switch(7, [lambda x: x, lambda x: -x], 3) == -3


def test_python_numbers_take_the_dtype_of_the_other_branch():
    x = np.array(2.0, np.float32)
    for sign in (1, -1):
        result = every_way(lambda x, s=sign: tp.cond(x * s > 0, lambda: 0.0, lambda: x), x)
        assert result.dtype == np.float32


def test_cond_in_scan_and_scan_in_cond():
    def f(a, xs):
        def step(c, x):
            longer = tp.cond(x > 0.0, lambda c: tp.scan(lambda d, _: (d * a, d), c, None, length=3)[0], np.sin, c)
            return longer, longer * x

        c, ys = tp.scan(step, a, xs)
        return c + np.sum(ys)

    xs = np.array([0.3, -0.2, 0.9, -1.0])
    every_way(f, np.array(1.1), xs)
    every_way(tp.grad(f, argnums=(0, 1)), np.array(1.1), xs, same_sums=False)
    check_grads(f, [np.array(1.1), xs], order=2)


def test_a_branch_that_is_not_taken_may_index_out_of_range():
    def f(i, x):
        return tp.cond(i < 3, lambda: x[i], lambda: x[0] - 1.0)

    x = np.array([1.0, 2.0, 4.0])
    assert every_way(f, np.array(2), x) == 4.0
    assert every_way(f, np.array(7), x) == 0.0
    with pytest.raises(IndexError):
        tp.cond(tp.constant(True), lambda: tp.constant(x)[tp.constant(7)], lambda: x[0])


def test_masked_branches_have_no_nan():
    f = tp.grad(lambda x: tp.cond(x > 0.0, np.sqrt, lambda x: 0.0 * x, x))
    assert f(0.0) == 0.0


# Python numbers ------------------------------------------------------------------------------------------------------


def test_python_numbers_as_first_carries_take_the_dtype_of_the_first_round():
    f32 = np.ones(3, np.float32)
    assert every_way(lambda xs: tp.scan(lambda c, x: (c + x, c), 0, xs)[0], f32).dtype == np.float32
    assert every_way(lambda xs: tp.scan(lambda c, x: (c * 0.5, x), 1, xs)[0], f32).dtype == np.float64
    # the second one learns from the first one's second round
    a, b = every_way(lambda xs: tp.scan(lambda c, x: ((c[1] * 2, c[0] + x), None), (1, 1), xs)[0], f32)
    assert (a.dtype, b.dtype) == (np.float32, np.float32)
