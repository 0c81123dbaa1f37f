"""Behaviours of functions that bring their own gradient, and of recomputation. Each test has its id."""

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp


def gradient_of(function, *sources):
    with tp.GradientTape() as tape:
        tape.watch(list(sources))
        y = function(*sources)
    return tape.gradient(y, list(sources))


def test_gt010_the_backward_of_something_stopped_does_not_run():
    ran = []

    @tp.custom_gradient
    def f(x):
        def grad(dy):
            ran.append(dy)
            raise RuntimeError("backward")

        return x * 2, grad

    @tp.function
    def program(x):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = f(tp.stop_gradient(x))
        assert tape.gradient(y, x) is None
        return y

    assert values(program(constant(3.0))) == 6.0
    assert not ran


def test_gt014_gt284_an_error_in_the_backward_function():
    @tp.custom_gradient
    def f(x):
        def grad(dy):
            raise RuntimeError("x")

        return x, grad

    with pytest.raises(RuntimeError, match="x"):
        gradient_of(f, constant(1.0))


def test_gt098_a_custom_square_of_a_variable():
    v = tp.Variable(3.0)

    @tp.custom_gradient
    def square(x):
        return x * x, lambda dy: 2 * dy * x + 1

    with tp.GradientTape() as tape:
        y = square(v)
    (pair,) = zip(tape.gradient(y, tape.watched_variables()), tape.watched_variables(), strict=True)
    assert values(pair[0]) == 7.0
    assert pair[1] is v


def test_gt100_training_with_a_custom_product():
    v = tp.Variable(2.0)

    @tp.custom_gradient
    def multiply(x, y):
        return x * y, lambda dy: (dy * y, dy * x)

    losses = []
    for _ in range(5):
        with tp.GradientTape() as tape:
            loss = multiply(2.0, v)
        losses.append(values(loss))
        v.assign_sub(0.25 * tape.gradient(loss, v))
    assert losses == [4.0, 3.0, 2.0, 1.0, 0.0]


def test_gt108_a_backward_function_that_is_not_the_derivative():
    f = tp.custom_gradient(lambda x: (x * x, lambda dy: 4 * dy))
    assert values(gradient_of(f, constant(1.0))) == [4.0]


def test_gt110_derivatives_of_custom_gradients():
    @tp.custom_gradient
    def inner(x, dy):
        return 2.1 * tp.identity(dy), lambda ddy: (2.2 * ddy, 3.1 * ddy)

    @tp.custom_gradient
    def f(x):
        return 2 * x, lambda dy: inner(x, dy)

    x, upstream = constant(1.0), constant(1.0)
    with tp.GradientTape(persistent=True) as outer:
        outer.watch([x, upstream])
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        first = tape.gradient(y, x, output_gradients=upstream)
    assert values(y) == 2.0
    assert values(first) == pytest.approx(2.1)
    assert values(outer.gradient(first, x)) == pytest.approx(2.2)
    assert values(outer.gradient(first, upstream)) == pytest.approx(3.1)


def test_gt260_a_compiled_custom_gradient():
    triple = tp.custom_gradient(lambda x: (x * x, lambda dy: 3 * dy))
    f = tp.function(lambda x, b: triple(x) + b)
    x, b = constant([2.0]), constant([1.0])
    with tp.GradientTape() as tape:
        tape.watch([x, b])
        y = triple(f(x, b)) + triple(b)
    assert values(tape.gradient(y, [x, b])) == [[9.0], [6.0]]


def test_gt282_swapped_gradients():
    f = tp.custom_gradient(lambda x, y: (x * y, lambda dy: (dy * x, dy * y)))
    assert values(gradient_of(f, constant(3.0), constant(5.0))) == [3.0, 5.0]


def test_gt290_only_the_variables_that_are_used_are_handed_over():
    used, unused = tp.Variable(3.0), tp.Variable(4.0)
    handed = []

    @tp.custom_gradient
    def f(x):
        def grad(dy, variables=None):
            handed.extend(variables)
            return dy * used, [9.0 * dy]

        return x * used, grad

    x = constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        unused.value()
        y = f(x)
    assert values(tape.gradient(y, [x, used, unused])) == [3.0, 9.0, None]
    assert handed == [used]


def test_gt294_an_array_as_an_argument():
    f = tp.custom_gradient(lambda x, y: (x * y, lambda dy: (dy * y, dy * x)))
    assert values(gradient_of(lambda x: f(x, np.array(4.0)), constant(2.0))) == [4.0]


def test_gt296_a_custom_gradient_that_calls_another_with_variables():
    w = tp.Variable(3.0)

    @tp.custom_gradient
    def inner(x):
        def grad(dy, variables=None):
            return dy * w, [3.0 * dy * x]

        return x * w, grad

    @tp.custom_gradient
    def outer(x):
        with tp.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = inner(inner(x))

        def grad(dy, variables=None):
            return tape.gradient(y, x, dy), [tape.gradient(y, w, dy)]

        return y, grad

    x = constant(0.5)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = outer(x)
    dx, dw = values(tape.gradient(y, [x, w]))
    assert dx == 9.0
    assert dw == 3.0 * 1.5 + 3.0 * 3.0 * 0.5


# Recomputation -------------------------------------------------------------------------------------------------------


def test_gt118_recomputation_with_containers_of_variables():
    variables = {"a": [tp.Variable([1.0, 2.0]), tp.Variable(3.0)], "b": tp.Variable([[1.0]])}

    @tp.recompute_grad
    def f(x):
        return x * variables["a"][0] + variables["b"][0] - 1.0, variables["a"][1] * x * 2.0 / 3.0

    x = constant(1.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y, z = f(x)
    assert values(y + 1.0) == [2.0, 3.0]
    assert values(z) == 2.0
    found = tape.gradient([y, z], [x, variables])
    assert values(found[0]) == 3.0 + 2.0
    assert values(found[1]["a"][0]) == [1.0, 1.0]


def test_gt174_forward_mode_over_recomputation():
    """Decided difference: it works; TensorFlow raises NotImplementedError."""
    f = tp.recompute_grad(lambda x: np.prod(np.tanh(x) ** 2))
    x, v = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    expected = tp.jvp(lambda x: np.prod(np.tanh(x) ** 2), (x,), (v,))[1]
    t = constant(x)
    with tp.ForwardAccumulator(t, constant(v)) as acc:
        y = f(t)
    np.testing.assert_allclose(values(acc.jvp(y)), np.asarray(expected), rtol=1e-13)


def test_gt176_an_error_in_the_backward_function_while_an_accumulator_is_active():
    @tp.custom_gradient
    def f(x):
        def grad(dy):
            raise ValueError("test_error_string")

        return x, grad

    x = constant(1.0)
    with tp.ForwardAccumulator(x, constant(1.0)), pytest.raises(ValueError, match="test_error_string"):
        f(x)


def test_gt298_the_plain_function_is_there():
    def f(x):
        return x

    assert tp.recompute_grad(f).__wrapped__ is f


@pytest.mark.parametrize("make", [lambda: constant([1.0, 2.0]), lambda: tp.constant([1, 2])])
def test_gt300_recomputation_of_ints_and_floats(make):
    def f(x, y):
        return x * y, x + y

    y = constant([3.0, 4.0])
    found, expected = (gradient_of(lambda y, g=g: g(make(), y), y) for g in (tp.recompute_grad(f), f))
    assert values(found) == values(expected)


def test_gt302_recomputation_with_variables_and_tuples():
    v = tp.Variable([1.0, 2.0])

    def f(x):
        return x * v, x * x

    results = []
    for g in (tp.recompute_grad(f), f):
        x = constant([3.0, 4.0])
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = g(x)
        results.append(values(tape.gradient(y, [x, v])))
    assert results[0] == results[1]


def test_gt304_recomputation_of_one_tensor_twice():
    def f(x, y):
        return x * y * y

    x = constant(3.0)
    found, expected = (gradient_of(lambda x, g=g: g(x, x), x) for g in (tp.recompute_grad(f), f))
    assert values(found) == values(expected) == [27.0]


def test_gt306_a_gradient_that_passes_through_an_assignment():
    """TensorFlow's grad_pass_through is a custom gradient of one line."""
    v, z = tp.Variable(1.0, trainable=False), tp.Variable(3.0)

    @tp.custom_gradient
    def assigned(x):
        return tp.identity(v.assign(x)), lambda dy: dy

    with tp.GradientTape(persistent=True) as tape:
        plain = v.assign(z * z) * 1.0
        through = assigned(z * z)
    with pytest.warns(tp.errors.DisconnectedGradientWarning, match="no derivative flows through state"):
        assert tape.gradient(plain, z) is None
    assert values(tape.gradient(through, z)) == 6.0
    assert tape.gradient(through, v) is None
