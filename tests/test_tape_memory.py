"""What a tape holds: only arrays that a derivative rule will read, and none of them for longer than that."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import tapec as tp
from tapec import tape_derivatives
from tapec.dispatch import apply
from tapec.ops import elementwise as ew
from tapec.tensor import make

LAYERS, SIZE = 20, 10**6
ARRAY = SIZE * 4
SMALL = ARRAY // 10  # everything that is no array: entries, plans, interpreter


@pytest.fixture(autouse=True)
def nothing_is_compiled(monkeypatch):
    """Imports and machine code are no part of what a tape holds; see `test_a_loop_of_tapes_does_not_grow` for those."""
    monkeypatch.setattr(tape_derivatives, "_PLANS", {})
    monkeypatch.setattr(tape_derivatives, "COMPILE_START", 1e9)


@pytest.fixture
def allocated():
    """Bytes allocated since the test began, as a function."""
    gc.collect()
    tracemalloc.start()
    begin = tracemalloc.get_traced_memory()[0]

    def bytes_now():
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - begin

    yield bytes_now
    tracemalloc.stop()


def network(x, weights):
    for w in weights:
        x = apply(ew.relu, (apply(ew.add, (apply(ew.mul, (x, w.value())), w.value())),))
    return np.sum(x)


@pytest.fixture
def weights():
    variables = [tp.Variable(np.float32(1.0 + 0.01 * i)) for i in range(LAYERS)]
    for _ in range(5):  # what is imported and compiled by the first runs of all is not the tape's
        with tp.GradientTape() as tape:
            y = network(make(np.ones(10, np.float32)), variables)
        tape.gradient(y, variables)
    return variables


@pytest.mark.cpu  # bytes of the host, in which the emulation has zones around arrays
def test_a_relu_network_keeps_one_array_per_layer_and_gives_all_back(weights, allocated):
    x = make(np.linspace(-1, 1, SIZE, dtype=np.float32))
    before = allocated()
    with tp.GradientTape() as tape:
        y = network(x, weights)
    held = allocated() - before
    assert (LAYERS - 1) * ARRAY < held <= LAYERS * ARRAY + SMALL

    gradients = tape.gradient(y, weights)
    assert all(g is not None for g in gradients)
    assert abs(allocated() - before) < SMALL


def test_arrays_go_while_the_gradient_passes_them(weights, allocated):
    x = make(np.linspace(-1, 1, SIZE, dtype=np.float32))
    with tp.GradientTape() as tape:
        y = network(x, weights)
    held = allocated()
    tracemalloc.reset_peak()
    tape.gradient(y, weights)
    # Cotangents of two neighbouring ops and a mask or product live beside what is still held.
    assert tracemalloc.get_traced_memory()[1] <= held + 6 * ARRAY


def test_a_chain_of_additions_keeps_nothing(allocated):
    x, v = make(np.ones(SIZE, np.float32)), tp.Variable(np.float32(1.0))
    before = allocated()
    with tp.GradientTape() as tape:
        y = x
        for _ in range(LAYERS):
            y = y + v
        y = np.sum(y)
    assert allocated() - before < SMALL
    assert tape.gradient(y, v).numpy() == LAYERS * SIZE


def test_only_the_factor_that_is_read_is_kept():
    constant, v = make(np.ones(3)), tp.Variable(np.ones(3))
    with tp.GradientTape() as tape:
        hidden = v + 1.0
        alive = weakref.ref(hidden)
        y = hidden * constant  # `hidden` is active, so its partial is `constant`; that of `constant` nobody asks for
        del hidden
        assert alive() is None
    assert tape.gradient(y, v).numpy().tolist() == [1.0] * 3


def test_unwatched_computations_leave_no_trace():
    x = make(np.ones(3))
    with tp.GradientTape() as tape:
        y = np.exp(x) * x
        alive = weakref.ref(y)
        del y
        assert alive() is None
    assert len(tape._recorder) == 0


@pytest.mark.cpu  # bytes of the host, in which the emulation has zones around arrays
def test_persistent_tapes_hold_until_they_are_gone(weights, allocated):
    x = make(np.ones(SIZE, np.float32))
    before = allocated()
    with tp.GradientTape(persistent=True) as tape:
        y = network(x, weights)
    for _ in range(2):
        tape.gradient(y, weights)
        assert (LAYERS - 1) * ARRAY < allocated() - before <= LAYERS * ARRAY + SMALL
    del tape
    assert abs(allocated() - before) < SMALL


def test_reset_lets_go(weights, allocated):
    x = make(np.ones(SIZE, np.float32))
    before = allocated()
    with tp.GradientTape() as tape:
        network(x, weights)
        tape.reset()
        assert abs(allocated() - before) < SMALL


@pytest.mark.parametrize("patience", [0.0, 1e9], ids=["compiled", "replayed"])
def test_a_loop_of_tapes_does_not_grow(allocated, monkeypatch, patience):
    monkeypatch.setattr(tape_derivatives, "COMPILE_START", patience)
    monkeypatch.setattr(tape_derivatives, "COMPILE_OP", 0.0)
    v = tp.Variable(np.ones(1000))

    def step():
        with tp.GradientTape() as tape:
            loss = np.sum(np.tanh(v * v))
        v.assign_sub(1e-3 * tape.gradient(loss, v))

    for _ in range(20):
        step()
    before = allocated()
    for _ in range(50):
        step()
    assert allocated() - before < 20_000
