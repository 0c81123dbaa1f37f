"""Tensors and Variables on a device, op by op: the emulation stands in for a GPU, and gives the CPU's bits."""

import copy
import gc
import pickle
import threading

import numpy as np
import pytest
from device_cases import SQUARE, X, Y, functions, leaves
from random_graphs import assert_same_bits

import tapec as tp
from tapec.errors import DeviceMemoryError, DeviceMismatchError, IndexOutOfRangeError, ShapeError
from tapec.runtime.cuda.emulated_program import EmulatedTarget
from tapec.runtime.device_array import DeviceArray

THERE = tp.device("emulated")
CPU = tp.device("cpu")


def there(x):
    return tp.to_device(x, THERE)


def test_where_tensors_lie():
    x = there(X)
    assert x.device is THERE
    assert type(x._array) is DeviceArray
    assert (x.shape, x.dtype, x.ndim, x.size, x.itemsize, x.nbytes) == ((5, 7), X.dtype, 2, 35, 8, 280)
    assert (x * 2.0 + X).device is THERE  # numbers and arrays of the host come along
    assert (tp.constant(X) - x).device is THERE
    assert tp.constant(X).device is CPU
    assert x.cpu().device is CPU
    assert x.cpu().cpu() is not x
    assert there(x) is x
    assert "device=emulated, numpy=array([1., 2.])" in repr(there(np.array([1.0, 2.0])))


def test_values():
    x = there(X)
    for found in (x.numpy(), np.asarray(x), x.cpu().numpy(), np.array(x.tolist())):
        assert_same_bits([found], [X])
    assert np.asarray(x, np.float32).dtype == np.float32
    one = there(np.array(3))
    assert (int(one), float(one), bool(one), one.item(), [5, 6, 7, 8][one]) == (3, 3.0, True, 3, 8)
    assert copy.deepcopy(x) is x
    assert pickle.loads(pickle.dumps(x)).device is CPU  # whoever loads it need not have the device


def test_blocks():
    with tp.device("emulated") as device:
        assert device is THERE
        made = [tp.constant([1.0]), tp.Variable([1.0]), tp.random.normal(3), tp.constant([1.0]) + 1.0, tp.nn.relu(X)]
        assert {t.device for t in made} == {THERE}
        with CPU:
            assert tp.constant(1.0).device is CPU
        seen = []
        thread = threading.Thread(target=lambda: seen.append(tp.constant(1.0).device))
        thread.start()
        thread.join()
        assert seen == [CPU]  # a block counts in its own thread
        with pytest.raises(ZeroDivisionError), tp.device("emulated"):
            raise ZeroDivisionError
        assert tp.constant(1.0).device is THERE
    assert tp.constant(1.0).device is CPU


def test_like_lies_beside():
    x = there(X)
    for function in (np.zeros_like, np.ones_like, np.copy, lambda t: np.full_like(t, 2.0)):
        assert function(x).device is THERE


def test_trees():
    class Line(tp.Module):
        def __init__(self):
            super().__init__()
            self.slope = tp.Variable(2.0)

    line, v = Line(), tp.Variable([1.0])
    tree = tp.to_device({"a": [X, 3, "b"], "line": line, "v": v, "c": tp.constant(1.0)}, "emulated")
    assert tree["a"][0].device is THERE
    assert tree["a"][1:] == [3, "b"]
    assert tree["line"] is line
    assert tree["v"] is v
    assert {line.slope.device, v.device, tree["c"].device} == {THERE}
    assert tp.to_device(v, "cpu").device is CPU
    assert v.numpy() == 1.0


def test_two_devices():
    other = tp.Device("other", EmulatedTarget())
    x, y = there(X), tp.to_device(X, other)
    with pytest.raises(DeviceMismatchError, match=r"tp.device\('emulated'\) and on tp.device\('other'\).*\.cpu\(\)"):
        x + y
    with pytest.raises(DeviceMismatchError, match="test_device_tensors"):
        x + y
    assert (x + tp.to_device(y, THERE)).device is THERE
    f = tp.function(lambda a, b: a + b)
    with pytest.raises(DeviceMismatchError, match="meet"):
        f(x, y)
    with pytest.raises(DeviceMismatchError, match=r"a function for tp.device\('other'\) got an array on"):
        tp.function(lambda a: a + 1.0, device=other)(x)


def test_errors():
    x = there(X)
    with pytest.raises(ShapeError, match="test_device_tensors"):
        x @ x
    with pytest.raises(IndexOutOfRangeError, match="test_device_tensors"):
        np.take(x, there(np.array([9])), axis=0)


@pytest.mark.parametrize("name", functions())
def test_bits(name):
    function = functions()[name]
    expected = leaves(function(tp.constant(X)))
    found = leaves(function(there(X)))
    assert {t.device for t in found} == {THERE}
    assert_same_bits([t.numpy() for t in found], [t.numpy() for t in expected])


def test_several_results():
    q, r = np.linalg.qr(there(SQUARE))
    assert q.device is r.device is THERE
    assert_same_bits([q.numpy()], [np.linalg.qr(tp.constant(SQUARE))[0].numpy()])


def test_random_numbers():
    drawn = []
    for device in (CPU, THERE):
        with device:
            drawn.append(tp.random.normal((3, 5), generator=tp.random.Generator(3)).numpy())
    assert_same_bits([drawn[1]], [drawn[0]])


def test_the_default_generator_stays_on_the_cpu():
    with THERE:
        tp.random.normal(3)
    assert tp.random.normal(3).device is CPU


def gradients(device):
    x, w = tp.to_device(X, device), tp.to_device(tp.Variable(Y.astype(float)), device)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        h = tp.nn.relu(x @ w)
        loss = np.sum(np.exp(-h) * h) + np.sum(np.cumsum(x, 1)[:, ::2])
    return [*tape.gradient(loss, [x, w]), tape.jacobian(h, w)]


def test_gradients():
    for _ in range(3):
        expected, found = gradients(CPU), gradients(THERE)
        assert {g.device for g in found} == {THERE}
        assert_same_bits([g.numpy() for g in found], [g.numpy() for g in expected])


def test_what_a_tape_keeps():
    tables = []
    for device in (CPU, THERE):
        x = tp.to_device(tp.Variable(X), device)
        with tp.GradientTape() as tape:
            y = np.sum(np.tanh(x).reshape(-1) * np.exp(x.reshape(-1)))
        assert y.device is device
        tables.append([(row.op, row.bytes, row.why) for row in tape.saved()])
    assert tables[0] == tables[1]


def test_derivatives_flow_between_devices():
    x = tp.Variable(X)
    with tp.GradientTape() as tape:
        y = np.sum(there(x * 2.0).cpu() ** 2)
    assert y.device is CPU
    assert_same_bits([tape.gradient(y, x).numpy()], [8.0 * X])


def test_second_derivatives():
    x = there(np.array([1.0, 2.0]))
    with tp.GradientTape() as outer:
        outer.watch(x)
        with tp.GradientTape() as inner:
            inner.watch(x)
            y = np.sum(x**3)
        g = inner.gradient(y, x)
    h = outer.gradient(g, x)
    assert g.device is h.device is THERE
    np.testing.assert_array_equal(h.numpy(), [6.0, 12.0])


def test_forward_mode():
    x = there(np.array([1.0, 2.0]))
    with tp.ForwardAccumulator(x, tp.constant([1.0, 0.0])) as acc:
        y = np.sin(x)
    assert acc.jvp(y).device is THERE
    assert_same_bits([acc.jvp(y).numpy()], [np.array([np.cos(1.0), 0.0])])


def test_rules_of_users():
    @tp.custom_gradient
    def square(x):
        return x * x, lambda ct: ct * 3.0

    x = there(np.array([1.0, 2.0]))
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = square(x)
    g = tape.gradient(y, x)
    assert g.device is THERE
    assert g.tolist() == [3.0, 3.0]


def test_variables_stay_where_they_are():
    v = there(tp.Variable([1.0, 2.0]))
    w = tp.Variable([1.0, 2.0])
    for variable, home in ((v, THERE), (w, CPU)):
        for value in ([3.0, 4.0], there(np.array([3.0, 4.0])), np.array([3.0, 4.0])):
            assert variable.assign(value).device is home
            assert variable.assign_add(value).device is home
            assert variable.value().tolist() == [6.0, 8.0]
        with THERE:
            assert variable.assign_sub([1.0, 1.0]).device is home
        assert variable.numpy().tolist() == [5.0, 7.0]
    assert tp.Variable(v, dtype=np.float32).device is THERE
    assert pickle.loads(pickle.dumps(v)).numpy().tolist() == [5.0, 7.0]


@pytest.mark.parametrize("make", [tp.optimizers.Adam, lambda: tp.optimizers.SGD(0.1, momentum=0.9)])
def test_optimizers(make):
    ended = []
    for device in (CPU, THERE):
        w, optimizer = tp.to_device(tp.Variable(X), device), make()
        for _ in range(3):
            with tp.GradientTape() as tape:
                loss = np.sum(np.tanh(w) ** 2)
            optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        assert {slot.device for slots in optimizer.slots for slot in slots.values()} == {device}
        assert w.device is device
        ended.append(w.numpy())
    assert_same_bits([ended[1]], [ended[0]])


def test_arrays_that_are_written_to():
    results = []
    for device in (CPU, THERE):
        x = tp.to_device(X, device)
        with tp.GradientTape() as tape:
            tape.watch(x)
            a = np.zeros_like(x)
            a[1:3] = x[2:4] * 2.0
            a[0, 1] += 1.0
            a[x > 1.0] = 0.0
            y = np.sum(a * a)
        assert a.device is device
        results.append([a.numpy(), tape.gradient(y, x).numpy()])
    assert_same_bits(results[1], results[0])


def test_saving(tmp_path):
    v = there(tp.Variable(X))
    tp.save({"v": v}, tmp_path / "v")
    v.assign(X * 0.0)
    tp.load({"v": v}, tmp_path / "v")
    assert v.device is THERE
    assert_same_bits([v.numpy()], [X])


def test_memory_that_there_is_not():
    target = EmulatedTarget(memory_bytes=10_000)
    small = tp.Device("small", target)
    x = tp.to_device(np.zeros(500), small)
    with pytest.raises(DeviceMemoryError, match=r"8,000 bytes asked for, 6,000 of 10,000 free"):
        tp.to_device(np.zeros(1000), small)
    with pytest.raises(DeviceMemoryError, match="bytes asked for"):
        np.concatenate([x, x])
    assert (x + 1.0).numpy()[0] == 1.0  # everything is as it was
    del x
    gc.collect()
    assert target.emulated.used == 8  # the number 1.0
