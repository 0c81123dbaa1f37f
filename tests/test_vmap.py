"""`tp.vmap`."""

from dataclasses import dataclass

import numpy as np
import pytest
from all_modes import in_all_modes

import tapec as tp
from tapec.recording import ACTIVE
from tapec.structure import flatten
from tapec.testing import check_grads

X = np.random.default_rng(0).normal(size=(4, 3))
Y = np.random.default_rng(1).normal(size=(4, 3))


@pytest.mark.parametrize(
    "f",
    [
        np.dot,
        np.outer,
        lambda x, y: np.sort(x) + np.cumsum(y),
        lambda x, y: x[np.argmax(y)] + x[::-1],
        lambda x, y: np.where(x > 0, x, y) / np.linalg.norm(y),
        lambda x, y: np.concatenate([x, y[:2], np.ones(1)]),
        lambda x, y: np.take(x, np.argsort(y)) @ np.arange(6.0).reshape(3, 2),
        lambda x, y: (np.stack([x, y]).T, {"mean": np.mean(x), "any": np.any(x > y)}),
        lambda x, y: np.einsum("i,j->ij", x, y).reshape(9)[2:7],
        lambda x, y: tp.nn.softmax(x) * np.max(y),
        lambda x, y: np.prod(x) + np.var(y),
    ],
)
def test_against_a_loop(f):
    found = in_all_modes(tp.vmap(f), X, Y)
    plain = tp.function(f)
    rows = [flatten(plain(x, y))[0] for x, y in zip(X, Y, strict=True)]
    leaves, _ = flatten(found)
    assert len(leaves) == len(rows[0])
    for i, leaf in enumerate(leaves):
        np.testing.assert_allclose(leaf, np.stack([row[i] for row in rows]), rtol=1e-13)


def test_axes_of_arguments_and_results():
    f = tp.vmap(lambda w, x: w @ x, in_axes=(None, 1), out_axes=1)
    w = np.arange(8.0).reshape(2, 4)
    np.testing.assert_allclose(in_all_modes(f, w, X), w @ X, rtol=1e-14)
    g = tp.vmap(lambda x, y: x * y, in_axes=(-1, 0), out_axes=-1)
    assert in_all_modes(g, np.ones((2, 5)), np.arange(5.0)).tolist() == [[0, 1, 2, 3, 4]] * 2
    assert in_all_modes(tp.vmap(lambda x: x, 1, 2), np.arange(24.0).reshape(2, 3, 4)).shape == (2, 4, 3)


def test_containers_of_axes():
    @dataclass(frozen=True)
    class Point:
        x: object
        scale: object

    def f(p, shift, name):
        return Point(p.x * p.scale + shift["a"][0] - shift["b"], None), name

    shift = {"a": [np.arange(4.0)], "b": 1.0}
    axes = (Point(0, None), {"b": None, "a": 0}, None)
    point, name = in_all_modes(tp.vmap(f, axes, (Point(1, 0), None)), Point(X, 2.0), shift, "n")
    np.testing.assert_allclose(point.x, (2 * X + np.arange(4.0)[:, None] - 1).T, rtol=1e-14)
    assert (point.scale, name) == (None, "n")


def test_keyword_arguments():
    f = tp.vmap(lambda x, *, y: x + y)
    np.testing.assert_array_equal(f(X, y=Y), X + Y)
    g = tp.vmap(lambda x, y: x + y, in_axes=(0, None))
    np.testing.assert_array_equal(g(X, y=1.0), X + 1)


def test_results_that_are_the_same_for_all_examples():
    f = tp.vmap(lambda x: (x, np.ones(2), 7.0, "text", None), out_axes=(0, 1, 0, 0, 0))
    _, ones, seven, text, none = in_all_modes(f, X)
    assert ones.shape == (2, 4)
    np.testing.assert_array_equal(seven, [7.0] * 4)
    assert (text, none) == ("text", None)
    y, total = in_all_modes(tp.vmap(lambda x, w: (x, np.sum(w)), (0, None), (0, None)), X, np.ones(3))
    assert (y.shape, total) == ((4, 3), 3.0)


def test_nested():
    outer = tp.vmap(tp.vmap(lambda a, b: a * b + np.sin(a), in_axes=(None, 0)), in_axes=(0, None))
    a, b = np.arange(3.0), np.arange(2.0)
    np.testing.assert_allclose(in_all_modes(outer, a, b), a[:, None] * b + np.sin(a)[:, None], rtol=1e-14)
    pairs = tp.vmap(lambda x: tp.vmap(lambda y: np.sum((x - y) ** 2))(X))
    np.testing.assert_allclose(in_all_modes(pairs, X), ((X[:, None] - X) ** 2).sum(2), rtol=1e-13)


def loss(w, x):
    return np.sum(np.tanh(w * x) ** 2)


def test_gradient_of_each_example():
    w = np.array([0.5, -1.0, 2.0])
    found = in_all_modes(tp.vmap(tp.grad(loss), in_axes=(None, 0)), w, X)
    gradient = tp.grad(loss)
    np.testing.assert_allclose(found, np.stack([gradient(w, x) for x in X]), rtol=1e-13)
    value, both = in_all_modes(tp.vmap(tp.value_and_grad(loss, argnums=(0, 1)), in_axes=(None, 0)), w, X)
    np.testing.assert_allclose(both[0], found, rtol=1e-14)
    np.testing.assert_allclose(value, [np.sum(np.tanh(w * x) ** 2) for x in X], rtol=1e-14)


def test_derivatives_of_the_vectorized_function():
    w = np.array([0.5, -1.0, 2.0])
    many = tp.vmap(loss, in_axes=(None, 0))
    found = in_all_modes(tp.grad(lambda w: np.sum(many(w, X))), w)
    gradient = tp.grad(loss)
    np.testing.assert_allclose(found, sum(gradient(w, x) for x in X), rtol=1e-13)
    check_grads(lambda w, x: tp.vmap(loss, in_axes=(None, 1))(w, x), [w, X.T.copy()])
    check_grads(lambda w, x: tp.vmap(tp.grad(loss), in_axes=(None, 0))(w, x), [w, X])


def test_closed_over_tensors_get_gradients():
    w = tp.Variable([0.5, -1.0, 2.0])
    scale = tp.constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch(scale)
        y = np.sum(tp.vmap(lambda x: np.dot(x, np.exp(w)) * scale)(X))
    dw, dscale = tape.gradient(y, [w, scale])
    np.testing.assert_allclose(dw.numpy(), 2 * X.sum(0) * np.exp(w.numpy()), rtol=1e-14)
    np.testing.assert_allclose(dscale.numpy(), np.sum(X @ np.exp(w.numpy())), rtol=1e-14)


def test_inside_a_compiled_function():
    v = tp.Variable(1.0)
    total = np.ones(3)

    @tp.function
    def step(x):
        v.assign_add(1.0)
        return np.sum(tp.vmap(lambda row: np.dot(row, total) * v)(x))

    for n in range(2, 6):
        np.testing.assert_allclose(step(X), n * np.sum(X), rtol=1e-13)
    total[:] = 2.0  # captured arrays are read at each call
    np.testing.assert_allclose(step(X), 12 * np.sum(X), rtol=1e-13)
    assert step.recordings == 1


def test_branches_on_what_is_the_same_for_all_are_guarded():
    f = tp.vmap(lambda x, flag: x * 2 if flag > 0 else x, in_axes=(0, None))
    for _ in range(2):
        np.testing.assert_array_equal(f(X, 1.0), 2 * X)
        np.testing.assert_array_equal(f(X, -1.0), X)
    assert f.recordings == 2


def test_the_function_runs_once():
    runs = []

    @tp.vmap
    def f(x):
        runs.append(x.shape)
        return x * 2

    for _ in range(3):
        f(X)
    assert runs == [(3,)]
    assert (f.__name__, f.recordings) == ("f", 1)


def test_forms_of_the_decorator_and_tensors():
    @tp.vmap(in_axes=1, out_axes=1)
    def columns(x):
        return x - np.mean(x)

    found = columns(tp.constant(X))
    assert type(found) is tp.Tensor
    np.testing.assert_allclose(found.numpy(), X - X.mean(0), atol=1e-15)
    assert type(tp.vmap(lambda v: v * 2)(tp.Variable([1.0, 2.0]))) is tp.Tensor


def test_no_examples():
    assert in_all_modes(tp.vmap(lambda x: np.sum(np.exp(x))), np.ones((0, 3))).shape == (0,)


def test_one_shape_of_error_for_each_mistake():
    f = tp.vmap(lambda x, y: x + y, in_axes=(0, 1))
    with pytest.raises(tp.errors.AxisSizeError, match=r"4: argument 0, x \(axis 0\); 3: argument 1, y \(axis 1\)"):
        f(X, Y)
    with pytest.raises(tp.errors.AxisSizeError, match=r"argument 1, y has shape \(4,\) and no axis 1"):
        f(X, np.ones(4))
    with pytest.raises(tp.errors.AxisSizeError, match=r"argument 0, x\['a'\] has shape \(\) and no axis 0"):
        tp.vmap(lambda x: x)({"a": 1.0})
    with pytest.raises(tp.errors.ArgumentError, match="needs an argument that holds an array"):
        tp.vmap(lambda x: x, in_axes=None)(X)
    with pytest.raises(tp.errors.ArgumentError, match=r"in_axes is \(0,\), which does not fit a tuple of 2"):
        tp.vmap(np.add, in_axes=(0,))(X, Y)
    with pytest.raises(tp.errors.ArgumentError, match=r"in_axes\[0\] is 'x', where one axis is wanted"):
        tp.vmap(np.sin, in_axes=("x",))(X)
    with pytest.raises(tp.errors.ArgumentError, match=r"out_axes is None for the result\[1\]"):
        tp.vmap(lambda x: (x, x), out_axes=(0, None))(X)
    with pytest.raises(
        tp.errors.ArgumentError, match=r"the result has shape \(3,\) for one example, and out_axes is 2"
    ):
        tp.vmap(lambda x: x, out_axes=2)(X)
    assert ACTIVE.recorders == []


def branch(x):
    return x if x[0] > 0 else -x


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (branch, r"test_vmap\.py:\d+.*Python branched on a tensor.*that differs from example.*np\.where or tp\.cond"),
        (lambda x: x * float(x[0]), r"test_vmap\.py.*float\(t\) asked for the value of a tensor that differs"),
        (lambda x: x[: int(x[0])], r"test_vmap\.py.*Python branched"),
        (lambda x: x.numpy() * 2, r"t\.numpy\(\) asked"),
        (lambda x: [x for _ in range(np.argmax(x))], "Python branched"),
    ],
)
def test_values_that_python_cannot_have(f, message):
    for run in (tp.vmap(f), lambda x: tp.function(lambda x: tp.vmap(f)(x))(x)):
        with pytest.raises(tp.errors.BatchedValueError, match=message):
            run(X)
    assert ACTIVE.recorders == []


def test_variables_take_no_batched_values():
    v = tp.Variable(1.0)
    with pytest.raises(tp.errors.BatchedValueError, match="Variable:0 was assigned a value that differs"):
        tp.vmap(lambda x: v.assign(np.sum(x)))(X)
    assert v.numpy() == 1.0
