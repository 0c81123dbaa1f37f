"""`tape.saved`: what a tape keeps, as a table, and that it is what is in memory."""

import gc
import tracemalloc

import numpy as np
import pytest

import tapec as tp
from tapec import tape_derivatives
from tapec.dispatch import apply
from tapec.errors import ConsumedTapeError
from tapec.ops import elementwise as ew

STEPS, SIZE = 1_000, 96


def relu(x):
    return apply(ew.relu, (x,))


def loop(tape, x, w, b):
    with tape:
        for _ in range(STEPS):
            x = relu(x @ w + b)
    return x


@pytest.mark.cpu  # bytes of the host; numbers of the source lie on a device once
def test_a_thousand_steps_of_relu_add_and_matmul(monkeypatch):
    monkeypatch.setattr(tape_derivatives, "COMPILE_START", 1e9)
    rng = np.random.default_rng(0)
    w, x = (tp.constant(rng.normal(size=(SIZE, SIZE)) / 10) for _ in range(2))
    b = tp.Variable(rng.normal(size=SIZE))
    loop(tp.GradientTape(), x, w, b)  # what is imported, compiled and remembered by a first run is not the tape's
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tape = tp.GradientTape()
    y = loop(tape, x, w, b)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    saved = tape.saved()
    array = SIZE * SIZE * 8
    # A ReLU's derivative reads its result, an addition's nothing, and a product's with a constant the constant.
    assert [row.op for row in saved] == ["relu", "matmul"] + ["relu"] * (STEPS - 1) + ["watch"]
    assert saved.bytes == (STEPS + 1) * array + b.size * 8
    assert saved.bytes - array == pytest.approx(held, rel=0.01)  # the constant was there before
    assert tape.gradient(y, b) is not None


@pytest.mark.cpu  # bytes of the host; numbers of the source lie on a device once
def test_the_table_names_op_line_bytes_and_reason():
    x, c = tp.Variable(np.ones((2, 3))), tp.constant(np.ones((3, 2)))
    with tp.GradientTape() as tape:
        y = np.tanh(x.value() @ c)
        y * c[:2]
    rows = list(tape.saved())
    assert [(row.op, row.bytes, row.why) for row in rows] == [
        ("matmul", 48, "the derivative of matmul in operand 0 reads its operand 1"),
        ("tanh", 32, "the derivative of tanh in operand 0 reads its result"),
        ("mul", 0, "the derivative of mul in operand 0 reads its operand 1"),
        ("watch", 48, "it is watched; loops of thousands of rounds are differentiated from it"),
    ]
    first = rows[0].location.line
    assert [row.location.line - first for row in rows[:3]] == [0, 0, 1]
    assert all(row.location.filename == __file__ for row in rows[:3])
    table = str(tape.saved()).splitlines()
    assert table[0].split() == ["op", "line", "arrays", "bytes", "why"]
    assert table[1].split()[:4] == ["matmul", f"{__file__}:{first}", "1", "48"]
    assert table[-1].split() == ["total", "4", "128"]


def test_rows_of_one_line_are_summed_in_the_text():
    x = tp.Variable(np.ones(4))
    with tp.GradientTape() as tape:
        y = x.value()
        for _ in range(5):
            y = np.sin(y)
    table = str(tape.saved()).splitlines()
    assert len(table) == 3
    assert table[1].split()[2:4] == ["5", "160"]


@pytest.mark.cpu  # bytes of the host; numbers of the source lie on a device once
def test_memory_shared_by_views_is_counted_once():
    x = tp.Variable(np.ones((4, 4)))
    with tp.GradientTape() as tape:
        h = x * 2.0
        np.sin(h)
        np.cos(h.T)
    assert [(row.op, row.bytes) for row in tape.saved()] == [("sin", 128), ("cos", 0), ("watch", 128)]
    assert tape.saved().bytes == 256


def test_a_consumed_tape_keeps_nothing():
    x = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(ConsumedTapeError):
        tape.saved()
