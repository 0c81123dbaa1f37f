"""Programs on an NVIDIA GPU, where there is one, and everywhere on a driver that emulates one."""

import gc
import re

import numpy as np
import pytest
from device_cases import X, functions, leaves
from fake_driver import FakeDriver, FakeGpu
from random_graphs import assert_same_bits

import tapec as tp
from tapec.errors import (
    DeviceMemoryError,
    DeviceNotFoundError,
    HostStepWarning,
    IndexOutOfRangeError,
    LinearAlgebraError,
)


@pytest.fixture(params=["fake", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    if request.param == "fake":
        return tp.Device("cuda", FakeGpu(FakeDriver(), monkeypatch))
    try:
        return tp.device("cuda")
    except DeviceNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", sorted(functions()))
@pytest.mark.filterwarnings("ignore::tapec.errors.HostStepWarning")
def test_bits(device, name):
    function = functions()[name]
    expected = [t.numpy() for t in leaves(function(tp.constant(X)))]
    for _ in range(3):
        assert_same_bits([t.numpy() for t in leaves(function(tp.to_device(X, device)))], expected)


@pytest.mark.parametrize("name", sorted(functions()))
@pytest.mark.filterwarnings("ignore::tapec.errors.HostStepWarning")
def test_bits_of_compiled_functions(device, name):
    function = tp.function(functions()[name])
    expected = [t.numpy() for t in leaves(function(tp.constant(X)))]
    for _ in range(4):
        assert_same_bits([t.numpy() for t in leaves(function(tp.to_device(X, device)))], expected)


def test_the_same_bits_again_and_again(device):
    @tp.value_and_grad
    def loss(w, x):
        return np.sum(np.exp(np.tanh(x @ w) - x @ w) / (1.0 + np.sum(x * x, 1, keepdims=True)))

    x, w = tp.to_device((X, X.T), device)
    first = [t.numpy() for t in loss(w, x)]
    for _ in range(100):
        assert_same_bits([t.numpy() for t in loss(w, x)], first)


def test_training(device):
    ended = []
    for place in (tp.device("cpu"), device):
        rng = np.random.default_rng(1)
        w, optimizer = tp.Variable(rng.normal(size=(7, 2))), tp.optimizers.Adam(0.05)
        x = tp.to_device(X, place)
        tp.to_device((w, optimizer), place)

        @tp.function
        def step(x, w=w, optimizer=optimizer):
            with tp.GradientTape() as tape:
                loss = np.mean(np.tanh(x @ w) ** 2)
            optimizer.apply_gradients([(tape.gradient(loss, w), w)])
            return loss

        losses = [step(x).numpy() for _ in range(6)]
        ended.append([*losses, w.numpy(), optimizer.iterations.numpy()])
    assert_same_bits(ended[1], ended[0])


def test_a_training_step_waits_for_nothing(monkeypatch):
    fake = FakeDriver()
    device = tp.Device("cuda", FakeGpu(fake, monkeypatch))
    w, optimizer = tp.to_device(tp.Variable(X), device), tp.optimizers.Adam(0.05)  # which is made on the CPU

    @tp.function
    def step(x):
        with tp.GradientTape() as tape:
            loss = np.mean(np.tanh(x * w) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    x = tp.to_device(X, device)
    losses = [step(x), step(x)]
    fake.downloads = fake.uploads = fake.waits = 0
    losses += [step(x) for _ in range(4)]
    assert (fake.downloads, fake.uploads, fake.waits) == (0, 0, 0)  # the learning rate is sent
    assert optimizer.iterations.device is device
    assert optimizer.iterations.numpy() == 6
    assert sorted(losses, key=float, reverse=True) == losses


def test_errors_leave_everything_usable(device):
    x = tp.to_device(X, device)
    with pytest.raises(DeviceMemoryError, match=r"4,398,046,511,104 bytes asked for, [\d,]+ of [\d,]+ free"):
        np.broadcast_to(x[0, 0], (1 << 39,))
    with pytest.raises(IndexOutOfRangeError):
        np.take(x, tp.to_device(np.array([5]), device), axis=0)
    with pytest.raises(LinearAlgebraError), pytest.warns(HostStepWarning):
        np.linalg.cholesky(x[:, :5] * 0.0)
    assert_same_bits([(x + 1.0).numpy()], [X + 1.0])


def test_what_the_host_does_is_said_once_at_each_line(monkeypatch):
    device = tp.Device("cuda", FakeGpu(FakeDriver(), monkeypatch))
    x = tp.to_device(X, device)
    spectrum = tp.function(lambda x: np.fft.rfft(x).real)

    def run():
        for n in (3, 5):  # of each size a program is made
            np.linalg.inv(x[:n, :n])
        return [spectrum(x) for _ in range(3)]

    with pytest.warns(HostStepWarning) as told:
        parts = run()
    assert [re.search("`(.*)`", str(w.message))[1] for w in told] == ["lu", "lu_solve", "rfft"]
    assert {w.filename for w in told} == {__file__}
    assert_same_bits([p.numpy() for p in parts], [tp.constant(np.fft.rfft(X).real).numpy()] * 3)


def test_memory_is_given_back(device):
    x = tp.to_device(X, device)
    memory = device.memory
    step = tp.function(lambda x: np.exp(x) * 2.0 + np.sum(x))
    step(x)
    gc.collect()
    before = len(memory.pool._sizes)
    for _ in range(20):
        x = step(x * 0.1)
    assert len(memory.pool._sizes) <= before + 4
