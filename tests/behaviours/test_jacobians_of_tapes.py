"""Behaviours of `jacobian`, `batch_jacobian` and Hessians. Each test has its id in the yardstick."""

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp

X, Y = [1.0, 2.0], [3.0, 4.0]
XX, YY = [[1.0, 2.0], [3.0, 4.0]], [[3.0, 4.0], [5.0, 6.0]]
DIAGONALS = [[[6.0, 0.0], [0.0, 16.0]], [[1.0, 0.0], [0.0, 4.0]]]
BLOCKS = [[[6.0, 0.0], [0.0, 16.0]], [[30.0, 0.0], [0.0, 48.0]]]


def maybe_compiled(program, compiled):
    return tp.function(program) if compiled else program


def jacobians(x, y):
    with tp.GradientTape() as tape:
        tape.watch([x, y])
        z = x * x * y
    return tape.jacobian(z, [x, y])


def blocks(x, y):
    with tp.GradientTape() as tape:
        tape.watch([x, y])
        z = x * x * y
    return tape.batch_jacobian(z, x)


@pytest.mark.parametrize("compiled", [False, True], ids=["gt120 gt364", "gt122 gt216"])
def test_gt120_gt122_gt216_gt364_jacobian(compiled):
    program = maybe_compiled(jacobians, compiled)
    assert values(program(constant(X), constant(Y))) == DIAGONALS
    assert values(program(constant(Y), constant(X)))[0] == [[6.0, 0.0], [0.0, 16.0]]


@pytest.mark.parametrize("compiled", [False, True], ids=["gt134", "gt136 gt220"])
def test_gt134_gt136_gt220_batch_jacobian(compiled):
    assert values(maybe_compiled(blocks, compiled)(constant(XX), constant(YY))) == BLOCKS


def test_gt066_a_compiled_batch_jacobian_with_parallel_iterations():
    @tp.function
    def program(x, persistent):
        with tp.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = (x * x) ** 2
        return tape.batch_jacobian(y, x, parallel_iterations=8)

    x = constant(np.full((1, 16), 3.0))
    with pytest.raises(RuntimeError, match=r"persistent=True.*parallel_iterations"):
        program(x, False)
    assert values(np.sum(program(x, True), axis=(0, 1))) == [108.0] * 16


@pytest.mark.parametrize("method", ["jacobian", "batch_jacobian"], ids=["gt124", "gt138"])
def test_gt124_gt138_loops_need_a_persistent_tape(method):
    x = constant(XX)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(RuntimeError, match="persistent"):
        getattr(tape, method)(y, x, experimental_use_pfor=False)


@pytest.mark.parametrize("compiled", [False, True])
def test_gt126_a_jacobian_of_a_jacobian(compiled):
    def program(x):
        with tp.GradientTape() as outer:
            outer.watch(x)
            with tp.GradientTape() as inner:
                inner.watch(x)
                y = np.sum(x * x)
            first = inner.jacobian(y, x)
        return outer.batch_jacobian(first, x)

    found = values(maybe_compiled(program, compiled)(constant(np.ones((10, 2)))))
    assert found == [[[2.0, 0.0], [0.0, 2.0]]] * 10


@pytest.mark.parametrize("loops", [False, True])
def test_gt130_the_jacobian_of_a_fold(loops):
    @tp.function
    def program(x):
        with tp.GradientTape(persistent=True) as tape:
            tape.watch(x)
            total, _ = tp.scan(lambda carry, row: (carry + row, carry), 0.0, x)
        return tape.jacobian(total, x, experimental_use_pfor=not loops)

    assert values(program(constant(np.zeros(3)))) == [1.0, 1.0, 1.0]


def test_gt132_the_jacobian_of_a_gradient_of_a_condition():
    @tp.function
    def program(x):
        with tp.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tp.cond(x > 0.0, lambda x: x**3, lambda x: x**2, x)
            first = tape.gradient(y, x)
        return first, tape.jacobian(first, x)

    assert values(program(constant(1.0))) == [3.0, 6.0]


def test_gt142_parallel_iterations_change_nothing():
    x, w = constant([[1.0, 2.0], [3.0, 4.0]]), constant(np.arange(1.0, 9.0).reshape(2, 4))
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x @ w
    found = [values(tape.batch_jacobian(y, x, parallel_iterations=n)) for n in (2, 3)]
    assert found == [[[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]] * 2] * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("unconnected", ["none", "zero"])
def test_gt144_a_function_that_ignores_its_argument(dtype, unconnected):
    ignores = tp.function(lambda _: tp.constant(np.array([[1.0]], dtype)))
    x = constant([[3.0]], dtype)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = ignores(x)
    found = tape.batch_jacobian(y, x, unconnected_gradients=unconnected)
    assert (values(found), found.dtype) == ([[[0.0]]], dtype)


@pytest.mark.parametrize("loops", [False, True])
def test_gt214_jacobians_that_are_not_connected(loops):
    x, y = constant([[2.0]]), constant([[1.0]])
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
    assert tape.jacobian(y, x, experimental_use_pfor=not loops) is None
    assert values(tape.batch_jacobian(y, x, experimental_use_pfor=not loops)) == [[[0.0]]]


def test_gt218_first_extents_that_differ():
    x = constant(np.ones((2, 3)))
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = np.concatenate([x, x])
    with pytest.raises(ValueError, match=r"first dimension of target shape \(4, 3\) and source shape \(2, 3\)"):
        tape.batch_jacobian(y, x)


def test_gt414_the_jacobian_of_a_scalar_is_its_gradient():
    x = constant([1.0, 2.0])
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = np.sum(x * x)
    assert values(tape.jacobian(y, x)) == [2.0, 4.0]


# Hessians ------------------------------------------------------------------------------------------------------------


def test_gt270_a_product_of_the_hessian_with_a_vector():
    rng = np.random.RandomState([1, 2, 3])
    a, x, v = rng.randn(4, 4), rng.randn(4), rng.randn(4)
    found = tp.hvp(lambda x: x @ (a @ x), x, v)
    np.testing.assert_allclose(np.asarray(found), (a + a.T) @ v, rtol=1e-12)


def test_gt272_hessians_of_quadratic_forms():
    rng = np.random.RandomState([1, 2, 3])
    for _ in range(3):
        a, x = rng.randn(4, 4), rng.randn(4)
        np.testing.assert_allclose(np.asarray(tp.hessian(lambda x, a=a: x @ (a @ x))(x)), a + a.T, rtol=1e-12)


def test_gt274_the_hessian_with_respect_to_a_matrix():
    x = np.arange(9.0).reshape(3, 3)
    found = np.asarray(tp.hessian(lambda x: np.sum(0.5 * (x.T @ x)))(x))
    expected = np.array([[[[float(i == k)] * 3 for k in range(3)]] * 3 for i in range(3)])
    assert found.shape == (3, 3, 3, 3)
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_gt210_the_hessian_of_a_dense_layer():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    kernel, bias = tp.Variable(rng.normal(size=(2, 1))), tp.Variable(rng.normal(size=1))
    with tp.GradientTape(persistent=True) as outer:
        with tp.GradientTape() as inner:
            loss = np.sum((x @ kernel + bias - y) ** 2)
        first = np.concatenate([np.ravel(g) for g in inner.gradient(loss, [kernel, bias])])
    by_kernel, by_bias = outer.jacobian(first, [kernel, bias])
    assert (by_kernel.shape, by_bias.shape) == ((3, 2, 1), (3, 1))
    whole = np.concatenate([values(by_kernel.reshape(3, 2)), values(by_bias)], axis=1)
    ones = np.concatenate([x, np.ones((5, 1))], axis=1)
    np.testing.assert_allclose(whole, 2 * ones.T @ ones, rtol=1e-12)


# Gradients of each example -------------------------------------------------------------------------------------------


def mlp(x, weights):
    for w in weights:
        x = np.tanh(x @ w)
    return x


def test_gt226_gradients_of_each_example():
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=(4, 5)), rng.normal(size=(5, 3))]
    xs = rng.normal(size=(6, 4))
    gradient = tp.grad(lambda weights, x: np.sum(mlp(x, weights) ** 2))
    mapped = tp.vmap(gradient, in_axes=(None, 0))(weights, xs)
    for i, x in enumerate(xs):
        for many, one in zip(mapped, gradient(weights, x), strict=True):
            np.testing.assert_allclose(np.asarray(many)[i], np.asarray(one), rtol=1e-12, atol=1e-14)


def test_gt230_the_whole_jacobian_and_that_of_each_example():
    rng = np.random.default_rng(2)
    weights = [rng.normal(size=(4, 5)), rng.normal(size=(5, 3))]
    x = constant(rng.normal(size=(6, 4)))
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = mlp(x, weights)
    whole, each = values(tape.jacobian(y, x)), values(tape.batch_jacobian(y, x))
    for i in range(6):
        np.testing.assert_allclose(np.array(whole)[i, :, i], each[i], rtol=1e-12)
