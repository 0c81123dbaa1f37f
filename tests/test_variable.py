"""`Variable`: values, assignment, reading as a tensor, and threads."""

import copy
import pickle
import threading

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError, ShapeError
from tapec.recording import Recorder, active
from tapec.tensor import Tensor, make


def test_names_are_tensorflows():
    assert tp.Variable(1.0, name="x0").name == "x0:0"
    assert tp.Variable(1.0).name == "Variable:0"


def test_attributes():
    v = tp.Variable([[1, 2, 3]], trainable=False)
    assert (v.shape, v.ndim, v.size, v.dtype, v.trainable) == ((1, 3), 2, 3, np.int64, False)
    assert tp.Variable([1, 2], dtype=np.float32).dtype == np.float32
    assert tp.Variable(np.array([1.0], ">f8")).dtype == np.dtype(float)
    assert repr(tp.Variable(2.0, name="w")) == "<tapec.Variable 'w:0' shape=() dtype=float64, numpy=array(2.)>"


@pytest.mark.parametrize("value", ["text", 1j, [object()], None])
def test_values_that_are_no_numbers(value):
    with pytest.raises(DTypeError):
        tp.Variable(value)


def test_complex_dtype_is_refused():
    with pytest.raises(DTypeError):
        tp.Variable(1.0, dtype=np.complex128)


def test_the_value_is_a_copy():
    array = np.array([1.0, 2.0])
    v = tp.Variable(array)
    array[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]
    v.assign(array)
    array[0] = 7.0
    assert v.numpy().tolist() == [9.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        v.numpy()[0] = 0.0


def test_assignments():
    v = tp.Variable([1.0, 2.0])
    assert v.assign([3.0, 4.0]) is v
    assert v.assign_add([1.0, 1.0]).numpy().tolist() == [4.0, 5.0]
    assert v.assign_sub(np.array([0.5, 0.5])).numpy().tolist() == [3.5, 4.5]
    assert v.assign_add(1).numpy().tolist() == [4.5, 5.5]
    assert v.assign(tp.constant([1.0, 1.0])).numpy().tolist() == [1.0, 1.0]
    assert v.assign(tp.Variable([2.0, 2.0])).numpy().tolist() == [2.0, 2.0]


def test_dtypes_of_assigned_values():
    v = tp.Variable(np.zeros(2, np.float32))
    v.assign(np.array([1.0, 2.0]))
    v.assign_add([1, 2])
    assert v.dtype == np.float32
    assert v.numpy().tolist() == [2.0, 4.0]
    n = tp.Variable([1, 2])
    with pytest.raises(DTypeError, match=r"assign takes int64, got float64"):
        n.assign([0.5, 1.5])
    with pytest.raises(DTypeError, match="assign_add takes int64"):
        n.assign_add(0.5)
    assert n.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("method", ["assign", "assign_add", "assign_sub"])
def test_wrong_shapes_name_both_and_the_line_and_change_nothing(method):
    v = tp.Variable([1.0, 2.0], name="w")
    before = v._tensor
    with pytest.raises(ShapeError, match=rf"w:0.{method}: .* \(2,\), .* \(3,\)\n  at {__file__}:\d+"):
        getattr(v, method)([1.0, 2.0, 3.0])
    assert v._tensor is before
    with pytest.raises(ShapeError, match=r"\(1, 2\)"):
        getattr(v, method)([[1.0, 2.0]])


def test_only_updates_broadcast():
    v = tp.Variable([1.0, 2.0])
    with pytest.raises(ShapeError):
        v.assign(1.0)
    with pytest.raises(ShapeError):
        tp.Variable(1.0).assign_add([1.0])


def test_computes_like_its_tensor():
    v = tp.Variable([[1.0, -2.0], [3.0, 4.0]])
    array = v.numpy().copy()
    assert isinstance(v + 1, Tensor)
    for found, expected in [
        (v + 1, array + 1),
        (1 - v, 1 - array),
        (v @ v, array @ array),
        (array @ v, array @ array),
        (-v, -array),
        (v > 0, array > 0),
        (np.sin(v), np.sin(array)),
        (np.concatenate([v, v]), np.concatenate([array, array])),
        (v.sum(axis=0), array.sum(axis=0)),
        (v.T, array.T),
        (v[0], array[0]),
    ]:
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-15)
    assert len(v) == 2
    assert [row.numpy().tolist() for row in v] == array.tolist()
    assert float(tp.Variable(2.5)) == 2.5
    assert int(tp.Variable(2)) == 2
    assert bool(tp.Variable(0.0)) is False
    assert [10, 20, 30][tp.Variable(1)] == 20
    assert tp.Variable([1.5]).item() == 1.5
    assert v.tolist() == array.tolist()
    np.testing.assert_array_equal(np.asarray(v), array)


def test_variables_are_keys_by_identity():
    v, w = tp.Variable(1.0), tp.Variable(1.0)
    assert {v: 1, w: 2}[v] == 1


class Listener(Recorder):
    def __init__(self):
        self.heard = []

    def record(self, primitive, operands, attributes, result):
        self.heard.append(primitive.name)

    def record_control(self, primitive, operands, attributes, regions, results):
        raise AssertionError

    def observe(self, tensor, expected):
        raise AssertionError

    def leak(self, tensor, how, loses=True):
        raise AssertionError

    def capture(self, tensor, array):
        pass

    def read_variable(self, variable, tensor):
        self.heard.append(("read", variable, tensor))

    def assign_variable(self, variable, tensor):
        self.heard.append(("assign", variable, tensor))


def test_recorders_hear_of_reads_and_assignments():
    v = tp.Variable(1.0)
    listener = Listener()
    with active(listener):
        first = v.value()
        assert v.value() is first
        assert (v.shape, v.dtype, v.name) == ((), np.float64, "Variable:0")  # no reads
        v.assign_add(2.0)
        second = v.value()
    assert listener.heard == [
        ("read", v, first),
        ("read", v, first),
        ("read", v, first),
        "add",
        "stop_gradient",
        ("assign", v, second),
        ("read", v, second),
    ]


def test_an_assigned_tensor_and_the_variables_value_are_two():
    t, v = make(np.array(2.0)), tp.Variable(0.0)
    with active(Listener()):
        v.assign(t)
        assert v.value() is not t


def test_a_value_read_while_nobody_records_is_a_tensor_of_its_own():
    v = tp.Variable(3.0)
    before = v.value()
    with tp.GradientTape(persistent=True) as tape:
        y, z = before * v, before * before
    assert tape.gradient(y, v).numpy() == 3.0
    assert tape.gradient(z, v) is None


def test_copies_and_pickles_are_variables_of_their_own():
    v = tp.Variable([1.0, 2.0], trainable=False, name="w")
    for other in (copy.copy(v), copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (other.name, other.trainable) == ("w:0", False)
        other.assign_add(1.0)
        assert other.numpy().tolist() == [2.0, 3.0]
    assert v.numpy().tolist() == [1.0, 2.0]


def test_no_update_is_lost_between_threads():
    v = tp.Variable(np.zeros(3))
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(200):
            v.assign_add([1.0, 2.0, 3.0])
            v.assign_sub([0.0, 1.0, 1.0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert v.numpy().tolist() == [1600.0, 1600.0, 3200.0]
