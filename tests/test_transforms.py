"""`tp.grad` and `tp.value_and_grad`."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from all_modes import in_all_modes

import tapec as tp
from tapec.recording import ACTIVE

X = np.linspace(0.1, 1.2, 6).reshape(2, 3)


@dataclass(frozen=True)
class Layer:
    w: object
    b: object
    activation: str = "tanh"


class Pair(NamedTuple):
    a: object
    b: object


def test_value_and_gradient():
    f = tp.value_and_grad(lambda w, x: np.sum((w * x) ** 2))
    value, gradient = in_all_modes(f, X, X + 1)
    assert type(value) is np.float64
    assert type(gradient) is np.ndarray
    np.testing.assert_allclose(value, np.sum((X * (X + 1)) ** 2), rtol=1e-14)
    np.testing.assert_allclose(gradient, 2 * X * (X + 1) ** 2, rtol=1e-14)
    assert (f.recordings, f.compiles) == (1, 1)


def test_forms_of_the_decorator():
    @tp.grad
    def bare(x):
        """Square."""
        return x * x

    @tp.grad(argnums=1)
    def second(a, b):
        return a * b * b

    assert bare(3.0) == 6.0
    assert second(2.0, 3.0) == 12.0
    assert (bare.__name__, bare.__doc__) == ("bare", "Square.")
    assert tp.grad(lambda a, b: a * b, 1)(2.0, 3.0) == 2.0
    assert tp.value_and_grad(argnums=-1)(lambda a, b: a * b)(2.0, 3.0) == (6.0, 2.0)


def test_several_arguments():
    f = tp.grad(lambda a, b, c: a * b * b * c, argnums=(0, 1))
    assert in_all_modes(f, 2.0, 3.0, 5.0) == (45.0, 60.0)
    assert tp.grad(lambda a, b: a * b, argnums=(0,))(2.0, 3.0) == (3.0,)


def test_gradients_have_the_structure_of_the_argument():
    def loss(params, x):
        layer, (scale, more) = params["layer"], params["rest"]
        z = np.tanh(x * layer.w + layer.b) if layer.activation == "tanh" else x
        return np.sum(z * scale + more.a) * more.b

    params = {"layer": Layer(X, np.ones(3)), "rest": [2.0, Pair(np.float32(0.5), np.array(3.0))]}
    gradient = in_all_modes(tp.grad(loss), params, 0.7)
    assert list(gradient) == ["layer", "rest"]
    assert type(gradient["layer"]) is Layer
    assert gradient["layer"].activation is None
    assert gradient["layer"].w.shape == (2, 3)
    assert gradient["layer"].b.shape == (3,)
    scale, pair = gradient["rest"]
    z = np.tanh(0.7 * X + 1)
    np.testing.assert_allclose(scale, 3 * np.sum(z), rtol=1e-13)
    assert type(pair) is Pair
    assert type(pair.a) is np.float32
    np.testing.assert_allclose(pair.a, 18.0)
    np.testing.assert_allclose(gradient["layer"].w, 3 * 2 * 0.7 * (1 - z**2), rtol=1e-13)


def test_keyword_and_default_arguments():
    f = tp.grad(lambda x, scale=2.0, *, shift=0.0: (x * scale + shift) ** 2)
    assert f(3.0) == f(x=3.0) == 24.0
    assert f(3.0, scale=1.0) == 6.0
    assert f(3.0, shift=1.0) == 28.0


def test_gradients_keep_the_dtype():
    f = tp.grad(lambda w, c: np.sum(w * c))
    assert in_all_modes(f, X.astype(np.float32), 3.0).dtype == np.float32
    value, gradient = tp.value_and_grad(lambda c, w: np.sum(w * c))(3.0, X.astype(np.float32))
    assert value.dtype == np.float32  # a differentiated Python number is still one
    assert gradient.dtype == np.float64


def test_tensors_in_tensors_out():
    value, gradient = tp.value_and_grad(lambda x: np.sum(x * x))(tp.constant(X))
    assert type(value) is type(gradient) is tp.Tensor
    np.testing.assert_array_equal(gradient.numpy(), 2 * X)


def test_aux():
    f = tp.value_and_grad(lambda x: (x * x, {"double": x * 2, "note": "n"}), has_aux=True)
    assert in_all_modes(f, 3.0) == ((9.0, {"double": 6.0, "note": "n"}), 6.0)
    assert tp.grad(lambda x: (x * x, x + 1), has_aux=True)(3.0) == (6.0, 4.0)


def test_what_the_value_does_not_depend_on_has_zero_gradient():
    np.testing.assert_array_equal(in_all_modes(tp.grad(lambda _, y: np.sum(y)), X, X), np.zeros_like(X))
    assert in_all_modes(tp.grad(lambda _: 3.0), 1.0) == 0.0
    gradient = tp.grad(lambda p: p["a"] * 2.0)({"a": 1.0, "b": X})
    assert gradient["a"] == 2.0
    np.testing.assert_array_equal(gradient["b"], np.zeros_like(X))


def test_the_same_array_twice_is_two_arguments():
    f = tp.grad(lambda a, b: np.sum(a * b * b))
    np.testing.assert_array_equal(f(X, X), X * X)
    outer = tp.function(lambda x: tp.grad(lambda a, b: np.sum(a * b * b))(x, x))
    np.testing.assert_array_equal(in_all_modes(outer, X), X * X)


def test_what_the_function_reaches_by_itself_is_constant():
    outer = tp.function(lambda x: tp.grad(lambda a: np.sum(a * x))(x))
    np.testing.assert_array_equal(in_all_modes(outer, X), X)
    assert in_all_modes(tp.grad(lambda x: x * tp.grad(lambda y: x * y)(x)), 3.0) == 6.0


def test_higher_orders():
    f = np.sin
    expected = [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]
    for derivative in expected:
        f = tp.grad(f)
        np.testing.assert_allclose(in_all_modes(f, 0.7), derivative(0.7), rtol=1e-13)
    np.testing.assert_allclose(tp.grad(tp.grad(lambda x: x**3))(2.0), 12.0)


def test_gradient_of_a_gradients_norm():
    def inner(w):
        return np.sum(w**3)

    f = tp.grad(lambda w: np.sum(tp.grad(inner)(w) ** 2))
    np.testing.assert_allclose(in_all_modes(f, X), 36 * X**3, rtol=1e-13)


def test_gradient_through_a_compiled_function_and_a_tape():
    square = tp.function(lambda x: x * x)

    def with_tape(x):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = square(x) * x
        return tape.gradient(y, x)

    np.testing.assert_allclose(in_all_modes(tp.function(with_tape), 2.0), 12.0)
    np.testing.assert_allclose(in_all_modes(tp.grad(with_tape), 2.0), 12.0)


def test_variables_inside_and_as_arguments():
    v = tp.Variable(3.0)
    assert in_all_modes(tp.grad(lambda x: x * x * v), 2.0) == 12.0
    v.assign(5.0)
    f = tp.grad(lambda p: p["v"] * p["v"] * p["c"])
    gradient = f({"v": v, "c": tp.constant(2.0)})
    assert gradient["v"].numpy() == 20.0
    v.assign(1.0)
    assert f({"v": v, "c": tp.constant(2.0)})["v"].numpy() == 4.0


def test_a_whole_training_step_is_one_recording():
    w, m = tp.Variable(np.zeros(3)), tp.Variable(np.zeros(3))
    target = np.array([1.0, -2.0, 3.0])

    @tp.function
    def step(x, rate):
        loss, gradient = tp.value_and_grad(lambda w: np.mean((w * x - target) ** 2))(w.value())
        m.assign(0.9 * m + gradient)
        w.assign_sub(rate * m)
        return loss

    losses = [step(np.ones(3), 0.1) for _ in range(60)]
    assert losses[-1] < 1e-2 * losses[0]
    np.testing.assert_allclose(w.numpy(), target, atol=0.3)
    assert step.recordings == 1
    assert type(losses[0]) is np.float64


def test_branches_inside_are_guarded():
    f = tp.grad(lambda x: x * x if x > 0 else -3.0 * x)
    for _ in range(2):
        assert f(2.0) == 4.0
        assert f(-2.0) == -3.0
    assert f.recordings == 2


@pytest.mark.parametrize(
    ("function", "argument", "message"),
    [
        (lambda x: x * 2, X, r"returned shape \(2, 3\).*np\.sum"),
        (lambda x: np.sum(x, keepdims=True), X, r"returned shape \(1, 1\)"),
        (lambda x: (np.sum(x), 1.0), X, "returned a tuple.*has_aux"),
        (lambda x: {"a": x}, 1.0, "returned a dict"),
        (lambda _: None, 1.0, r"returned a NoneType.*return missing"),
        (lambda _: "text", 1.0, "returned a str"),
    ],
)
def test_values_that_are_not_scalars(function, argument, message):
    f = tp.grad(function)
    with pytest.raises(tp.errors.NonScalarTargetError, match=message):
        f(argument)
    assert ACTIVE.recorders == []
    assert (f.recordings, f.compiles) == (0, 0)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (np.arange(3), "argument 0, weights, which is int64"),
        (3, "argument 0, weights, which is int64"),
        (np.array([True]), "argument 0, weights, which is bool"),
        ({"a": [X, np.arange(2)]}, r"argument 0, weights\['a'\]\[1\], which is int64"),
        (True, "argument 0, weights, a bool without floating numbers"),
        ("text", "a str without floating numbers"),
        ((), "a tuple without floating numbers"),
    ],
)
def test_arguments_without_derivatives(argument, message):
    def loss(weights):
        return 1.0

    with pytest.raises(tp.errors.IntegerInputError, match=message):
        tp.grad(loss)(argument)


def test_integers_elsewhere_are_fine():
    assert tp.grad(lambda x, n, k: x * n * np.sum(k))(2.0, 3, np.arange(3)) == 9.0


def test_other_errors():
    with pytest.raises(tp.errors.ArgumentError, match=r"got a ndarray.*tp\.grad\(sum\)\(value\)"):
        tp.grad(np.sum, X)(X)
    with pytest.raises(tp.errors.ArgumentError, match="a int cannot be compiled"):
        tp.function(3)
    with pytest.raises(tp.errors.ArgumentError, match="argument 2, but got 1 positional"):
        tp.grad(lambda x: x, argnums=2)(1.0)
    with pytest.raises(tp.errors.AuxiliaryResultError, match=r"pair \(value, aux\), got Tensor"):
        tp.grad(lambda x: x, has_aux=True)(1.0)
    with pytest.raises(tp.errors.DTypeError, match="scalar of dtype bool"):
        tp.grad(lambda x: x > 0)(1.0)
    with pytest.raises(tp.errors.ShapeError):
        tp.grad(lambda x: np.sum(x + np.ones(7)))(X)
    assert ACTIVE.recorders == []


def test_leaks():
    def loss(x):
        return x * float(tp.stop_gradient(x))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f = tp.grad(loss)
        assert [f(2.0), f(3.0)] == [2.0, 3.0]
    assert [w.lineno for w in caught] == [loss.__code__.co_firstlineno + 1]
    with pytest.raises(tp.errors.LeakedTensorError):
        tp.grad(strict=True)(loss)(2.0)
