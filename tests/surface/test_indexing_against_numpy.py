# ruff: noqa: E501  (a table of keys)
"""`t[key]` gives what NumPy gives, for all kinds of keys."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from noting_recorder import Noting

import tapec.surface  # noqa: F401  (fills the tables)
from tapec.constants import constant
from tapec.errors import IndexOutOfRangeError, TapecError
from tapec.recording import ACTIVE

SHAPE = (3, 4, 2, 3)
X = np.arange(72.0).reshape(SHAPE)


@pytest.fixture
def noting():
    recorder = Noting()
    ACTIVE.recorders.append(recorder)
    yield recorder
    ACTIVE.recorders.remove(recorder)


def check(x, key):
    try:
        want = x[key]
    except IndexError:
        with pytest.raises(IndexError):
            constant(x)[key]
        return
    got = constant(x)[key]
    assert got.shape == np.shape(want)
    np.testing.assert_array_equal(got._array, want)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_basic_keys(data):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    check(np.arange(float(np.prod(shape))).reshape(shape), key)


@st.composite
def entries(draw, extent):
    """What a key may say of one axis; index arrays have shapes that broadcast, most of the time."""
    kind = draw(st.sampled_from(["slice", "integer", "array", "array", "scalar array", "none", "mask", "ellipsis"]))
    if kind == "slice":
        return (draw(st.slices(extent)),)
    if kind == "integer":
        return (draw(st.integers(-extent, extent - 1)),)
    if kind == "none":
        return (None, slice(None))
    if kind == "mask":
        return (draw(hnp.arrays(bool, (extent,))),)
    if kind == "scalar array":
        return (np.array(draw(st.integers(-extent, extent - 1))),)
    if kind == "ellipsis":
        return (..., slice(None))
    shape = draw(st.sampled_from([(), (1,), (2,), (3, 1), (1, 2), (0,)]))
    return (draw(hnp.arrays(np.int64, shape, elements=st.integers(-extent, extent - 1))),)


@settings(max_examples=600, deadline=None)
@given(st.data())
@example(None)
def test_mixed_keys(data):
    if data is None:
        for key in FIXED:
            check(X, key)
        return
    count = data.draw(st.integers(1, 4))
    key = sum((data.draw(entries(extent)) for extent in SHAPE[:count]), ())
    check(X, key)


A = np.array([0, 2, 1])
FIXED = [
    A, [0, 1], [], ([0, 1], [1, 3]), (0, slice(None), [0, 1]), ([0, 1], 0), ([0, 1], slice(None), 0), (slice(None), A, [0, 1, 1]),
    (None, A, None, [0, 1, 1]), (A, None, [0, 1, 1]), (..., A), (A, ..., A), (..., [0, 1], [0, 2]), X > 30, (X[..., 0, 0] > 30,),
    (X[..., 0, 0] > 30, 0), (slice(None), [True, False, True, True]), True, False, (True, 0), (0, False), (None, True),
    np.array(1), (np.array(1), np.array(2)), (np.array(1), slice(None), np.array(0)), (np.int8(1), np.uint8(2)), (A, True),
    (slice(None, None, -1), A[:, None], [[0, 1]]), (slice(2, 0, -1), ..., slice(None, None, -2)), (A, A, [0, 1, 0], A), (1, 1, 1, 1),
    (slice(5, 9), A), ([[7], [0]], []), ([[0, 1], [2, 0]],), (np.array([], int), np.array([], int)),
]  # fmt: skip


@pytest.mark.parametrize("key", [3, -4, (0, 0, 0, 0, 0), (..., ...), (0, 9), ([0, 3],), ([0, 1], [0, 1, 2]), 1.0, "a",
                                 np.zeros(4, bool), np.zeros((3, 3), bool), np.array([0.5]), (A, [0, 7, 0])])  # fmt: skip
def test_bad_keys_raise_index_errors_of_our_own(key):
    with pytest.raises(IndexError):
        X[key]
    with pytest.raises(IndexOutOfRangeError):
        constant(X)[key]


def test_an_error_names_the_users_line():
    with pytest.raises(TapecError, match=r"size 3\n  at .*test_indexing_against_numpy.py:\d+"):
        constant(X)[7]


def test_integer_tensors_as_indices_are_recorded_and_not_guarded(noting):
    x, i = constant(X), constant(np.array(2))
    assert x[i].tolist() == X[2].tolist()
    assert x[i, :, 1].shape == (4, 3)
    assert x[[i, 0]].tolist() == X[[2, 0]].tolist()
    assert x[constant(A), i].tolist() == X[A, 2].tolist()
    assert "take" in noting.ops
    assert noting.observed == []
    assert all("tolist" in leak for leak in noting.leaks)


def test_masks_depend_on_data_only_where_they_are_tensors(noting):
    x = constant(X)
    assert x[X > 30].shape == (41,)
    assert noting.leaks == []
    assert x[x > 30].shape == (41,)
    assert len(noting.leaks) == 1
    assert "boolean mask" in noting.leaks[0]


def test_an_index_out_of_range_in_a_tensor_raises():
    with pytest.raises(IndexOutOfRangeError, match="index 3 is out of bounds for an axis of size 3"):
        constant(X)[constant(np.array([0, 3]))]
    with pytest.raises(IndexOutOfRangeError, match="index -5 is out of bounds for an axis of size 4"):
        constant(X)[constant(A), constant(np.array(-5))]
