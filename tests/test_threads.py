"""Compiled functions called from many threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tapec as tp
from tapec.recording import ACTIVE

THREADS = 8


def at_once(work):
    """Results of `work(i)` in threads that all start together."""
    barrier = threading.Barrier(THREADS)

    def run(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_compiles_once_and_gives_the_same_as_alone():
    def python(x, s):
        return np.sum(np.tanh(x * s) ** 2), x + s

    f = tp.function(python)
    alone = tp.function(python)
    xs = [np.random.default_rng(i).normal(size=50) for i in range(THREADS)]
    for i, results in enumerate(at_once(lambda i: [f(xs[i], float(i)) for _ in range(20)])):
        expected, shifted = alone(xs[i], float(i))
        for total, y in results:
            assert total.tobytes() == expected.tobytes()
            np.testing.assert_array_equal(y, shifted)
    assert (f.recordings, f.compiles) == (1, 1)


def test_paths_are_recorded_once():
    @tp.function
    def f(x):
        n = 0
        while x > 1.0:
            x, n = x / 2.0, n + 1
        return n

    for i, counts in enumerate(at_once(lambda i: [f(2.0 ** ((i + k) % 6)) for k in range(12)])):
        assert counts == [(i + k) % 6 for k in range(12)]
    assert f.recordings == 6


def test_recording_in_one_thread_does_not_disturb_another():
    f = tp.function(lambda x: x * 2.0)
    f(1.0)

    def work(i):
        if i % 2:
            with tp.eager():
                return f(float(i)), len(ACTIVE.recorders)
        return f(float(i)), len(ACTIVE.recorders)

    assert at_once(work) == [(2.0 * i, i % 2) for i in range(THREADS)]


def test_an_exception_in_the_first_call_lets_the_others_go_on():
    calls = []

    @tp.function
    def f(x):
        calls.append(x)
        if len(calls) == 1:
            raise RuntimeError("first")
        return x + 1.0

    def work(i):
        try:
            return f(float(i))
        except RuntimeError:
            return None

    results = at_once(work)
    assert results.count(None) == 1
    assert all(r is None or r == i + 1.0 for i, r in enumerate(results))
    assert f.compiles == 1


def test_gradients_from_many_threads():
    f = tp.value_and_grad(lambda w, x: np.sum(np.sin(w * x)))
    x = np.linspace(0.0, 1.0, 30)
    for i, (value, gradient) in enumerate(at_once(lambda i: f(np.full(30, i + 0.5), x))):
        assert value == pytest.approx(np.sum(np.sin((i + 0.5) * x)), rel=1e-12)
        np.testing.assert_allclose(gradient, x * np.cos((i + 0.5) * x), rtol=1e-12)
    assert f.compiles == 1
