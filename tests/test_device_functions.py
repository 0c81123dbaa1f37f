"""Compiled functions run where their inputs lie, and their results stay there."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from random_graphs import assert_same_bits

import tapec as tp
from tapec.errors import DeviceMemoryError, EagerFallbackWarning, IndexOutOfRangeError
from tapec.runtime.cuda.emulated_program import EmulatedTarget

THERE = tp.device("emulated")
CPU = tp.device("cpu")
X = np.random.default_rng(3).normal(size=(6, 4))


def there(x):
    return tp.to_device(x, THERE)


def test_inputs_choose_the_device():
    f = tp.function(lambda x: (np.exp(x) * 2.0, np.sum(x)))
    expected = [t.numpy() for t in f(tp.constant(X))]
    for _ in range(5):  # entries of machine code for the CPU are made meanwhile
        for device in (CPU, THERE):
            found = f(tp.to_device(X, device))
            assert {t.device for t in found} == {device}
            assert_same_bits([t.numpy() for t in found], expected)
        assert_same_bits(f(X), expected)
    assert f.recordings == 2  # of Tensors, and of arrays: a recording serves all devices


def test_recordings_know_where_they_will_run():
    seen = []

    @tp.function
    def f(x):
        y = x * 2.0
        seen.extend([x.device, y.device])
        return tp.to_device(y, "cpu") + y.cpu()

    assert f(there(X)).device is THERE  # one program runs on one device
    assert f(tp.constant(X + 1.0)).device is CPU
    assert seen == [THERE, THERE]


def test_threads():
    f = tp.function(lambda x: np.exp(x) + 1.0)
    expected = f(X)
    failed = []

    def work(device):
        with device:
            for _ in range(20):
                found = f(tp.constant(X))
                if found.device is not device or found.numpy().tobytes() != expected.tobytes():
                    failed.append(device)

    threads = [threading.Thread(target=work, args=(device,)) for device in (CPU, THERE) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_nothing_is_copied_on_the_way():
    f, g = tp.function(lambda x: x * 2.0), tp.function(lambda x: x + 1.0)
    x = there(X)
    f(x), g(x)
    moved = []

    class Watched:
        def __init__(self, memory):
            self.memory = memory

        def __getattr__(self, name):
            moved.append(name)
            return getattr(self.memory, name)

    for function in (f, g):
        (specialisation,) = function._specialisations.values()
        backend = specialisation.current.program(THERE).backend
        backend.memory = Watched(backend.memory)
    x = g(f(x))
    assert moved
    assert not {"upload", "download", "copy"} & set(moved)
    assert_same_bits([x.numpy()], [X * 2.0 + 1.0])


def test_blocks_choose_the_device():
    f = tp.function(lambda x, scale: x * scale)
    for _ in range(4):
        assert type(f(X, 2.0)) is np.ndarray
        with THERE:
            assert type(f(X, 2.0)) is np.ndarray  # NumPy in, NumPy out
            assert f(tp.constant(X), 2.0).device is THERE
            with CPU:
                assert f(tp.constant(X), 2.0).device is CPU
        assert f(tp.constant(X), 2.0).device is CPU
    programs = [s.current._programs for s in f._specialisations.values()]
    assert all(set(found) == {None, THERE} for found in programs)


def test_the_option_chooses_the_device():
    f = tp.function(lambda x: x * 2.0, device="emulated")
    for _ in range(3):
        assert f(tp.constant(X)).device is THERE
        assert_same_bits([f(X)], [X * 2.0])
    g = tp.function(lambda x: x * 2.0, device="cpu")
    for _ in range(3):
        assert g(there(X)).device is CPU


def test_variables_choose_the_device():
    w = tp.Variable(X)
    f = tp.function(lambda i: w[i] * 2.0)
    i = tp.constant(1)
    for _ in range(4):
        assert f(i).device is CPU
    there(w)
    for _ in range(4):
        found = f(i)
        assert found.device is THERE
        assert_same_bits([found.numpy()], [X[1] * 2.0])
    tp.to_device(w, "cpu")
    assert f(i).device is CPU
    assert f.recordings == 1


def test_variables_are_assigned_where_they_lie():
    counts, weights = tp.Variable(0), there(tp.Variable(X))

    @tp.function
    def step(x):
        counts.assign_add(1)
        weights.assign(weights + x)
        return weights * 1.0

    for number in range(1, 5):
        found = step(there(X))
        assert (found.device, weights.device, counts.device) == (THERE, THERE, CPU)
        assert_same_bits([found.numpy(), weights.numpy()], [weights.numpy(), X * (number + 1.0)])
        assert counts.numpy() == number
    assert step.recordings == 1


def test_variables_come_home_from_a_call_that_fails():
    w = there(tp.Variable(X))

    @tp.function
    def f(x):
        w.assign(x)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        f(X)
    assert w.value().device is THERE


def test_captured_tensors():
    c = there(X)
    f = tp.function(lambda x: x + c)
    for _ in range(3):
        assert_same_bits([f(X)], [X + X])
        assert f(tp.constant(X)).device is THERE


def test_branches_of_python():
    @tp.function
    def f(x):
        return x * 2.0 if np.sum(x) > 0.0 else x - 1.0

    for sign in (1.0, -1.0, 1.0, -1.0):
        x = sign * np.ones(5)
        np.testing.assert_array_equal(f(there(x)).numpy(), x * 2.0 if sign > 0 else x - 1.0)
    assert f.recordings == 2


def test_errors_that_depend_on_values():
    f = tp.function(lambda x, i: x[i])
    for _ in range(3):
        assert_same_bits([f(there(X), there(np.array(2))).numpy()], [X[2]])
    with pytest.raises(IndexOutOfRangeError, match="test_device_functions"):
        f(there(X), there(np.array(6)))


def test_matrices_without_factors():
    f = tp.function(np.linalg.cholesky)
    for _ in range(2):
        assert f(there(np.eye(3))).device is THERE
    with pytest.raises(np.linalg.LinAlgError, match="test_device_functions"):
        f(there(-np.eye(3)))


def test_functions_that_leak():
    @tp.function
    def f(x):
        return x * float(x[0, 0])

    with pytest.warns(EagerFallbackWarning, match="float"):
        assert f(there(X)).device is THERE
    assert f(there(X)).device is THERE
    assert_same_bits([f(there(X)).numpy()], [X * X[0, 0]])


def test_training():
    ended = []
    for device in (CPU, THERE):
        with device:
            rng = np.random.default_rng(0)
            w, b = tp.Variable(rng.normal(size=(4, 3))), tp.Variable(np.zeros(3))
            optimizer = tp.optimizers.Adam(0.05)

        @tp.function
        def step(x, w=w, b=b, optimizer=optimizer):
            with tp.GradientTape() as tape:
                loss = np.mean(np.tanh(x @ w + b) ** 2)
            optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
            return loss

        losses = [step(tp.to_device(X, device)) for _ in range(5)]
        state = [w, b, optimizer.iterations, *[v for slots in optimizer.slots for v in slots.values()]]
        assert {v.device for v in [*losses, *state]} == {device}
        ended.append([v.numpy() for v in [*losses, *state]])
    assert_same_bits(ended[1], ended[0])


@pytest.mark.parametrize("compiled", [False, True])
def test_layers_are_made_where_their_input_lies(compiled):
    results = []
    for device in (CPU, THERE):
        tp.random.seed(7)
        model = tp.layers.Sequential([tp.layers.Dense(3, activation="tanh"), tp.layers.Dense(2)])
        run = tp.function(lambda x, model=model: model(x)) if compiled else model
        for _ in range(2):
            y = run(tp.to_device(X, device))
        assert {v.device for v in model.variables} == {y.device} == {device}
        results.append([y.numpy(), *[v.numpy() for v in model.variables]])
    assert_same_bits(results[1], results[0])


def test_derivatives():
    def loss(w, x):
        return np.sum(np.tanh(x @ w))

    w = X[:, :2].T @ X
    f = tp.value_and_grad(loss, argnums=(0, 1))
    _, expected = f(w.T, X)
    for _ in range(3):
        value, found = f(there(w.T), X)
        assert value.device is THERE
        assert_same_bits([g.numpy() for g in found], expected)


def test_memory_that_there_is_not():
    target = EmulatedTarget(memory_bytes=3_000)
    small = tp.Device("small", target)
    f = tp.function(lambda x: np.concatenate([x, x, x, x]) * 2.0)
    x = tp.to_device(np.ones(100), small)
    for _ in range(2):  # recorded, and run
        with pytest.raises(DeviceMemoryError, match=r"3,200 bytes asked for, [\d,]+ of 3,000 free"):
            f(x)
    assert target.emulated.used == x.nbytes
    assert (x * 2.0).numpy()[0] == 2.0
    assert f(x.cpu()).shape == (400,)


def test_nothing_of_it_is_imported_where_nobody_asks():
    code = (
        "import sys, numpy as np, tapec as tp\n"
        "w = tp.Variable(np.ones(3))\n"
        "with tp.GradientTape() as tape: y = np.sum(w * w)\n"
        "tape.gradient(y, w), tp.function(lambda x: x + 1.0)(w.value())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert not [n for n in names if ".cuda" in n or n in ("tapec.devices", "tapec.transfer")]
