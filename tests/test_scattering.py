# ruff: noqa: E501  (tables of cases)
"""`tp.add_at`, `tp.segment_sum` and `np.bincount` against NumPy's functions in place; derivatives; errors, compiled too."""

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError, IndexOutOfRangeError, ShapeError, UnsupportedFunctionError
from tapec.testing import check_grads

R = np.random.default_rng(2)
X = R.normal(size=(3, 4))
MASK = X > 0.2
KEYS = [
    0, -1, (1, 2), slice(None, None, 2), (slice(None), -1), [0, 0, 2], np.array([[0, 1], [1, 1]]), np.array([1, 2, 1], np.uint8), np.array(-3), ([0, 0, 2], [1, 1, -4]), MASK,
    (Ellipsis, [3, 3]), (np.array([True, False, True]), 0), None, (slice(0, 0),), np.zeros(0, int),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_any_key_as_numpy_in_place(key):
    values = R.normal(size=np.shape(X[key]))
    want = X.copy()
    np.add.at(want, key, values)
    np.testing.assert_allclose(tp.add_at(X, key, values).numpy(), want, rtol=1e-14)
    check_grads(lambda x, v: tp.add_at(x, key, v) ** 2, [X, values], rtol=1e-5)


def test_values_broadcast_and_dtypes_meet():
    assert tp.add_at(np.zeros((2, 2)), [0, 0], 1.5).tolist() == [[3.0, 3.0], [0.0, 0.0]]
    assert tp.add_at(np.zeros(2, int), 1, 2).dtype == np.int64
    assert tp.add_at(np.zeros(2, np.float32), 1, 2.0).dtype == np.float32
    assert tp.add_at(np.zeros(2, np.float32), 1, np.ones(())).dtype == np.float64


def test_segments_in_any_order():
    ids = np.array([2, 0, 2])
    found = tp.segment_sum(X, ids, 4)
    np.testing.assert_allclose(found.numpy(), [X[1], np.zeros(4), X[0] + X[2], np.zeros(4)])
    check_grads(lambda x: tp.segment_sum(x, ids, 4) ** 2, [X], rtol=1e-5)
    assert tp.segment_sum(np.zeros((0, 2)), np.zeros(0, int), 0).shape == (0, 2)


def test_vmap_over_rows_and_over_ids():
    ids = np.array([[0, 1, 0], [1, 1, 1]])
    data = R.normal(size=(2, 3))
    found = tp.vmap(lambda d, i: tp.segment_sum(d, i, 2))(data, ids)
    np.testing.assert_allclose(found, [np.bincount(i, d, 2) for d, i in zip(data, ids, strict=True)])


def test_bincount_guards_the_number_of_bins():
    compiled = tp.function(lambda i, w: np.bincount(i, w, minlength=2))
    for ids in ([0, 1, 1], [1, 1, 0], [4, 0, 4], [0, 0, 0], [4, 4, 4]):
        i, w = np.array(ids), np.array([0.5, 1.0, 2.0])
        np.testing.assert_array_equal(compiled(i, w), np.bincount(i, w, minlength=2))
    check_grads(lambda w: np.bincount([0, 2, 0], w) ** 2, [np.array([0.5, 1.0, 2.0])], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: tp.add_at(X, 5, 1.0), IndexOutOfRangeError, "index 5 is out of bounds"),
        (lambda: tp.add_at(X, 0, np.ones(3)), ShapeError, r"shape \(3,\) do not broadcast to \(4,\)"),
        (lambda: tp.segment_sum(X, [0, 1], 2), ShapeError, r"\(3, 4\) and segment_ids of shape \(2,\)"),
        (lambda: tp.segment_sum(X, [0.0, 1.0, 1.0], 2), DTypeError, "must be integers, got float64"),
        (lambda: tp.segment_sum(X, [0, 1, 2], -1), ValueError, "must not be negative"),
        (lambda: np.bincount(tp.constant([0, -1])), ValueError, "no negative integers"),
        (lambda: np.bincount(tp.constant([0.5])), TypeError, "takes integers"),
        (lambda: np.bincount(tp.constant([0, 1]), [1.0]), ValueError, r"\(2,\) and weights of shape \(1,\)"),
        (lambda: np.bincount(tp.constant([[0]])), ValueError, "one axis"),
        (lambda: np.add.at(tp.constant(X), 0, 1.0), UnsupportedFunctionError, r"tp\.add_at\(x, indices, values\)"),
        (lambda: np.subtract.at(tp.constant(X), 0, 1.0), UnsupportedFunctionError, "-values"),
        (lambda: np.maximum.at(tp.constant(X), 0, 1.0), UnsupportedFunctionError, "maximum.at"),
        (lambda: np.take(tp.constant(X), [3], axis=0), IndexOutOfRangeError, "index 3"),
        (lambda: np.take_along_axis(tp.constant(X), np.array([[-4]]), 0), IndexOutOfRangeError, "index -4"),
    ],
)
def test_errors_name_the_line(call, error, words):
    with pytest.raises(error, match=words) as raised:
        call()
    if error is not UnsupportedFunctionError:
        assert "test_scattering.py" in str(raised.value)


def test_indices_out_of_range_raise_in_compiled_code_too():
    for f in (
        lambda i: tp.add_at(X, i, 1.0),
        lambda i: tp.segment_sum(X, i, 3),
        lambda i: np.take(tp.constant(X), i, axis=0),
    ):
        compiled = tp.function(f)
        for _ in range(2):
            compiled(np.array([0, 1, 2]))
            with pytest.raises(IndexOutOfRangeError, match="index 3 is out of bounds"):
                compiled(np.array([0, 3, 1]))
        assert compiled.compiles == 1


def test_rows_are_not_numbered():
    """What is added to a few rows of a long array takes no numbers of all of its elements."""
    f = tp.function(lambda x, i: tp.add_at(x, i, 1.0))
    x, i = np.zeros((1000, 3)), np.array([7, 5, 7])
    f(x, i)
    assert "iota" not in f.inspect(x, i).recorded
