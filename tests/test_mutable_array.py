"""`tp.Array`: what makes one, reading, writing, and views."""

from contextlib import nullcontext

import numpy as np
import pytest

import tapec as tp
from tapec.errors import (
    DTypeError,
    IndexOutOfRangeError,
    ReadOnlyViewError,
    ShapeError,
)

X = np.array([1.0, 2.0, 3.0, 4.0])

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
    assert (str(a.type), str(view.type), str(a.T.type)) == ("tensor<2x3xf64>", "tensor<2x2xf64>", "tensor<3x2xf64>")
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


def test_a_view_takes_the_elements_of_another_one():
    """Which is more than handing back the view that `+=` has written through."""
    numpy, a = np.arange(12.0).reshape(3, 4), tp.asarray(np.arange(12.0).reshape(3, 4))
    for array in (numpy, a):
        view = array.T
        view[0] = view[1]
        view[1:3] = array.T[2:]
        view[3] += 1.0
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


@pytest.mark.parametrize("taped", [False, True])
def test_an_index_out_of_range_leaves_the_array_as_it_was(taped):
    """Nothing is written, and no tape has heard of the write."""
    v = tp.Variable(X)
    with tp.GradientTape() if taped else nullcontext() as tape:
        a = v * 2.0
        a = tp.asarray(a)
        for key in (tp.constant(7), tp.constant([0, 7]), tp.constant(-9)):
            with pytest.raises(IndexOutOfRangeError, match=r"out of bounds[\s\S]*test_mutable_array\.py"):
                a[key] = 5.0
        assert a.tolist() == (2.0 * X).tolist()
        a[tp.constant(1)] = 3.0
        y = np.sum(a * a)
    expected = 8.0 * X
    expected[1] = 0.0
    if taped:
        np.testing.assert_array_equal(tape.gradient(y, v).numpy(), expected)
