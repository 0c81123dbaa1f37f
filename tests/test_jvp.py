"""`tp.jvp`, `tp.linearize` and `tp.vjp`."""

import gc
import weakref

import mpmath
import numpy as np
import pytest

import tapec as tp
from tapec.recording import ACTIVE
from tapec.testing import check_grads

X = np.linspace(0.1, 1.2, 6).reshape(2, 3)
V = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


def several_times(call, *args):
    """The result of a call op by op, of the one that compiles, and of a compiled one, which must have the same bits."""
    first, *others = [call(*args) for _ in range(3)]
    for other in others:
        np.testing.assert_equal(other, first)
    return first


def test_value_and_tangent():
    value, tangent = several_times(tp.jvp, lambda x, c: np.sum(np.sin(x) * c), (X, 2.0), (V, 0.5))
    np.testing.assert_allclose(value, 2 * np.sum(np.sin(X)), rtol=1e-14)
    np.testing.assert_allclose(tangent, np.sum(2 * np.cos(X) * V) + 0.5 * np.sum(np.sin(X)), rtol=1e-14)
    assert type(value) is type(tangent) is np.float64


def test_anything_but_a_tuple_is_the_only_argument():
    assert tp.jvp(lambda x: x * x, 3.0, 2.0) == (9.0, 12.0)
    assert tp.jvp(lambda x: x[0] * x[1], [3.0, 5.0], [1.0, 10.0]) == (15.0, 35.0)


def test_structures_and_members_without_derivatives():
    def f(p, mode, n):
        return {"y": p["a"] * p["b"] * n, "mode": mode, "count": n + 1, "constant": 2.0}

    args = {"a": 3.0, "b": X}, "fast", 2
    value, tangent = several_times(tp.jvp, f, args, ({"a": 1.0, "b": None}, None, None))
    assert value["mode"] == "fast"
    assert value["count"] == 3
    np.testing.assert_array_equal(tangent["y"], 2 * X)
    assert (tangent["mode"], tangent["count"], tangent["constant"]) == (None, None, 0.0)


def test_tensors_in_tensors_out_and_dtypes_stay():
    value, tangent = tp.jvp(np.square, tp.constant([3.0], np.float32), [1.0])
    assert type(value) is type(tangent) is tp.Tensor
    assert value.dtype == tangent.dtype == np.float32
    v = tp.Variable([3.0])
    assert tp.jvp(np.square, v, [2.0])[1].numpy() == [12.0]


def test_what_the_function_reaches_by_itself_is_constant():
    f = tp.function(lambda x: tp.jvp(lambda a: a * x, x, 1.0)[1])
    assert several_times(f, 3.0) == 3.0


def test_forward_and_reverse_in_any_order():
    def f(x):
        return np.sin(x) * np.exp(x)

    def forward(g):
        return lambda x: tp.jvp(g, x, 1.0)[1]

    def pulled(g):
        return lambda x: tp.vjp(g, x)[1](1.0)[0]

    def linear(g):
        return lambda x: tp.linearize(g, x)[1](1.0)

    x = 0.7
    expected = -2 * np.exp(x) * np.sin(x) + 2 * np.exp(x) * np.cos(x)  # third derivative
    for first in (tp.grad, forward, pulled, linear):
        for second in (tp.grad, forward, pulled, linear):
            for third in (tp.grad, forward, pulled, linear):
                for run in (lambda f: f, tp.function):
                    np.testing.assert_allclose(run(first(second(third(f))))(x), expected, rtol=1e-12)


def test_derivative_over_what_linear_functions_keep():
    def f(w):
        out, pullback = tp.vjp(lambda x: np.sin(w * x), 0.5)
        _, pushforward = tp.linearize(lambda x: np.sin(w * x), 0.5)
        return out + pullback(2.0)[0] + pushforward(3.0)

    w = 1.3
    expected = 0.5 * np.cos(w / 2) + 5 * (np.cos(w / 2) - w / 2 * np.sin(w / 2))
    np.testing.assert_allclose(several_times(tp.grad(f), w), expected, rtol=1e-14)
    check_grads(f, [np.array(w)])


def test_linearize_runs_the_function_once():
    runs = []

    def f(x):
        runs.append(x)
        return np.sin(x) * x

    value, derivative = tp.linearize(f, X)
    np.testing.assert_array_equal(value, np.sin(X) * X)
    for v in (V, 2 * V, V):
        np.testing.assert_allclose(derivative(v), (np.cos(X) * X + np.sin(X)) * v, rtol=1e-14)
    assert len(runs) == 1


def test_pullback_keeps_the_point():
    x = X.copy()
    for _ in range(3):
        x[:] = X
        value, pullback = tp.vjp(lambda a, b: (a * a * b, np.sum(b)), x, 3.0)
        x[:] = 0.0
        np.testing.assert_allclose(value[0], 3 * X * X, rtol=1e-14)
        for _ in range(3):
            a, b = pullback((V, 10.0))
            np.testing.assert_allclose(a, 6 * X * V, rtol=1e-14)
            np.testing.assert_allclose(b, np.sum(X * X * V) + 10.0, rtol=1e-14)


def test_pullback_of_zeros_and_of_what_is_unconnected():
    _, pullback = tp.vjp(lambda a, _, n: {"y": a * 2.0, "n": n, "one": 1.0}, X, 3.0, 4)
    a, b, n = pullback({"y": None, "n": None, "one": 5.0})
    np.testing.assert_array_equal(a, np.zeros_like(X))
    assert (b, n) == (0.0, None)


def test_pullbacks_and_pushforwards_agree():
    def f(x):
        return np.cumsum(np.exp(x) * x[::-1], axis=1) @ np.ones((3, 2))

    y, push = tp.linearize(f, X)
    _, pull = tp.vjp(f, X)
    ct = np.random.default_rng(0).normal(size=y.shape)
    np.testing.assert_allclose(np.sum(push(V) * ct), np.sum(V * pull(ct)[0]), rtol=1e-13)


def test_forward_mode_through_variables():
    v = tp.Variable(3.0)
    assert several_times(tp.jvp, lambda x: x * v * v, 2.0, 1.0) == (18.0, 9.0)
    v.assign(1.0)
    assert tp.jvp(lambda x: x * v, 2.0, 1.0) == (2.0, 1.0)


def test_methods_and_callables():
    class Model:
        def __init__(self, w):
            self.w = w

        def loss(self, x):
            return x * self.w

        def __call__(self, x):
            return x + self.w

    model, other = Model(2.0), Model(5.0)
    for _ in range(3):
        assert tp.jvp(model.loss, 3.0, 1.0) == (6.0, 2.0)
        assert tp.jvp(other.loss, 3.0, 1.0) == (15.0, 5.0)
        assert tp.jvp(model, 3.0, 1.0) == (5.0, 1.0)


def test_functions_are_not_kept_alive():
    def run():
        class Weights:
            pass

        held = Weights()
        held.value = X

        def f(x):
            return np.sum(x * held.value)

        for _ in range(3):
            tp.jvp(f, X, V)
            tp.vjp(f, X)[1](1.0)
        return weakref.ref(held)

    alive = run()
    gc.collect()
    assert alive() is None


def test_fourth_derivatives_against_mpmath():
    functions = [
        (lambda x: np.exp(np.sin(x)), lambda x: mpmath.exp(mpmath.sin(x))),
        (lambda x: np.tanh(x) ** 3, lambda x: mpmath.tanh(x) ** 3),
        (lambda x: np.log1p(x * x), lambda x: mpmath.log1p(x * x)),
        (lambda x: x**3.5, lambda x: x ** mpmath.mpf(3.5)),
        (lambda x: np.sqrt(1.0 + x**4), lambda x: mpmath.sqrt(1 + x**4)),
        (lambda x: np.arctan(x) / x, lambda x: mpmath.atan(x) / x),
        (lambda x: np.cos(x) * np.exp(-x), lambda x: mpmath.cos(x) * mpmath.exp(-x)),
        (lambda x: np.sinh(x) / np.cosh(x), mpmath.tanh),
        (lambda x: np.arcsinh(x) * x, lambda x: mpmath.asinh(x) * x),
        (lambda x: tp.nn.sigmoid(x) * tp.nn.softplus(x), lambda x: mpmath.log1p(mpmath.exp(x)) / (1 + mpmath.exp(-x))),
    ]

    def forward(g):
        return lambda x: tp.jvp(g, x, 1.0)[1]

    mpmath.mp.dps = 40
    for f, exact in functions:
        expected = float(mpmath.diff(exact, mpmath.mpf(0.7), 4))
        for transformed in (
            tp.grad(tp.grad(tp.grad(tp.grad(f)))),
            forward(forward(forward(forward(f)))),
            tp.grad(forward(tp.grad(forward(f)))),
        ):
            np.testing.assert_allclose(transformed(0.7), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tp.jvp(np.sin, X, V[0]), ValueError, r"tangents\[0\] has shape \(3,\).*primals has shape \(2, 3\)"),
        (lambda: tp.jvp(np.add, (X, X), (V,)), ValueError, "`tangents` .* a tuple of 2, got one of 1"),
        (lambda: tp.jvp(lambda p: p["a"], {"a": X}, {"b": X}), ValueError, r"with the keys \['a'\]"),
        (lambda: tp.jvp(lambda x, n: x * n, (X, 3), (V, 1)), ValueError, r"tangents\[1\] must be None"),
        (lambda: tp.jvp(lambda n: n * 2, 3, 1), tp.errors.IntegerInputError, "argument 0, n, without floating numbers"),
        (lambda: tp.vjp(np.sin, X)[1](V[0]), ValueError, r"cotangent has shape \(3,\).*result has shape \(2, 3\)"),
        (lambda: tp.vjp(lambda x: (x, x), X)[1](V), ValueError, "`cotangent` must be structured as the result"),
        (lambda: tp.linearize(np.add, X, X)[1](V), ValueError, "`tangents` .* a tuple of 2, got one of 1"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert ACTIVE.recorders == []


def test_tangents_of_a_raising_function_leave_nothing_behind():
    def f(x):
        raise RuntimeError("mine")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="mine"):
            tp.jvp(f, X, V)
    assert ACTIVE.recorders == []


def test_linear_functions_that_leave_a_compiled_function_are_noticed():
    f = tp.function(lambda x: tp.linearize(np.sin, x)[1])
    with pytest.warns(tp.errors.EagerFallbackWarning, match="a Pushforward among the results"):
        f(0.0)
    assert [f(x)(1.0) for x in (0.0, np.pi)] == [1.0, -1.0]
