"""`tp.constant`."""

import numpy as np
import pytest

import tapec as tp


@pytest.mark.parametrize(
    ("value", "dtype"), [(3, "int64"), (2.5, "float64"), (True, "bool"), ([1.0, 2.0], "float64"), ([[1], [2]], "int64")]
)
def test_dtype_is_numpys(value, dtype):
    t = tp.constant(value)
    assert t.dtype == dtype
    np.testing.assert_array_equal(t.numpy(), value)
    assert (t + np.float32(1)).dtype == (np.asarray(value) + np.float32(1)).dtype  # not weak, as a Python number is


def test_dtype_that_is_asked_for():
    assert tp.constant([1, 2], dtype="float32").dtype == np.float32
    assert tp.constant(tp.constant(1.0), dtype=np.float32).dtype == np.float32


def test_later_writes_do_not_reach_it():
    array = np.zeros(2)
    t = tp.constant(array)
    array[:] = 1.0
    np.testing.assert_array_equal(t.numpy(), [0, 0])


def test_inside_a_compiled_function_it_is_made_anew_in_each_call():
    array = np.ones(2)
    f = tp.function(lambda x: tp.constant(array) * x)
    np.testing.assert_array_equal(f(2.0), [2, 2])
    array[:] = 5.0
    np.testing.assert_array_equal(f(2.0), [10, 10])


def test_a_tape_watches_it():
    x = tp.constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).item() == 6.0


def test_what_is_no_tensor():
    with pytest.raises(tp.errors.DTypeError):
        tp.constant("text")
