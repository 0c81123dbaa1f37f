"""Versions of a `tp.Array`: values taken before a write stay, and memory is used again where nobody looks."""

import gc
import weakref

import numpy as np
import pytest

import tapec as tp
from tapec import array_program, mutable_array
from tapec.ownership import taken_over

X = np.array([1.0, 2.0, 3.0, 4.0])


def test_a_value_taken_before_a_write_stays():
    a = tp.asarray(X)
    before, half, array = a + 0.0, a * 0.5, a.numpy()
    version = a.__tapec_tensor__()
    a[:] = 0.0
    assert before.tolist() == version.tolist() == array.tolist() == X.tolist()
    assert half.tolist() == (X / 2).tolist()


@pytest.mark.cpu  # addresses of NumPy arrays; of devices: tests/runtime/cuda/test_part_programs.py
def test_writes_use_the_same_memory_while_nobody_looks():
    a = tp.asarray(X)
    a[0] = 5.0
    address = a.__tapec_tensor__()._array.ctypes.data
    for i in range(4):
        a[i] = a[i - 1] * 2.0
        a[i:] += 1.0
    assert a.__tapec_tensor__()._array.ctypes.data == address
    held = a.__tapec_tensor__()
    a[0] = 6.0
    assert a.__tapec_tensor__()._array.ctypes.data != address
    assert held[0].item() != 6.0


@pytest.mark.cpu  # addresses of NumPy arrays; of devices: tests/runtime/cuda/test_part_programs.py
def test_writes_on_a_tape_use_the_same_memory():
    v = tp.Variable(X)
    with tp.GradientTape() as tape:
        a = np.zeros_like(v)
        a[0] = v[0]
        address = a.__tapec_tensor__()._array.ctypes.data
        for i in range(1, 4):
            a[i] = a[i - 1] * v[i]
        assert a.__tapec_tensor__()._array.ctypes.data == address
        y = a[3] * a[2]
    np.testing.assert_allclose(tape.gradient(y, v).numpy(), [2 * 24 * 6 / 1, 24 * 6, 96.0, 36.0])


def test_a_version_that_a_derivative_needs_is_kept():
    v = tp.Variable(X)
    with tp.GradientTape() as tape:
        a = v.copy()
        y = np.sum(np.sin(a) * a)
        a[:] = 0.0
        a += 1.0
        z = np.sum(a * v)
    expected = np.cos(X) * X + np.sin(X) + 1.0
    np.testing.assert_allclose(tape.gradient([y, z], v).numpy(), expected, rtol=1e-14)


def test_old_versions_are_let_go():
    a = tp.asarray(X)
    old = weakref.ref(a.__tapec_tensor__())
    a[0] = 1.0
    gc.collect()
    assert old() is None


@pytest.mark.parametrize("persistent", [False, True])
def test_the_gradient_does_not_write_to_what_others_hold(persistent):
    v, ct = tp.Variable(X), tp.constant(np.array([1.0, 10.0, 100.0, 1000.0]))
    with tp.GradientTape(persistent=persistent) as tape:
        a = v * 1.0
        b = a.copy()
        b[1:3] = b[:2] * 2.0
    for _ in range(1 + persistent):
        assert tape.gradient(b, v, output_gradients=ct).tolist() == [1.0 + 20.0, 200.0, 0.0, 1000.0]
        assert ct.tolist() == [1.0, 10.0, 100.0, 1000.0]


def test_time_grows_linearly(monkeypatch):
    """No clock: the arrays that are copied because somebody might see the write. There are a few, however long."""
    copies = []

    def noting(box):
        address = box[0].__array_interface__["data"]
        taken = taken_over(box)
        if taken.__array_interface__["data"] != address:
            copies.append(taken.size)
        return taken

    monkeypatch.setattr(mutable_array, "taken_over", noting)
    monkeypatch.setattr(array_program, "taken_over", noting)

    def run(n):
        copies.clear()
        v = tp.Variable(np.linspace(0.0, 1.0, n))
        with tp.GradientTape() as tape:
            a = np.zeros_like(v)
            for i in range(1, n):
                a[i] = a[i - 1] * 0.9 + v[i]
            y = a[n - 1]
        found = tape.gradient(y, v)
        np.testing.assert_allclose(found.numpy()[1:], 0.9 ** np.arange(n - 2, -1, -1.0), rtol=1e-12)
        return len(copies)

    assert run(300) == run(30) <= 3
