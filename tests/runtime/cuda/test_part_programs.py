"""Parts of arrays on a device, read and written where they lie: NumPy's results, and one program for each shape."""

import numpy as np
import pytest
from cuda_programs import numbers
from random_graphs import assert_same_bits

import tapec as tp
from tapec.errors import AttributeValueError, DTypeError, IndexOutOfRangeError, ShapeError
from tapec.ops.movement import window
from tapec.runtime.cuda.emulated_program import EmulatedTarget
from tapec.runtime.cuda.part_programs import PartPrograms

WINDOWS = [  # shape, start, size, step
    ((5,), (1,), (3,), (1,)),
    ((1025,), (1024,), (1025,), (-1,)),
    ((33, 31), (7, 0), (1, 31), (1, 1)),
    ((33, 31), (0, 30), (33, 1), (1, 1)),
    ((33, 64), (32, 3), (11, 20), (-3, 3)),
    ((4, 5, 6), (1, 0, 2), (3, 5, 1), (1, 1, 1)),
    ((4, 5), (0, 0), (4, 0), (1, 1)),
    ((0, 3), (0, 0), (0, 3), (1, 1)),
    ((), (), (), ()),
]


@pytest.fixture
def parts():
    return PartPrograms(EmulatedTarget())


def there(parts, array):
    return parts._target.memory.put(array)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "?"])
@pytest.mark.parametrize(("shape", "start", "size", "step"), WINDOWS)
def test_windows(parts, shape, start, size, step, dtype):
    x, new = numbers(*shape, dtype=dtype), numbers(*size, dtype=dtype, seed=1)
    array, where = there(parts, x), window(start, size, step)
    assert_same_bits([parts.read(array, start=start, size=size, step=step).host()], [x[where]])
    for source in (new, there(parts, new)):
        parts.write(array, source, start=start, step=step)
        x[where] = new
        assert_same_bits([array.host()], [x])


def test_a_window_outside_is_refused(parts):
    array = there(parts, numbers(4, 5))
    with pytest.raises(AttributeValueError, match="leaves an axis of size 5"):
        parts.read(array, start=(0, 3), size=(4, 3), step=(1, 1))
    with pytest.raises(AttributeValueError, match="leaves an axis of size 4"):
        parts.write(array, numbers(1, 5), start=(4, 0), step=(1, 1))
    with pytest.raises(DTypeError):
        parts.write(array, numbers(1, 5, dtype="f8"), start=(0, 0), step=(1, 1))


@pytest.mark.parametrize(("shape", "axis"), [((33,), 0), ((1025, 2), 0), ((3, 33), 1), ((2, 31, 5), 1), ((0, 4), 0)])
@pytest.mark.parametrize("count", [0, 1, 31])
def test_puts(parts, shape, axis, count):
    x = numbers(*shape)
    count = min(count, shape[axis])
    where = np.random.default_rng(0).permutation(shape[axis])[:count] - shape[axis] // 2
    new = numbers(*shape[:axis], count, *shape[axis + 1 :], seed=1)
    array = there(parts, x)
    assert parts.put(array, where, there(parts, new), axis=axis)
    x[(slice(None),) * axis + (where,)] = new
    assert_same_bits([array.host()], [x])


@pytest.mark.parametrize("shape", [(33, 2), (33, 0), (0, 2)])
def test_an_index_out_of_range_writes_nothing(parts, shape):
    x = numbers(*shape)
    array = there(parts, x)
    assert not parts.put(array, np.array([0, 33]), numbers(2, *shape[1:], seed=1), axis=0)
    assert_same_bits([array.host()], [x])
    with pytest.raises(ShapeError):
        parts.put(array, np.array([0, 1]), numbers(3, 9), axis=0)


def written(place):
    """Writes to an array in every way, and what comes of it."""
    with place, tp.GradientTape() as tape:
        v = tp.Variable(np.linspace(1.0, 2.0, 24).reshape(6, 4))
        a = np.zeros_like(v)
        for i in range(6):
            a[i] = v[5 - i] * 2.0
            a[i, i % 4] = -1.0
        a[::2, 1:3] *= a[1::2, 1:3]
        a[[5, 0], 3] = v[0, :2]
        a[tp.constant([1, 3])] = v[:2] + 1.0
        a[a > 3.5] = 0.5
        y = np.sum(a**3)
    return [y.numpy(), a.numpy(), tape.gradient(y, v).numpy()]


def test_writes_to_an_array():
    assert_same_bits(written(tp.device("emulated")), written(tp.device("cpu")))


def test_one_program_serves_all_rows(monkeypatch):
    device = tp.Device("emulated", target := EmulatedTarget())
    made, program = [], EmulatedTarget.backend
    monkeypatch.setattr(EmulatedTarget, "backend", lambda self, plan: made.append(plan) or program(self, plan))
    with device:
        a = tp.asarray(np.zeros((20, 3)))
        place = a.__tapec_tensor__()._array.address
        used = target.emulated.used
        for i in range(20):
            a[i] = a[i - 1] + 1.0
    assert len(made) == 3  # reading a row, adding, writing a row
    assert a.__tapec_tensor__()._array.address == place
    assert target.emulated.used <= used + 3 * 24
    assert a.numpy()[-1].tolist() == [20.0] * 3


def test_what_others_hold_is_not_written_to():
    with tp.device("emulated"):
        a = tp.asarray(np.zeros(3))
        held = a.__tapec_tensor__()
        shared = held.reshape(3, 1)
        a[0] = 1.0
        assert (held.tolist(), shared.tolist(), a.tolist()) == ([0.0] * 3, [[0.0]] * 3, [1.0, 0.0, 0.0])
        del held
        view = np.from_dlpack(a.__tapec_tensor__())
        a[1] = 2.0
        assert view.tolist() == [1.0, 0.0, 0.0]
        with pytest.raises(IndexOutOfRangeError, match=r"test_part_programs\.py"):
            a[tp.constant([1, 3])] = 7.0
        assert a.tolist() == [1.0, 2.0, 0.0]
