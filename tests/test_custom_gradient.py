"""`tp.custom_gradient`, `tp.custom_jvp` and `tp.stop_gradient`."""

import numpy as np
import pytest
from all_modes import in_all_modes

import tapec as tp
from tapec.recording import ACTIVE
from tapec.testing import check_grads

X = np.linspace(-1.0, 1.0, 5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@tp.custom_gradient
def log1pexp(x):
    e = np.exp(x)

    def grad(upstream):
        return upstream * (1 - 1 / (1 + e))

    return np.log(1 + e), grad


@tp.custom_jvp
def softplus(x, scale):
    return np.log(1 + np.exp(x)) * scale["by"]


@softplus.defjvp
def softplus_jvp(primals, tangents):
    (x, scale), (t, of_scale) = primals, tangents
    y = softplus(x, scale)
    return y, y / scale["by"] * of_scale["by"] + scale["by"] / (1 + np.exp(-x)) * t


def softplus_of_x(x):
    return softplus(x, {"by": 1.0})


checkpointed = tp.checkpoint(lambda x: np.log(1 + np.exp(x)))
FORMS = [
    pytest.param(log1pexp, id="custom_gradient"),
    pytest.param(softplus_of_x, id="custom_jvp"),
    pytest.param(checkpointed, id="checkpoint"),
    pytest.param(tp.checkpoint(log1pexp), id="checkpoint of custom_gradient"),
]
FIRST, SECOND = sigmoid(X), sigmoid(X) * (1 - sigmoid(X))


def total(f):
    return lambda x: np.sum(f(x))


# In every context ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", FORMS)
def test_values_and_derivatives_in_both_modes(f):
    np.testing.assert_allclose(in_all_modes(tp.function(f), X), np.log1p(np.exp(X)), rtol=1e-14)
    np.testing.assert_allclose(in_all_modes(tp.grad(total(f)), X), FIRST, rtol=1e-14)
    for _ in range(3):
        np.testing.assert_allclose(tp.jvp(f, X, X)[1], FIRST * X, rtol=1e-14)
    check_grads(f, [X])


@pytest.mark.parametrize("f", FORMS)
def test_second_derivatives(f):
    gradient = tp.grad(total(f))
    np.testing.assert_allclose(in_all_modes(tp.hessian(total(f)), X), np.diag(SECOND), atol=1e-15)
    np.testing.assert_allclose(in_all_modes(tp.grad(total(gradient)), X), SECOND, rtol=1e-13)
    np.testing.assert_allclose(tp.grad(lambda x: np.sum(tp.jvp(f, x, X)[1]))(X), SECOND * X, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(tp.hvp(total(f), X, X), SECOND * X, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(tp.jvp(lambda x: tp.jvp(f, x, X)[1], X, X)[1], SECOND * X * X, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("f", FORMS)
def test_jacobians_and_linear_maps(f):
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(in_all_modes(tp.jacobian(f, mode=mode), X), np.diag(FIRST), atol=1e-15)
    for _ in range(3):  # what is kept outlives the run
        np.testing.assert_allclose(tp.vjp(f, X)[1](X)[0], FIRST * X, rtol=1e-14)
        np.testing.assert_allclose(tp.linearize(f, X)[1](X), FIRST * X, rtol=1e-14)
    x = tp.constant(X)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    np.testing.assert_allclose(tape.jacobian(y, x).numpy(), np.diag(FIRST), atol=1e-15)
    with tp.ForwardAccumulator(x, X) as acc:
        y = f(x)
    np.testing.assert_allclose(acc.jvp(y).numpy(), FIRST * X, rtol=1e-14)


@pytest.mark.parametrize("f", FORMS)
def test_under_vmap(f):
    rows = np.stack([X, X[::-1]])
    expected = np.stack([FIRST, FIRST[::-1]])
    np.testing.assert_allclose(in_all_modes(tp.vmap(tp.grad(total(f))), rows), expected, rtol=1e-14)

    def many(x):
        return np.sum(tp.vmap(f)(x))

    np.testing.assert_allclose(in_all_modes(tp.grad(many), rows), expected, rtol=1e-14)
    check_grads(lambda x: tp.vmap(tp.vmap(f))(x), [rows])


@pytest.mark.parametrize("f", FORMS)
def test_in_loops_and_branches(f):
    def loop(x):
        return tp.fori_loop(0, 3, lambda _, c: f(c), x)

    def chain(x):
        return f(f(f(x)))

    np.testing.assert_allclose(in_all_modes(tp.grad(total(loop)), X), tp.grad(total(chain))(X), rtol=1e-13)
    np.testing.assert_allclose(tp.hvp(total(loop), X, X), tp.hvp(total(chain), X, X), rtol=1e-12)

    def branch(x):
        return tp.cond(np.sum(x) > 10.0, np.sin, f, x)

    np.testing.assert_allclose(in_all_modes(tp.grad(total(branch)), X), FIRST, rtol=1e-14)


# custom_gradient, as TensorFlow has it -------------------------------------------------------------------------------


def scaled(factor):
    @tp.custom_gradient
    def f(x):
        return x * x, lambda upstream: factor * upstream

    return f


def test_the_gradient_is_what_the_function_says():
    assert tp.grad(scaled(4.0))(1.0) == 4.0
    x = tp.constant(10.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = scaled(4.0)(x) * 3.0
    assert tape.gradient(y, x).item() == 12.0


def test_gradient_functions_see_the_real_cotangents():
    seen = []

    @tp.custom_gradient
    def f(x):
        def grad(upstream):
            seen.append(upstream.numpy().tolist())
            return -upstream if np.sum(upstream) > 5 else upstream

        return x * 1.0, grad

    x = tp.constant([1.0, 2.0])
    for weights, expected in (([1.0, 2.0], [1.0, 2.0]), ([3.0, 4.0], [-3.0, -4.0])):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = np.sum(f(x) * np.array(weights))
        assert tape.gradient(y, x).tolist() == expected
    assert seen == [[1.0, 2.0], [3.0, 4.0]]


def test_gradient_functions_run_only_when_they_are_needed():
    @tp.custom_gradient
    def f(x):
        def grad(upstream):
            raise RuntimeError("mine")

        return x * 2.0, grad

    compiled = tp.function(lambda x: f(tp.stop_gradient(x)))
    x = tp.constant(3.0)
    for g in (f, compiled):
        with tp.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y, z = g(x), g(tp.stop_gradient(x))
        assert y.item() == 6.0
        assert tape.gradient(z, x) is None
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    with pytest.raises(RuntimeError, match="mine"):
        tape.gradient(y, x)
    with tp.ForwardAccumulator(x, 1.0), pytest.raises(RuntimeError, match="mine"):
        f(x)
    assert ACTIVE.recorders == []


def test_several_arguments_and_results():
    @tp.custom_gradient
    def f(a, pair, name):
        def grad(of_sum, of_product, of_count):
            assert of_count is None
            return of_sum * 2.0, (of_product, None), None

        return {"sum": a + pair[0], "product": a * pair[0], "n": 3}, grad

    def loss(a, b):
        found = f(a, (b, 5.0), "text")
        return 10.0 * found["sum"] + 100.0 * found["product"] + found["n"]

    assert in_all_modes(tp.value_and_grad(loss, argnums=(0, 1)), 2.0, 3.0) == (653.0, (20.0, 100.0))


def test_one_argument_twice():
    @tp.custom_gradient
    def f(a, b):
        return a * b, lambda upstream: (upstream * a, upstream * b)

    x = tp.constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = f(x, x)
    assert tape.gradient(y, x).item() == 6.0


def test_arrays_and_keywords_are_constants():
    @tp.custom_gradient
    def f(x, c, *, k):
        return x * c * k, lambda upstream: (upstream * 7.0, None)

    np.testing.assert_array_equal(f(X, X, k=2.0), X * X * 2.0)
    np.testing.assert_array_equal(tp.grad(lambda x: np.sum(f(x, np.ones(5), k=2.0)))(X), 7 * np.ones(5))


def test_closed_over_arrays_are_read_at_each_call():
    held = np.array([2.0])

    @tp.custom_gradient
    def f(x):
        return x * held, lambda upstream: upstream * held

    gradient = tp.grad(lambda x: np.sum(f(x)))
    for value in (2.0, 3.0, 4.0):
        held[:] = value
        assert gradient(np.ones(1)).tolist() == [value]
    assert gradient.recordings == 1


def test_variables():
    v = tp.Variable(2.0, name="v")
    other = tp.Variable(5.0)

    @tp.custom_gradient
    def f(x):
        def grad(upstream, variables):
            assert [w.name for w in variables] == ["v:0"]
            return upstream * 10.0, [upstream * 100.0]

        return x * v, grad

    x = tp.constant(3.0)
    for run in (f, tp.checkpoint(f), lambda x: tp.vmap(f)(x[None])[0]):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = run(x) * other
        dx, dv, do = tape.gradient(y, [x, v, other])
        assert (dx.item(), dv.item(), do.item()) == (50.0, 500.0, 6.0)
    square = tp.custom_gradient(lambda x: (x * x, lambda upstream: 2.0 * upstream * x + 1.0))
    with tp.GradientTape() as tape:
        y = square(other)
    assert tape.gradient(y, other).item() == 11.0


def test_variables_that_are_not_expected():
    v = tp.Variable(2.0, name="v")
    f = tp.custom_gradient(lambda x: (x * v, lambda upstream: upstream))
    with tp.GradientTape() as tape:
        y = f(tp.constant(1.0))
    with pytest.raises(tp.errors.CustomRuleError, match=r"reads variables \(v:0\).*'variables' keyword argument"):
        tape.gradient(y, v)


def test_a_gradient_that_has_a_gradient_of_its_own():
    @tp.custom_gradient
    def inner(x, upstream):
        return 2.1, lambda u: (2.2 * u, 3.1 * u)

    @tp.custom_gradient
    def outer(x):
        return 2.0 * x, lambda upstream: inner(x, upstream)

    x, ct = tp.constant(1.0), tp.constant(1.0)
    with tp.GradientTape(persistent=True) as second:
        second.watch([x, ct])
        with tp.GradientTape() as first:
            first.watch(x)
            y = outer(x)
        g = first.gradient(y, x, output_gradients=ct)
    assert (y.item(), g.item()) == (2.0, 2.1)
    assert second.gradient(g, x).item() == 2.2
    assert second.gradient(g, ct).item() == 3.1


def test_clipping_has_no_forward_mode():
    clipped = tp.custom_gradient(lambda x: (x * 1.0, lambda upstream: np.clip(upstream, -0.5, 0.5)))
    assert tp.grad(lambda x: 3.0 * clipped(x))(1.0) == 0.5
    assert tp.grad(lambda x: np.sum(tp.vmap(clipped)(x) * 3.0))(X).tolist() == [0.5] * 5
    with pytest.raises(tp.errors.NotDifferentiableError, match="is not linear"):
        tp.jvp(clipped, 1.0, 1.0)
    with pytest.raises(tp.errors.NotDifferentiableError, match=r"is not linear in the cotangents.*no forward mode"):
        tp.linearize(clipped, 1.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, r"must return a pair \(result, gradient function\), got Tensor"),
        (lambda x: (x, 3.0), "must return a pair"),
        (lambda x: (x * 1.0, lambda u: (u, u)), "must return 1 gradients, .* returned 2"),
        (lambda x: (x * 1.0, lambda _: np.ones(3)), r"rule of <lambda> gives has shape \(3,\).*which has shape \(\)"),
    ],
)
def test_rules_that_are_wrong(function, message):
    f = tp.custom_gradient(function)
    for run in (tp.grad(lambda x: f(x)), lambda x: tp.vjp(f, x)[1](1.0)):
        with pytest.raises(tp.errors.TapecError, match=message):
            run(1.0)
    assert ACTIVE.recorders == []


# custom_jvp ----------------------------------------------------------------------------------------------------------


def test_custom_jvp_with_containers_and_keywords():
    value, (of_x, of_scale) = in_all_modes(tp.value_and_grad(total_softplus, argnums=(0, 1)), X, 2.0)
    np.testing.assert_allclose(value, 2 * np.sum(np.log1p(np.exp(X))), rtol=1e-14)
    np.testing.assert_allclose(of_x, 2 * FIRST, rtol=1e-14)
    np.testing.assert_allclose(of_scale, np.sum(np.log1p(np.exp(X))), rtol=1e-14)
    check_grads(total_softplus, [X, np.array(2.0)])
    assert softplus.__name__ == "softplus"


def total_softplus(x, by):
    return np.sum(softplus(x, scale={"by": by}))


def test_custom_jvp_errors():
    f = tp.custom_jvp(lambda x: x * 1.0)
    with pytest.raises(tp.errors.CustomRuleError, match="has no derivative rule; give it one with"):
        f(1.0)
    f.defjvp(lambda _, tangents: tangents[0])
    with pytest.raises(tp.errors.CustomRuleError, match=r"must return a pair \(result, tangent\), got Tensor"):
        tp.jvp(f, 1.0, 1.0)
    f.defjvp(lambda primals, tangents: (primals[0], (tangents[0],)))
    with pytest.raises(tp.errors.CustomRuleError, match="a tangent structured as the result"):
        tp.jvp(f, 1.0, 1.0)
    f.defjvp(lambda primals, tangents: (primals[0], tangents[0] ** 2))
    assert tp.jvp(f, 1.0, 3.0)[1] == 9.0
    with pytest.raises(tp.errors.NotDifferentiableError, match="is not linear"):
        tp.grad(lambda x: f(x))(1.0)


# stop_gradient -------------------------------------------------------------------------------------------------------


def test_stop_gradient():
    def f(x):
        return x * tp.stop_gradient(x * x)

    assert in_all_modes(tp.grad(f), 3.0) == 9.0
    assert tp.jvp(f, 3.0, 1.0)[1] == 9.0
    stopped = tp.stop_gradient(X)
    assert stopped.tolist() == X.tolist()


def test_rules_that_call_their_own_function():
    @tp.custom_gradient
    def exponential(x):
        return np.exp(x), lambda upstream: upstream * exponential(x)

    def derivative(g):
        return lambda x: tp.grad(g)(x)

    live, kept = exponential, lambda x: tp.vmap(exponential)(x[None])[0]
    for _ in range(4):
        live, kept = derivative(live), derivative(kept)
        np.testing.assert_allclose([tp.function(live)(0.5), tp.function(kept)(0.5)], np.exp(0.5), rtol=1e-14)
    np.testing.assert_allclose(tp.function(derivative(live))(0.5), np.exp(0.5), rtol=1e-14)
    with pytest.raises(tp.errors.NotDifferentiableError, match=r"calls its own function.*fewer orders of derivative"):
        tp.function(derivative(kept))(0.5)
