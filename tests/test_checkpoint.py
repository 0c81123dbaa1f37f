"""`tp.checkpoint`: what is kept, and how often the function runs."""

import gc
import tracemalloc

import numpy as np
from all_modes import in_all_modes

import tapec as tp
from tapec.testing import check_grads

X = np.linspace(-1.0, 1.0, 5)

WEIGHTS = np.random.default_rng(0).normal(size=(32, 32)) / 6


def total(f):
    return lambda x: np.sum(f(x))


def block(x):
    for _ in range(4):
        x = np.tanh(x @ WEIGHTS)
    return x


def chain(part):
    def f(x):
        for _ in range(4):
            x = part(x)
        return np.sum(x * x)

    return f


def test_checkpoints_keep_less():
    x = np.random.default_rng(1).normal(size=(500, 32))
    plain, less = tp.grad(chain(block)), tp.grad(chain(tp.checkpoint(block)))
    np.testing.assert_array_equal(in_all_modes(plain, x), in_all_modes(less, x))
    assert less.inspect(x).memory.kept <= plain.inspect(x).memory.kept / 3
    looped = tp.grad(lambda x: np.sum(tp.fori_loop(0, 4, lambda _, c: tp.checkpoint(block)(c), x) ** 2))
    np.testing.assert_allclose(looped(x), plain(x), rtol=1e-12)


def test_tapes_keep_less():
    x = tp.constant(np.random.default_rng(1).normal(size=(500, 32)))
    held, peaks, gradients = [], [], []
    for f in (chain(block), chain(tp.checkpoint(block))):
        for measured in (False, True):  # once to make what is made once
            gc.collect()
            gc.disable()  # what is let go must go at once
            tracemalloc.start()
            with tp.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            size = tracemalloc.get_traced_memory()[0]
            gradient = tape.gradient(y, x)
            if measured:
                held.append(size / x.nbytes)
                peaks.append(tracemalloc.get_traced_memory()[1] / x.nbytes)
                gradients.append(gradient.numpy())
            tracemalloc.stop()
            gc.enable()
            del tape, y, gradient
    np.testing.assert_array_equal(*gradients)
    assert held[0] > 15
    assert held[1] < 8
    assert peaks[1] < peaks[0]


def test_checkpoints_watch_what_the_function_reaches():
    w = tp.Variable(2.0)
    c = tp.constant(3.0)

    @tp.checkpoint
    def f(x, name):
        return {"y": x * w * c * w, "name": name, "n": 4}

    x = tp.constant(5.0)
    with tp.GradientTape() as tape:
        tape.watch([x, c])
        found = f(x, "text")
        w.assign(100.0)  # the backward pass runs on what there was
        y = found["y"] * found["n"]
    assert found["name"] == "text"
    assert [g.item() for g in tape.gradient(y, [x, w, c])] == [48.0, 240.0, 80.0]


def test_checkpoints_run_python_once():
    runs = []

    @tp.checkpoint
    def f(x):
        runs.append(None)
        return np.sin(x) if np.sum(x) > 0 else np.cos(x)

    for x in (tp.constant(X + 1), tp.constant(X - 1)):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        slope = np.cos(x.numpy()) if np.sum(x.numpy()) > 0 else -np.sin(x.numpy())
        np.testing.assert_allclose(tape.gradient(y, x).numpy(), slope, rtol=1e-14)
    assert len(runs) == 2
    gradient = tp.grad(total(f))
    for _ in range(2):
        np.testing.assert_allclose(gradient(X - 1), -np.sin(X - 1), rtol=1e-14)
        np.testing.assert_allclose(gradient(X + 1), np.cos(X + 1), rtol=1e-14)
    assert gradient.recordings == 2


def test_checkpoints_within_checkpoints_and_the_same_argument_twice():
    inner = tp.checkpoint(lambda a, b: np.sin(a) * b)
    outer = tp.checkpoint(lambda x: inner(x, x) * 2.0)
    expected = 2 * (np.cos(X) * X + np.sin(X))
    np.testing.assert_allclose(in_all_modes(tp.grad(total(outer)), X), expected, rtol=1e-14)
    check_grads(outer, [X])


def test_names_of_checkpoints():
    def f(x):
        """Documented."""
        return x

    for wrap in (tp.checkpoint, tp.recompute_grad):
        assert wrap(f).__wrapped__ is f
        assert wrap(f).__doc__ == "Documented."
    assert tp.checkpoint(f)(3) == 3
    assert tp.checkpoint(lambda n: n * 2)(3) == 6
