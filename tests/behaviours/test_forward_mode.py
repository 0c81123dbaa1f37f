"""Behaviours of the forward accumulator. Each test has its id in the yardstick."""

import gc
import weakref

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp
from tapec.testing import check_grads


def tangent(function, x, t, dtype=np.float64):
    x = constant(x, dtype)
    with tp.ForwardAccumulator(x, constant(t, dtype)) as acc:
        y = function(x)
    return acc.jvp(y)


def test_gt162_a_multiple():
    assert values(tangent(lambda x: 3 * x, 1.0, 2.0)) == 6.0


def test_gt164_many_lengths():
    for n in range(30):
        assert values(tangent(lambda x: x + x, np.zeros(n), np.ones(n))) == [2.0] * n


def test_gt168_entering_again():
    x = constant(-2.0)
    with tp.ForwardAccumulator(x, 1.5) as acc:
        y = 4 * x
        assert (values(acc.jvp(x)), values(acc.jvp(y))) == (1.5, 6.0)
        with pytest.raises(ValueError, match="already recording"), acc:
            pass
    assert acc.jvp(4 * x) is None
    with acc:
        assert values(acc.jvp(y * y)) == -96.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["gt170", "gt172"])
def test_gt170_gt172_a_sine(dtype):
    found = tangent(np.sin, 0.1, 0.2, dtype)
    assert found.dtype == dtype
    assert values(found) == pytest.approx(0.2 * np.cos(0.1), rel=1e-6 if dtype is np.float32 else 1e-15)
    check_grads(np.sin, (np.float64(0.1),), order=2)


@pytest.mark.parametrize("compiled", [False, True])
def test_gt180_products_with_the_hessian_of_a_small_model(compiled):
    rng = np.random.default_rng(0)
    w1, w2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
    v1, v2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
    x = rng.normal(size=(5, 3))

    def loss(w1, w2):
        h = x @ w1
        h = (h - np.mean(h, 0)) / np.sqrt(np.var(h, 0) + 1e-3)
        return np.mean((np.tanh(h) @ w2) ** 2)

    def forward_over_reverse(w1, w2):
        with tp.ForwardAccumulator([w1, w2], [v1, v2]) as acc:
            with tp.GradientTape() as tape:
                tape.watch([w1, w2])
                y = loss(w1, w2)
            first = tape.gradient(y, [w1, w2])
        return acc.jvp(first)

    def reverse_over_reverse(w1, w2):
        with tp.GradientTape() as outer:
            outer.watch([w1, w2])
            with tp.GradientTape() as inner:
                inner.watch([w1, w2])
                y = loss(w1, w2)
            first = inner.gradient(y, [w1, w2])
        return outer.gradient(first, [w1, w2], output_gradients=[v1, v2])

    found = []
    for way in (forward_over_reverse, reverse_over_reverse):
        run = tp.function(way) if compiled else way
        found.append([np.asarray(g) for g in run(constant(w1), constant(w2))])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-10)


def test_gt182_accumulators_inside_each_other():
    def derivative(f):
        return lambda x: tangent_of(f, x)

    def tangent_of(f, x):
        with tp.ForwardAccumulator(x, 1.0) as acc:
            y = f(x)
        return acc.jvp(y)

    f, found = lambda x: x**3.5, []
    for _ in range(4):
        found.append(values(f(constant(1.1))))
        f = derivative(f)
    expected = [1.1**3.5, 3.5 * 1.1**2.5, 8.75 * 1.1**1.5, 13.125 * 1.1**0.5]
    assert found == pytest.approx(expected, rel=1e-13)


def test_gt186_orders_of_a_compiled_product():
    check_grads(tp.function(lambda x: np.prod(np.tanh(x) ** 2)), (np.array([1.0, 2.0]),), order=3)


def test_gt188_products_with_the_hessian_leak_nothing():
    x, v = constant([1.0, 2.0, 3.0]), constant([3.0, 4.0, 5.0])
    with tp.ForwardAccumulator(x, v) as acc:
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = np.prod(np.tanh(x) ** 2)
        first = tape.gradient(y, x)
    product = acc.jvp(first)
    alive = [weakref.ref(t) for t in (y, first, product)]
    del acc, tape, y, first, product
    gc.collect()
    assert [ref() for ref in alive] == [None, None, None]


def test_gt192_a_variable_assigned_meanwhile():
    v = tp.Variable(1.0)
    with tp.ForwardAccumulator(v, 11.0):
        v.assign_sub(0.5)
    assert values(v) == 0.5


@pytest.mark.parametrize("accumulator_first", [False, True])
def test_gt194_a_tape_inside_does_not_record_the_accumulator(accumulator_first):
    c = constant(2.0)
    makers = [lambda: tp.ForwardAccumulator(c, 1.0), tp.GradientTape]
    first, second = (m() for m in (makers if accumulator_first else makers[::-1]))
    acc, tape = (first, second) if accumulator_first else (second, first)
    with acc, tape:
        tape.watch(c)
        d = c * c
    assert tape.gradient(acc.jvp(d), c) is None


@pytest.mark.parametrize("compiled", [False, True], ids=["gt198", "gt200"])
def test_gt198_gt200_a_variable(compiled):
    v, t = tp.Variable([1.0, 2.0, 3.0]), [0.1, -0.2, 0.3]

    def program():
        with tp.ForwardAccumulator(v, constant(t)) as acc:
            results = v.value(), 2 * v, v + 0.1
        return acc.jvp(list(results))

    found = values((tp.function(program) if compiled else program)())
    np.testing.assert_allclose(found, [t, np.multiply(2, t), t], rtol=1e-15)


def test_gt202_a_compiled_gather():
    gather = tp.function(lambda x: x[[0]])
    x = constant([1.0, 2.0])
    with tp.ForwardAccumulator(x, constant([3.0, 4.0])) as acc:
        y = gather(x)
    assert values(acc.jvp(y)) == [3.0]


def test_gt204_a_compiled_function_that_ignores_its_argument():
    ignores = tp.function(lambda _: tp.constant(1.0))
    x = constant(2.0)
    with tp.ForwardAccumulator(x, constant(1.0)) as acc:
        y = ignores(x)
    assert (values(y), acc.jvp(y)) == (1.0, None)


@pytest.mark.parametrize("inside", [False, True], ids=["gt206", "gt208"])
@pytest.mark.parametrize(("k", "expected"), [(5, 3.0), (0, 0.0)])
def test_gt206_gt208_a_compiled_condition(k, expected, inside):
    @tp.function
    def program(k, y):
        return tp.cond(k > 1, lambda y: 3.0 * y, lambda y: 0.0 * y, y)

    @tp.function
    def program_with_accumulator(k, y):
        with tp.ForwardAccumulator(y, constant(1.0)) as acc:
            z = program(k, y)
        return acc.jvp(z)

    number, y = tp.constant(k), constant(2.0)
    if inside:
        assert values(program_with_accumulator(number, y)) == expected
        return
    with tp.ForwardAccumulator(y, constant(1.0)) as acc:
        z = program(number, y)
    assert values(acc.jvp(z)) == expected


def test_gt212_several_tangents_at_once():
    x, y = 2.0, 5.0

    def push(tx, ty):
        return tp.jvp(lambda x, y: x * y, (x, y), (tx, ty))[1]

    found = tp.vmap(push)(np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    assert np.asarray(found).tolist() == [5.0, 2.0, 7.0]


def test_gt366_a_vector_and_something_unrelated():
    x, z = constant([1.0, 2.0]), constant(1.0)
    with tp.ForwardAccumulator(x, constant([3.0, 4.0])) as acc:
        y, w = 2 * x, 2 * z
    assert values(acc.jvp(y)) == [6.0, 8.0]
    assert acc.jvp(w) is None
