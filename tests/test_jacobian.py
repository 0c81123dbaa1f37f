"""`tp.jacobian`, `tp.hessian`, `tp.hvp`, and Jacobians on the tape."""

from typing import NamedTuple

import numpy as np
import pytest
from all_modes import in_all_modes

import tapec as tp
from tapec.recording import ACTIVE
from tapec.testing import check_grads

X = np.linspace(0.1, 1.2, 6).reshape(2, 3)
MODES = ("auto", "forward", "reverse")


@pytest.mark.parametrize("mode", MODES)
def test_shapes_and_values(mode):
    w = np.random.default_rng(0).normal(size=(4, 3))
    found = in_all_modes(tp.jacobian(lambda x: np.tanh(w @ x.T), mode=mode), X)
    assert found.shape == (4, 2, 2, 3)
    slope = 1 - np.tanh(w @ X.T) ** 2
    np.testing.assert_allclose(found, np.einsum("kj,ki,jl->kjli", slope, w, np.eye(2)), atol=1e-14)
    assert in_all_modes(tp.jacobian(lambda x: x * x, mode=mode), 3.0) == 6.0
    np.testing.assert_array_equal(in_all_modes(tp.jacobian(np.sum, mode=mode), X), np.ones((2, 3)))
    assert tp.jacobian(lambda x: x * np.ones(2), mode=mode)(np.ones((0,)).sum()).tolist() == [1.0, 1.0]
    assert tp.jacobian(lambda x: np.concatenate([x, x]), mode=mode)(np.ones((0, 2))).shape == (0, 2, 0, 2)


@pytest.mark.parametrize("mode", MODES)
def test_containers(mode):
    class Pair(NamedTuple):
        a: object
        b: object

    def f(p, name):
        return {"y": p.a * p.b["c"], "z": (np.sum(p.a), 5.0), "name": name}

    p = Pair(X, {"c": np.array([1.0, 2.0, 3.0]), "d": 1.0, "e": "text"})
    found = in_all_modes(tp.jacobian(f, mode=mode), p, "n")
    assert found["name"] is None
    assert type(found["y"]) is Pair
    np.testing.assert_array_equal(found["y"].b["c"], X[:, :, None] * np.eye(3))
    np.testing.assert_array_equal(found["y"].a, np.einsum("j,ik,jl->ijkl", [1.0, 2.0, 3.0], np.eye(2), np.eye(3)))
    np.testing.assert_array_equal(found["y"].b["d"], np.zeros((2, 3)))
    assert found["y"].b["e"] is None
    np.testing.assert_array_equal(found["z"][0].a, np.ones((2, 3)))
    np.testing.assert_array_equal(found["z"][1].b["c"], np.zeros(3))


@pytest.mark.parametrize("mode", MODES)
def test_arguments_by_position_and_name(mode):
    def f(x, y, *, scale=2.0):
        return x * y * scale

    assert tp.jacobian(f, 1, mode)(2.0, 3.0) == 4.0
    assert tp.jacobian(f, "y", mode)(2.0, 3.0) == tp.jacobian(f, "y", mode)(2.0, y=3.0) == 4.0
    assert tp.jacobian(f, ("scale", 0), mode)(2.0, 3.0, scale=1.0) == (6.0, 3.0)
    assert tp.jacobian(argnums=-1, mode=mode)(f)(2.0, 3.0) == 4.0
    assert tp.grad(f, argnums="scale")(2.0, 3.0, scale=1.0) == 6.0
    assert tp.value_and_grad(f, argnums=("y", "x"))(2.0, y=3.0) == (12.0, (4.0, 6.0))


@pytest.mark.parametrize(
    ("argnums", "message"),
    [
        ("z", "argument z, but its parameters are x, y"),
        ("y", "argument y, which the call leaves at its default; pass it"),
        (("x", 0), "names one argument of f twice"),
        (2, "argument 2, but got 1 positional arguments"),
    ],
)
def test_arguments_that_are_not_there(argnums, message):
    def f(x, y=1.0):
        return x * y

    for transformation in (tp.jacobian, tp.grad, tp.hessian):
        with pytest.raises(tp.errors.ArgumentError, match=message):
            transformation(f, argnums)(2.0)
    assert ACTIVE.recorders == []


def test_auto_takes_the_smaller_side():
    def ops(f, x):
        return len(f.inspect(x).recorded)

    wide, tall = lambda x: x[:2] * np.sum(x), lambda x: np.concatenate([x] * 9) * np.sum(x)
    for f, better in ((wide, "reverse"), (tall, "forward")):
        x = np.ones(5)
        assert ops(tp.jacobian(f), x) == ops(tp.jacobian(f, mode=better), x)
        np.testing.assert_allclose(tp.jacobian(f, mode="forward")(x), tp.jacobian(f, mode="reverse")(x))


def test_the_function_is_recorded_once():
    runs = []

    @tp.jacobian
    def f(x):
        runs.append(x)
        return np.sin(x)

    for _ in range(3):
        np.testing.assert_allclose(f(X[0]), np.diag(np.cos(X[0])))
    assert len(runs) == 1


def test_in_any_order():
    def f(x):
        return np.array([1.0, 2.0]) * np.exp(x[0] * x[1])

    x = np.array([0.5, 0.8])
    third = np.asarray(tp.jacobian(tp.jacobian(tp.jacobian(f)))(x))
    assert third.shape == (2, 2, 2, 2)
    for modes in (("forward", "reverse", "forward"), ("reverse", "reverse", "reverse")):
        g = f
        for mode in modes:
            g = tp.jacobian(g, mode=mode)
        np.testing.assert_allclose(g(x), third, rtol=1e-12)
    np.testing.assert_allclose(tp.vmap(tp.jacobian(f))(np.stack([x, x + 1]))[1], tp.jacobian(f)(x + 1), rtol=1e-13)
    check_grads(lambda x: tp.jacobian(f)(x), [x])


def test_hessian():
    def f(p):
        return np.sum(p["a"] ** 2) * p["b"]

    h = in_all_modes(tp.hessian(f), {"a": X[0], "b": 3.0})
    np.testing.assert_allclose(h["a"]["a"], 6 * np.eye(3))
    np.testing.assert_allclose(h["a"]["b"], 2 * X[0])
    np.testing.assert_allclose(h["b"]["a"], 2 * X[0])
    assert h["b"]["b"] == 0.0
    both = tp.hessian(lambda x, y: x * x * y, argnums=("x", 1))(2.0, 3.0)
    assert both == ((6.0, 4.0), (4.0, 0.0))
    assert tp.hessian(argnums=1)(lambda x, y: x * y * y)(2.0, 3.0) == 4.0


def test_hessian_vector_product():
    a = np.random.default_rng(0).normal(size=(3, 3))

    def quadratic(x):
        return x @ a @ x / 2

    for _ in range(3):
        np.testing.assert_allclose(tp.hvp(quadratic, X[0], X[1]), (a + a.T) / 2 @ X[1], rtol=1e-12)
    x, y = tp.hvp(lambda x, y: np.sum(x * x) * y, (X, 2.0), (X, None))
    np.testing.assert_allclose(x, 4 * X)
    np.testing.assert_allclose(y, 2 * np.sum(X * X))
    check_grads(lambda v: tp.hvp(lambda x: np.sum(np.sin(x) ** 3), X, v), [X], order=1)


def test_hessian_vector_products_hold_twice_what_gradients_hold():
    w = np.random.default_rng(0).normal(size=(16, 16)) / 4

    def deep(x):
        for _ in range(8):
            x = np.tanh(x @ w)
        return np.sum(x * x)

    def arena(f, *args):
        _, path = f._run(f._take_apart(args, {}))
        return path.executable.program.arena_bytes

    x = np.random.default_rng(1).normal(size=(50, 16))
    product = tp.function(lambda x, v: tp.hvp(deep, x, v))
    assert 0 < arena(product, x, x) <= 2 * arena(tp.grad(deep), x)


def test_variables_among_the_arguments():
    v = tp.Variable([1.0, 2.0])
    j = tp.jacobian(np.square)
    assert j(v).numpy().tolist() == [[2.0, 0.0], [0.0, 4.0]]
    v.assign([3.0, 3.0])
    assert j(v).numpy().tolist() == [[6.0, 0.0], [0.0, 6.0]]


@pytest.mark.parametrize("mode", MODES)
def test_errors(mode):
    with pytest.raises(tp.errors.DTypeError, match=r"the result\[1\] is int64"):
        tp.jacobian(lambda x: (x, np.argmax(x)), mode=mode)(X)
    with pytest.raises(tp.errors.IntegerInputError, match="argument 0, n, which is int64"):
        tp.jacobian(lambda n: n * 2.0, mode=mode)(3)
    with pytest.raises(ValueError, match="mode is 'auto', 'forward' or 'reverse', got 'x'"):
        tp.jacobian(np.sin, mode="x")
    with pytest.raises(tp.errors.NonScalarTargetError):
        tp.hvp(np.sin, X, X)
    assert ACTIVE.recorders == []


# On the tape ---------------------------------------------------------------------------------------------------------


def constants(*values):
    return [tp.constant(v) for v in values]


def test_tape_jacobian():
    x, y = constants([1.0, 2.0], [3.0, 4.0])
    unrelated = tp.constant([1.0])
    with tp.GradientTape() as tape:
        tape.watch([x, y, unrelated])
        z = x * x * y
    jx, rest = tape.jacobian(z, [x, {"y": y, "u": unrelated}])
    assert jx.tolist() == [[6.0, 0.0], [0.0, 16.0]]
    assert rest["y"].tolist() == [[1.0, 0.0], [0.0, 4.0]]
    assert rest["u"] is None
    with pytest.raises(tp.errors.ConsumedTapeError, match="only be used to compute one set of gradients"):
        tape.jacobian(z, x)


def test_tape_jacobian_of_scalars_and_unconnected_zeros():
    x, u = constants([1.0, 2.0], [[1.0]])
    with tp.GradientTape(persistent=True) as tape:
        tape.watch([x, u])
        y = np.sum(x * x)
        z = (y * y) * (x[0] - x[0] + 1.0)
    assert tape.jacobian(y, x).tolist() == [2.0, 4.0]
    assert tape.jacobian(y, u, "zero").shape == (1, 1)
    assert tape.jacobian(y, u) is None
    assert tape.jacobian(z, [y])[0].tolist() == 10.0
    assert tape.jacobian(np.argmax(x.numpy()) + tp.constant(0.5), x) is None


def test_tape_jacobian_inside_and_of_a_gradient():
    x = tp.constant(3.0)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**4
        g = tape.gradient(y, x)
        inside = tape.jacobian(y, x)
    assert inside.tolist() == 108.0
    assert tape.jacobian(g, x).tolist() == 108.0


def test_tape_jacobian_compiled_and_repeated():
    w = tp.Variable([[1.0, 2.0], [3.0, 4.0]])

    def f(x):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = np.tanh(w @ x)
        return tape.jacobian(y, [x, w])

    for run in (f, tp.function(f)):
        for _ in range(3):
            x = tp.constant([0.1, 0.2])
            jx, jw = run(x)
            slope = 1 - np.tanh(w.numpy() @ x.numpy()) ** 2
            np.testing.assert_allclose(jx.numpy(), slope[:, None] * w.numpy(), rtol=1e-13)
            np.testing.assert_allclose(jw.numpy(), np.einsum("i,ij,k->ijk", slope, np.eye(2), x.numpy()), rtol=1e-13)


def test_batch_jacobian():
    x, y = constants([[1.0, 2.0], [3.0, 4.0]], [[3.0, 4.0], [5.0, 6.0]])
    w = np.arange(8.0).reshape(2, 4)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = x * x * y
        m = x @ w
    assert tape.batch_jacobian(z, x).tolist() == [[[6.0, 0.0], [0.0, 16.0]], [[30.0, 0.0], [0.0, 48.0]]]
    for options in ({}, {"parallel_iterations": 2}, {"experimental_use_pfor": False}):
        np.testing.assert_array_equal(tape.batch_jacobian(m, x, **options).numpy(), [w.T, w.T])
    assert tape.batch_jacobian(z, y).tolist() == np.zeros((2, 2, 2)).tolist()  # zeros, as in TensorFlow


def test_batch_jacobian_of_a_jacobian():
    x = tp.constant(np.ones((10, 2)))
    with tp.GradientTape() as outer:
        outer.watch(x)
        with tp.GradientTape() as inner:
            inner.watch(x)
            y = np.sum(x * x)
        j = inner.jacobian(y, x)
    np.testing.assert_array_equal(outer.batch_jacobian(j, x).numpy(), [2 * np.eye(2)] * 10)


def test_tape_errors():
    x, v = constants([[1.0, 2.0]], [1.0, 2.0])
    with tp.GradientTape() as tape:
        tape.watch([x, v])
        y = x * x
    with pytest.raises(RuntimeError, match="persistent=True to compute the jacobian with eager"):
        tape.jacobian(y, x, experimental_use_pfor=False)
    with pytest.raises(RuntimeError, match="persistent=True to compute the batch_jacobian with eager"):
        tape.batch_jacobian(y, x, experimental_use_pfor=False)
    with pytest.raises(RuntimeError, match=r"persistent=True.*parallel_iterations"):
        tape.batch_jacobian(y, x, parallel_iterations=8)
    with pytest.raises(TypeError, match="`target` of jacobian should be one tensor or Variable"):
        tape.jacobian([y, y], x)
    with pytest.raises(ValueError, match=r"Shape \(2,\) must have rank at least 2"):
        tape.batch_jacobian(y, v)
    with pytest.raises(ValueError, match=r"first dimension of target shape \(1, 2\) and source shape \(3, 1\)"):
        tape.batch_jacobian(y, tp.constant(np.ones((3, 1))))
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'nonsense'"):
        tape.jacobian(y, x, "nonsense")
    assert tape.jacobian(y, x).shape == (1, 2, 1, 2)  # none of these has consumed the tape
