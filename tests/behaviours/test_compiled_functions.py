"""Behaviours of compiled functions with tapes inside and outside, and of control flow. Each test has its id."""

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp


def gradient_of(function, x):
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x)


def test_gt006_a_tape_inside_a_loop():
    v = tp.Variable(3.0)
    seen = []

    @tp.function
    def program():
        def body(state):
            with tp.GradientTape() as tape:
                y = v * v
            slope = tape.gradient(y, v)
            seen.append(slope is not None)
            return state + slope

        return tp.while_loop(lambda state: state < 10.0, body, constant(0.0))

    assert values(program()) == 12.0
    assert all(seen)


def test_gt258_a_function_of_itself():
    f = tp.function(lambda x, b: x**2 + b)
    x, b1, b2 = constant([2.0]), constant([1.0]), constant([1.0])
    with tp.GradientTape() as tape:
        tape.watch([x, b1])
        y = f(f(x, b1), b2)
    assert values(tape.gradient(y, [x, b1])) == [[40.0], [10.0]]


def test_gt262_a_gradient_inside_with_respect_to_what_was_captured():
    x = constant(3.0)

    @tp.function
    def program():
        return gradient_of(lambda x: 2 * x, x)

    assert values(program()) == 2.0


def test_gt264_a_captured_variable():
    v = tp.Variable(3.0)

    @tp.function
    def program():
        with tp.GradientTape() as tape:
            y = 2 * v
        return tape.gradient(y, v)

    assert values(program()) == 2.0


def test_gt266_an_inner_function_that_captures_from_the_outer_one():
    @tp.function
    def outer(x):
        y = x * 1.0

        @tp.function
        def inner():
            return gradient_of(lambda y: 3 * y, y)

        return inner()

    assert values(outer(constant(2.0))) == 3.0


@pytest.mark.parametrize("flag", [True, np.bool_(True)])
def test_gt278_a_condition_that_is_known(flag):
    inputs, gamma = constant(1.0), tp.Variable(2.0)

    @tp.function
    def program():
        with tp.GradientTape() as tape:
            y = tp.cond(flag, lambda: inputs + gamma, lambda: inputs)
        return tape.gradient(y, gamma)

    assert values(program()) == 1.0


def test_gt318_a_step_of_float32_stays_float32():
    v = tp.Variable(np.float32(1.0))

    @tp.function
    def step():
        with tp.GradientTape() as tape:
            y = v * v
        return tape.gradient(y, v)

    found = step()
    assert (values(found), found.dtype, found.shape) == (2.0, np.float32, ())


def test_gt320_a_loop_of_two_rounds():
    @tp.function
    def double(x):
        i = 0
        while i < 2:
            x, i = 2 * x, i + 1
        return x

    assert values(gradient_of(double, constant(1.0))) == 4.0
    scanned = tp.function(lambda x: tp.scan(lambda carry, _: (2 * carry, None), x, length=2)[0])
    assert values(gradient_of(scanned, constant(1.0))) == 4.0


def test_gt322_gt328_gt330_functions_of_a_variable_and_a_tensor():
    v, x = tp.Variable(1.0), constant(1.0)
    square, shifted, doubled = tp.function(lambda: v * v), tp.function(lambda x: x + v), tp.function(lambda y: y * y)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        a, b, c = square(), shifted(x), doubled(x)
    assert values(tape.gradient(a, v)) == 2.0
    assert values(tape.gradient(b, [x, v])) == [1.0, 1.0]
    assert values(tape.gradient(c, x)) == 2.0


def test_gt324_a_variable_that_is_read_and_not_used():
    v, x = tp.Variable(1.0), constant(2.0)

    @tp.function
    def program(x):
        v.value()
        return x * 2

    with tp.GradientTape() as tape:
        tape.watch(x)
        y = program(x)
    assert tape.gradient(y, v) is None


def test_gt332_results_that_are_none():
    a = constant(5.0)
    first, second = tp.function(lambda x: (x, None)), tp.function(lambda a: (None, a * a))
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(a)
        y, nothing = first(a)
        also_nothing, z = second(a)
    assert nothing is None
    assert also_nothing is None
    assert values(z) == 25.0
    assert values(tape.gradient(y, a)) == 1.0
    assert values(tape.gradient(z, a)) == 10.0


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_gt334_gt336_gt338_gt342_functions_inside_each_other(where):
    """The tape outside all of them, in the outermost, and deeper."""
    v = tp.Variable(1.0)

    def with_tape(level, function):
        def run(x):
            if level != where:
                return function(x)
            with tp.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            return tape.gradient(y, x) if where else (y, tape.gradient(y, x))[1]

        return run

    innermost = tp.function(lambda x: x * v + 10 * x)
    third = tp.function(with_tape(3, innermost))
    second = tp.function(with_tape(2, third))
    first = tp.function(with_tape(1, second))
    assert values(with_tape(0, first)(constant(1.0))) == 11.0


def test_gt346_arguments_by_position_and_by_name():
    f = tp.function(lambda a, b: a @ b)
    a, b = constant([[1.0, 2.0], [3.0, 4.0]]), constant([[2.0, 2.0], [2.0, 2.0]])
    expected = values(a @ b)
    assert [values(f(a, b)), values(f(a, b=b)), values(f(b=b, a=a))] == [expected] * 3
    assert expected == [[6.0, 6.0], [14.0, 14.0]]


def test_gt376_unpacking_an_array_in_compiled_code():
    """Decided difference: extents are known while Python runs, so tensors unpack; TensorFlow raises TypeError."""

    @tp.function
    def program(x):
        a, b = x
        return a * b

    assert values(program(constant([2.0, 3.0]))) == 6.0


def test_gt374_a_compiled_addition():
    assert values(tp.function(lambda a, b: a + b)(constant(2.0), constant(3.0))) == 5.0


@pytest.mark.parametrize("compiled", [False, True])
def test_gt352_a_loop_that_depends_on_values(compiled):
    def count(x):
        while x < 10_000:
            x = x + 1
        return x

    if compiled:
        count = tp.function(lambda x: tp.while_loop(lambda x: x < 10_000, lambda x: x + 1, x))
    assert values(count(tp.constant(0))) == 10_000


# The functions of functions -----------------------------------------------------------------------------------------


def test_gt052_by_all_arguments():
    found = tp.grad(lambda a, b: a * b, argnums=(0, 1))(1.0, 2.0)
    assert [float(g) for g in found] == [2.0, 1.0]


def test_gt080_by_one_argument():
    value, gradient = tp.value_and_grad(lambda a, b: a * b, argnums=1)(2.0, 3.0)
    assert (float(value), float(gradient)) == (6.0, 2.0)


def test_gt090_varargs():
    assert float(tp.grad(lambda *args: args[0] ** 2)(1.0)) == 2.0


def test_gt152_gt154_a_product_of_matrices_by_name():
    a, b = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])

    def total(a, b):
        return np.sum(a @ b)

    assert tp.grad(total, argnums="a")(a, b).tolist() == [[3.0, 7.0], [3.0, 7.0]]
    value, gradient = tp.value_and_grad(total, argnums="a")(a, b)
    assert (float(value), gradient.tolist()) == (10.0, [[3.0, 7.0], [3.0, 7.0]])


def test_gt102_a_function_that_returns_none():
    with pytest.raises(TypeError, match="None"):
        tp.value_and_grad(lambda _: None)(1.0)
