"""`tp.ForwardAccumulator`."""

import gc
import weakref

import numpy as np
import pytest

import tapec as tp
from tapec.recording import ACTIVE

X = np.array([1.0, 2.0, 3.0])
V = np.array([3.0, 4.0, 5.0])


def test_values_and_containers():
    x, z = tp.constant([1.0, 2.0]), tp.constant([5.0])
    with tp.ForwardAccumulator({"x": x}, {"x": [3.0, 4.0]}) as acc:
        y = 2 * x
        w = np.sin(y) * z
    assert acc.jvp({"y": y, "rest": [x, z]})["y"].tolist() == [6.0, 8.0]
    assert acc.jvp(z) is None
    assert acc.jvp([z], "zero")[0].tolist() == [0.0]
    np.testing.assert_allclose(acc.jvp(w).numpy(), 5 * np.cos([2.0, 4.0]) * [6.0, 8.0], rtol=1e-14)


def test_re_entry():
    x = tp.constant(-2.0)
    with tp.ForwardAccumulator(x, 1.5) as acc:
        assert acc.jvp(x).item() == 1.5
        y = 4.0 * x
        assert acc.jvp(y).item() == 6.0
        with pytest.raises(ValueError, match="Accumulator is already recording"):
            acc.__enter__()
    z = 4.0 * x
    assert acc.jvp(z) is None
    with acc:
        square = y * y
    assert acc.jvp(square).item() == 6.0 * -8.0 * 2
    assert ACTIVE.recorders == []


def test_nested_accumulators():
    def derivative(f):
        def of(x):
            with tp.ForwardAccumulator(x, 1.0) as acc:
                y = f(x)
            return acc.jvp(y)

        return of

    f, expected = lambda x: x**3.5, 1.0
    for n in range(4):
        np.testing.assert_allclose(f(tp.constant(1.1)).item(), expected * 1.1 ** (3.5 - n), rtol=1e-13)
        f, expected = derivative(f), expected * (3.5 - n)


def product(x):
    return np.prod(np.tanh(x) ** 2)


def test_with_tapes_in_both_orders():
    x, expected = tp.constant(X), tp.hvp(product, X, V)
    with tp.ForwardAccumulator(x, V) as acc:
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = product(x)
        gradient = tape.gradient(y, x)
    np.testing.assert_allclose(acc.jvp(gradient).numpy(), expected, rtol=1e-12)
    with tp.GradientTape() as tape:
        tape.watch(x)
        with tp.ForwardAccumulator(x, V) as acc:
            y = product(x)
    np.testing.assert_allclose(tape.gradient(acc.jvp(y), x).numpy(), expected, rtol=1e-12)


def test_a_tape_inside_does_not_hear_of_tangents():
    c = tp.constant(1.0)
    for create_first in (True, False):
        acc = tp.ForwardAccumulator(c, 2.0) if create_first else None
        tape = tp.GradientTape()
        acc = acc or tp.ForwardAccumulator(c, 2.0)
        with acc, tape:
            tape.watch(c)
            d = np.sin(c)
        assert acc.jvp(d).item() == 2.0 * np.cos(1.0)
        assert tape.gradient(acc.jvp(d), c) is None


def test_variables():
    v = tp.Variable([1.0, 2.0, 3.0])
    with tp.ForwardAccumulator(v, [0.1, -0.2, 0.3]) as acc:
        found = acc.jvp([v, v * 2.0, v + 0.1])
        v.assign_sub([0.5, 0.5, 0.5])
        again = acc.jvp(v * 2.0)
    for tangent, factor in zip([*found, again], (1, 2, 1, 2), strict=True):
        np.testing.assert_allclose(tangent.numpy(), factor * np.array([0.1, -0.2, 0.3]), rtol=1e-14)
    assert v.numpy().tolist() == [0.5, 1.5, 2.5]


def test_compiled():
    def f(x, v):
        with tp.ForwardAccumulator(x, v) as acc:
            y = product(x) if np.sum(x) > 0 else np.sum(3.0 * x)
        return y, acc.jvp(y)

    compiled = tp.function(f)
    for _ in range(3):
        for sign in (1.0, -1.0):
            x = tp.constant(sign * X)
            for a, b in zip(f(x, tp.constant(V)), compiled(x, tp.constant(V)), strict=True):
                assert a.numpy() == b.numpy()
    assert compiled.recordings == 2
    np.testing.assert_allclose(compiled(tp.constant(-X), tp.constant(V))[1].numpy(), 3 * V.sum())


def test_under_vmap():
    def f(x, v):
        with tp.ForwardAccumulator(x, v) as acc:
            y = product(x)
        return acc.jvp(y)

    rows = np.stack([X, 2 * X])
    expected = [tp.jvp(product, x, V)[1] for x in rows]
    np.testing.assert_allclose(tp.vmap(f, (0, None))(rows, V), expected, rtol=1e-13)
    x = tp.constant(V)
    with tp.ForwardAccumulator(x, X) as acc:
        y = tp.vmap(lambda row: np.sum(row * x))(rows)
    np.testing.assert_allclose(acc.jvp(y).numpy(), rows @ X)


def test_tangents_go_with_their_tensors():
    x = tp.constant(X)
    with tp.ForwardAccumulator(x, V) as acc:
        y = np.exp(x)
        alive = weakref.ref(acc.jvp(y))
        z = np.sum(y)
        del y
        gc.collect()
        assert alive() is None
    assert acc.jvp(z) is not None


@pytest.mark.parametrize(
    ("primals", "tangents", "error", "message"),
    [
        (tp.constant(X), V[:2], ValueError, r"primal has shape \(3,\), its tangent has shape \(2,\)"),
        ([tp.constant(X)], [V, V], ValueError, "`tangents` must be structured as the primals"),
        (X, V, TypeError, "`primals` should be a tensor or Variable"),
    ],
)
def test_errors(primals, tangents, error, message):
    with pytest.raises(error, match=message):
        tp.ForwardAccumulator(primals, tangents)


def test_a_primal_given_twice():
    x = tp.constant(X)
    with pytest.raises(ValueError, match="specified as a primal multiple times"):
        tp.ForwardAccumulator([x, x], [V, V])


def test_integers_have_no_tangent():
    n = tp.constant([1, 2])
    with pytest.warns(UserWarning, match="watched primal must be floating"):
        acc = tp.ForwardAccumulator(n, [1, 1])
    with acc:
        y = n * 2.0
    assert acc.jvp(y) is None
