"""`tp.device`, and compiled functions on one: the host's emulation of a GPU stands in for it."""

import subprocess
import sys

import numpy as np
import pytest

import tapec as tp
from tapec.errors import ArgumentError, DeviceNotFoundError, IndexOutOfRangeError
from tapec.runtime.cuda import driver_api, gpu

EMULATED = tp.device("emulated")
X = np.linspace(-2.0, 2.0, 37)


def missing():
    raise DeviceNotFoundError("no NVIDIA driver")


def test_without_a_gpu_there_is_an_error_and_everything_else_works(monkeypatch):
    monkeypatch.setattr(gpu, "load_library", missing)
    for _ in range(2):
        with pytest.raises(DeviceNotFoundError, match="no NVIDIA driver"):
            tp.device("cuda")
    assert tp.function(lambda x: x * 2.0)(X)[3] == X[3] * 2.0


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setattr(driver_api, "_LIBRARY", "libno-such-driver.so.1")
    with pytest.raises(DeviceNotFoundError, match=r"libno-such-driver.*everything works on the CPU"):
        driver_api.load_library()


def test_other_names():
    with pytest.raises(ArgumentError, match="no device 'abacus'"):
        tp.device("abacus")
    assert repr(EMULATED) == "tp.device('emulated')"


def test_nothing_of_it_is_imported_unasked():
    code = "import sys, numpy, tapec as tp; tp.function(lambda x: x + 1.0)(numpy.ones(3)); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if ".cuda" in name or name == "tapec.devices"]


def test_a_function_on_a_device_gives_the_bits_of_the_cpu():
    def loss(w, x):
        return np.sum(np.tanh(x * w) * x)

    plain, there = tp.value_and_grad(loss), tp.function(tp.value_and_grad(loss), device=EMULATED)
    for _ in range(4):  # recorded, and run again and again
        for a, b in zip(plain(0.7, X), there(0.7, X), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert there.recordings == 1


def test_branches_of_python():
    @tp.function(device=EMULATED)
    def f(x):
        return x * 2.0 if np.sum(x) > 0.0 else x - 1.0

    for sign in (1.0, -1.0, 1.0, -1.0):
        x = sign * np.ones(5)
        np.testing.assert_array_equal(f(x), x * 2.0 if sign > 0 else x - 1.0)
    assert f.recordings == 2


def test_a_guard_that_differs_ends_the_run():
    """What follows it was recorded on another way, and need not end on this one."""

    @tp.function(device=EMULATED)
    def f(x):
        return tp.while_loop(lambda y: y < 100.0, lambda y: y * 2.0, x) if x > 0.0 else x

    assert [float(f(x)) for x in (1.0, 3.0, -1.0, 3.0)] == [128.0, 192.0, -1.0, 192.0]


def test_variables_and_errors():
    v = tp.Variable(np.arange(3.0))

    @tp.function(device=EMULATED)
    def step(i):
        v.assign_add(np.ones(3))
        return v[i]

    assert [float(step(np.array(1))) for _ in range(3)] == [2.0, 3.0, 4.0]
    with pytest.raises(IndexOutOfRangeError):
        step(np.array(5))


def test_inspection_shows_what_a_gpu_would_run():
    @tp.function
    def f(x):
        return np.exp(x) / np.sum(np.exp(x))

    shown = f.inspect(X)
    assert "kernel step0_" in shown.launch_plan
    assert ".target sm_90" in shown.ptx("sm_90")
    there = tp.function(lambda x: x + 1.0, device=EMULATED)
    assert "kernel step0_" in there.inspect(X).launch_plan
