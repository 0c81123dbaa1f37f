"""`tp.Array`: what makes one, reading, writing, views, versions, memory, and what is refused."""

import gc
import weakref

import numpy as np
import pytest

import tapec as tp
from tapec import array_program, mutable_array
from tapec.errors import (
    CapturedArrayError,
    DTypeError,
    IndexOutOfRangeError,
    LeakedTensorError,
    ReadOnlyViewError,
    ShapeError,
    WatchedArrayError,
)
from tapec.ownership import taken_over

X = np.array([1.0, 2.0, 3.0, 4.0])


def lines_of(error, count):
    """The lines of this file that a message names."""
    import re

    found = re.findall(rf"{re.escape(__file__)}:(\d+)", str(error))
    assert len(set(found)) >= count, error
    return found


# What makes an Array -------------------------------------------------------------------------------------------------


def test_functions_that_give_fresh_memory_give_arrays():
    t = tp.constant(X)
    for made in (
        np.zeros_like(t), np.ones_like(t), np.empty_like(t), np.full_like(t, 2.0), np.copy(t), t.copy(),
        np.array(t, like=t), np.zeros(4, like=t), tp.asarray(X), tp.Array(t), tp.Variable(X).copy(),
    ):  # fmt: skip
        assert isinstance(made, tp.Array), made
        made[0] = 7.0
        assert made[0].item() == 7.0
    assert t.tolist() == X.tolist()


def test_other_functions_give_tensors():
    t, a = tp.constant(X), tp.asarray(X)
    for made in (t + 1.0, a + 1.0, np.sin(a), np.sum(a), a[[0, 1]], a[a > 2.0], a[0], np.asarray(t, like=t)):
        assert isinstance(made, tp.Tensor), made


def test_an_array_is_a_copy():
    for source in (X.copy(), tp.constant(X), tp.Variable(X), tp.asarray(X)):
        a = tp.Array(source)
        a[0] = 9.0
        assert np.asarray(source)[0] == 1.0
    a = tp.asarray(X)
    assert tp.asarray(a) is a
    assert tp.asarray(a, np.float32) is not a


def test_attributes():
    a = tp.asarray(np.arange(6.0).reshape(2, 3))
    assert (a.shape, a.dtype, a.ndim, a.size, len(a)) == ((2, 3), np.float64, 2, 6, 2)
    view = a.T[1:]
    assert (view.shape, view.dtype, view.ndim, view.size, len(view)) == ((2, 2), np.float64, 2, 4, 2)
    assert a.type == view.T.type or view.type.shape == (2, 2)
    assert "Array: shape=(2, 3)" in repr(a)
    assert "ArrayView: shape=(2, 2)" in repr(view)
    assert float(a[1, 2]) == int(a[1, 2]) == 5.0
    assert bool(a[1, 2])
    assert [0, 1, 2][tp.asarray(1)] == 1
    assert a[0].tolist() == [0.0, 1.0, 2.0]
    assert a[0, 1].item() == a.item(0, 1) == 1.0
    assert np.asarray(a).tolist() == a.tolist()


# Writing, with NumPy's keys and rules ---------------------------------------------------------------------------------

KEYS = [
    0, -1, slice(None), slice(1, 3), slice(None, None, -1), slice(3, 0, -2), ..., (..., 1), (slice(1), None), (None, 2),
    np.int64(2), [0, 2], np.array([[1, 0]]), (slice(None), [2, 0]), ([0, 1], [2, 2]), (1, slice(None, None, 2)), True,
    np.array([True, False, True]), ([2, 0], slice(1, 3)), (slice(0), 1),
    (slice(None), np.array([True, False, True, True])),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_key_writes_as_numpy_does(key):
    numpy = np.arange(12.0).reshape(3, 4)
    a = tp.asarray(numpy)
    new = 100.0 + np.arange(numpy[key].size).reshape(numpy[key].shape)
    numpy, before = numpy.copy(), a.__tapec_tensor__()
    numpy[key] = new
    a[key] = new
    assert a.numpy().tolist() == numpy.tolist()
    numpy[key] = -1.0
    a[key] = -1.0
    assert a.numpy().tolist() == numpy.tolist()
    assert before.numpy().tolist() == np.arange(12.0).reshape(3, 4).tolist()


def test_where_an_index_repeats_the_last_value_counts():
    numpy, a, v = np.zeros(3), tp.asarray(np.zeros(3)), tp.Variable([1.0, 2.0, 3.0])
    numpy[[0, 2, 0]] = v.numpy()
    with tp.GradientTape() as tape:
        a[[0, 2, 0]] = v
        y = np.sum(a * [1.0, 10.0, 100.0])
    assert a.tolist() == numpy.tolist() == [3.0, 0.0, 2.0]
    assert tape.gradient(y, v).tolist() == [0.0, 100.0, 1.0]


def test_values_broadcast_and_convert_as_in_numpy():
    numpy, a = np.zeros((2, 3), np.int32), tp.asarray(np.zeros((2, 3), np.int32))
    for array in (numpy, a):
        array[:] = [[1.7, 2.2, -3.9]]
        array[1] = np.ones((1, 1, 3)) * 5
        array[:, 0] = True
    assert a.tolist() == numpy.tolist()
    assert a.dtype == np.int32


def test_operators_in_place():
    numpy, a = np.arange(1.0, 7.0).reshape(2, 3), tp.asarray(np.arange(1.0, 7.0).reshape(2, 3))
    same = a
    for array in (numpy, a):
        array += 1.0
        array -= np.ones(3)
        array *= 2
        array /= 4.0
        array **= 2
        array[0] += 10.0
        array[:, 1] *= -1.0
        array[array > 5.0] = 0.5
        array[1][2] = 3.0
        array %= 2.0
        array //= 0.5
    assert same is a
    np.testing.assert_array_equal(a.numpy(), numpy)
    ints, b = np.array([6, 5]), tp.asarray(np.array([6, 5]))
    for array in (ints, b):
        array |= 8
        array &= 13
        array ^= 1
        array <<= 2
        array >>= 1
    assert b.tolist() == ints.tolist()
    m, c = np.eye(2), tp.asarray(np.eye(2))
    m @= np.ones((2, 2))
    c @= np.ones((2, 2))
    assert c.tolist() == m.tolist()
    c.fill(4.0)
    assert c.tolist() == [[4.0, 4.0], [4.0, 4.0]]


def test_in_place_keeps_dtype_and_shape():
    a = tp.asarray(np.array([1, 2]))
    with pytest.raises(DTypeError, match="int64 can't take float64 in place"):
        a += 0.5
    with pytest.raises(ShapeError, match=r"\(2,\) can't take shape \(2, 2\)"):
        a += np.ones((2, 2), np.int64)
    with pytest.raises(ShapeError, match=r"shape \(3,\) into a part of shape \(2,\)"):
        a[:] = [1, 2, 3]
    with pytest.raises(IndexOutOfRangeError, match="index 2 is out of bounds for axis 0 with size 2"):
        a[2] = 1
    with pytest.raises(IndexOutOfRangeError, match="too many indices"):
        a[0, 0] = 1
    with pytest.raises(IndexOutOfRangeError):
        a[[5]] = 1
    with pytest.raises(TypeError):
        a += "text"
    assert a.tolist() == [1, 2]


# Views ---------------------------------------------------------------------------------------------------------------

VIEWS = [
    lambda a: a[1:],
    lambda a: a[0],
    lambda a: a[:, ::-2],
    lambda a: a.T,
    lambda a: a.reshape(4, 3),
    lambda a: a.ravel(),
    lambda a: a.T[1:].T[1:],
    lambda a: np.swapaxes(a, 0, 1)[2],
    lambda a: np.moveaxis(a, 0, 1),
    lambda a: np.expand_dims(a, 1)[:, 0],
    lambda a: np.flip(a),
    lambda a: np.split(a, 2, axis=1)[1],
    lambda a: a[None].squeeze(),
    lambda a: a.transpose(1, 0).swapaxes(0, 1),
    lambda a: a[1:][0][1:3],
    lambda a: a.mT,
]


@pytest.mark.parametrize("view_of", VIEWS)
def test_views_see_writes_and_write_through(view_of):
    numpy, a = np.arange(12.0).reshape(3, 4), tp.asarray(np.arange(12.0).reshape(3, 4))
    views = [view_of(numpy), view_of(a)]
    for array, view in zip((numpy, a), views, strict=True):
        array[1] += 100.0
        view[...] = view * 2.0
        view[-1] += 7.0
        array[0, 0] = -5.0
    assert np.asarray(views[1]).tolist() == views[0].tolist()
    assert a.numpy().tolist() == numpy.tolist()


def test_views_in_loops():
    numpy, a = np.zeros((3, 2)), tp.asarray(np.zeros((3, 2)))
    for array in (numpy, a):
        for i, row in enumerate(array):
            row[:] = [i, -i]
            row += 1.0
    assert a.tolist() == numpy.tolist()


def test_overlapping_parts():
    numpy, a = np.arange(6.0), tp.asarray(np.arange(6.0))
    for array in (numpy, a):
        array[1:] = array[:-1]
        array[::2], array[1::2] = array[1::2].copy(), array[::2].copy()
    assert a.tolist() == numpy.tolist()


def test_read_only_views():
    a = tp.asarray(np.arange(4.0).reshape(2, 2))
    diagonal = np.diagonal(a)
    a[0, 0] = 9.0
    assert np.asarray(diagonal).tolist() == [9.0, 3.0]
    with pytest.raises(ReadOnlyViewError, match="read-only"):
        diagonal[0] = 1.0
    with pytest.raises(ReadOnlyViewError):
        np.broadcast_to(a, (3, 2, 2))[0] = 1.0


def test_a_copy_is_no_view():
    a = tp.asarray(X)
    b, c, d = a.copy(), np.copy(a), a[[0, 1, 2, 3]]
    a[0] = 9.0
    assert [np.asarray(t)[0] for t in (b, c, d)] == [1.0, 1.0, 1.0]


# Versions and memory -------------------------------------------------------------------------------------------------


def test_a_value_taken_before_a_write_stays():
    a = tp.asarray(X)
    before, half, array = a + 0.0, a * 0.5, a.numpy()
    version = a.__tapec_tensor__()
    a[:] = 0.0
    assert before.tolist() == version.tolist() == array.tolist() == X.tolist()
    assert half.tolist() == (X / 2).tolist()


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


# Derivatives of any kind ----------------------------------------------------------------------------------------------


def recurrence(x):
    out = np.zeros_like(x)
    out[0] = x[0]
    for i in range(1, 4):
        out[i] = np.sin(out[i - 1]) * x[i]
    out[1:3] *= out[:2]
    return np.sum(out * out)


def test_eager_compiled_and_central_differences_agree():
    tp.testing.check_grads(recurrence, [X], order=2)
    value, gradient = tp.value_and_grad(recurrence)(X)
    v = tp.Variable(X)
    with tp.GradientTape() as tape:
        y = recurrence(v)
    assert y.item() == value
    assert tape.gradient(y, v).numpy().tobytes() == gradient.tobytes()


def test_results_of_compiled_functions():
    @tp.function
    def program(x):
        a = np.zeros_like(x)
        a[1:] = x[:-1]
        return {"array": a, "view": a[1:], "sum": np.sum(a)}

    for _ in range(2):
        found = program(X)
        assert type(found["array"]) is np.ndarray
        assert found["array"].tolist() == [0.0, 1.0, 2.0, 3.0]
        assert found["view"].tolist() == [1.0, 2.0, 3.0]
        assert found["sum"] == 6.0


def test_an_array_as_an_argument_is_read():
    a = tp.asarray(X)
    program = tp.function(lambda x: x * 2.0)
    for factor in (1.0, 3.0):
        a[0] = factor
        assert program(a).tolist() == [2.0 * factor, 4.0, 6.0, 8.0]


def test_examples_in_vmap():
    def program(x):
        a = np.zeros_like(x)
        a[::2] = x[1::2]
        a[[1, 3]] = x[:2] * 3.0
        return a

    rows = np.arange(12.0).reshape(3, 4)
    found = np.asarray(tp.vmap(program)(rows))
    expected = np.stack([np.asarray(program(tp.constant(row))) for row in rows])
    assert found.tolist() == expected.tolist()


def test_loops_as_ops():
    def step(carry, x):
        a = carry.copy()
        a[0] = a[1] * x
        a[1] += x
        return a, a[0]

    def total(xs):
        last, ys = tp.scan(step, np.array([1.0, 2.0]), xs)
        return np.sum(last) + np.sum(ys)

    tp.testing.check_grads(total, [X], order=1)
    tp.testing.check_grads(tp.function(total), [X], order=1)


def test_masks_of_tensors_are_not_looked_at():
    @tp.function(strict=True)
    def program(x):
        a = x.copy()
        a[x > 2.0] = 0.0
        return a

    assert program(X).tolist() == [1.0, 2.0, 0.0, 0.0]
    assert program(X[::-1].copy()).tolist() == [0.0, 0.0, 2.0, 1.0]
    assert program.recordings == 1


def test_masks_that_are_tensors_leave_a_compiled_function():
    @tp.function(strict=True)
    def program(x, where):
        a = np.zeros_like(x)
        a[where] = x[:2]
        return a

    with pytest.raises(LeakedTensorError, match="a mask of an assignment"):
        program(X, np.array([True, False, True, False]))


# What is refused, with both lines ------------------------------------------------------------------------------------


def test_writing_inside_a_compiled_function_to_an_array_from_outside():
    a = tp.asarray(X)

    @tp.function
    def program(x):
        a[0] = x[0]
        return np.sum(a)

    with pytest.raises(CapturedArrayError, match=r"writes to an Array from outside, made at .*tp.Variable") as caught:
        program(X)
    lines_of(caught.value, 2)


def test_writing_to_an_array_that_a_compiled_function_has_read():
    a = tp.asarray(X)
    program = tp.function(lambda x: np.sum(a * x))
    assert program(X) == 30.0
    with pytest.raises(CapturedArrayError, match="read by a compiled function at") as caught:
        a[0] = 5.0
    lines_of(caught.value, 2)
    with pytest.raises(CapturedArrayError):
        a += 1.0
    assert program(X) == 30.0


BODIES = [
    lambda body: lambda rows: tp.vmap(body)(rows),
    lambda body: lambda rows: tp.scan(lambda carry, row: (carry, body(row)), 0.0, rows),
]


@pytest.mark.parametrize("transform", BODIES, ids=["vmap", "scan"])
def test_writing_inside_a_body_to_an_array_from_outside(transform):
    a = tp.asarray(np.zeros(2))

    def body(row):
        a[0] = row[0]
        return a[0]

    with pytest.raises(CapturedArrayError, match="made at"):
        tp.function(transform(body))(np.ones((3, 2)))


def test_writing_to_a_watched_array():
    a = tp.asarray(X)
    with tp.GradientTape() as tape:
        tape.watch({"a": [a]})
        y = np.sum(a * a)
        with pytest.raises(WatchedArrayError, match=r"watched by a tape since .*copy") as caught:
            a[0] = 5.0
        lines_of(caught.value, 2)
        with pytest.raises(WatchedArrayError):
            a *= 2.0
        with pytest.raises(WatchedArrayError):
            a[1:][0] = 2.0
    assert tape.gradient(y, a).tolist() == (2 * X).tolist()
    a[0] = 5.0  # the tape has been asked, and needs it no more
    assert a[0].item() == 5.0


def test_a_view_cannot_be_watched():
    a = tp.asarray(X)
    with tp.GradientTape() as tape, pytest.raises(TypeError, match="view of an Array"):
        tape.watch(a[1:])


def test_tensors_say_how_to_write():
    t = tp.constant(X)
    with pytest.raises(TypeError, match=r"t\.copy\(\)"):
        t[0] = 1.0


def test_storing_a_tensor_in_a_numpy_array_is_pointed_to():
    v, plain = tp.Variable(2.0), np.zeros(2)
    with tp.GradientTape() as tape:
        plain[0] = v * v
        y = np.sum(tp.constant(plain))
    with pytest.warns(tp.errors.DisconnectedGradientWarning, match="left for plain Python"):
        assert tape.gradient(y, v) is None
