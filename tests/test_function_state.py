"""What a compiled function reads and assigns besides its arguments: captured arrays and variables."""

import numpy as np
import pytest

import tapec as tp


def test_captured_arrays_are_read_at_each_call():
    table = np.arange(4.0)
    f = tp.function(lambda x: x * table + table)
    np.testing.assert_array_equal(f(2.0), [0, 3, 6, 9])
    table[:] = 1.0
    np.testing.assert_array_equal(f(2.0), [3, 3, 3, 3])
    assert f.recordings == 1


def test_captured_views_and_swapped_arrays_are_read_at_each_call():
    table = np.arange(4.0)
    swapped = np.arange(4.0).astype(">f8")
    f = tp.function(lambda x: x * table[::2] + swapped[1:3])
    np.testing.assert_array_equal(f(1.0), [1, 4])
    table[:] = 10.0
    swapped[:] = 1.0
    np.testing.assert_array_equal(f(1.0), [11, 11])


def test_an_array_that_the_function_itself_changes_is_not_compiled():
    def python(x):
        mask = np.zeros(3)
        total = x * 0.0
        for i in range(3):
            mask[:] = 0.0
            mask[i] = 1.0
            total = total + x * mask * i
        return total

    f = tp.function(python)
    with pytest.warns(tp.errors.EagerFallbackWarning, match="changed in place"):
        np.testing.assert_array_equal(f(np.ones(3)), [0, 1, 2])
    np.testing.assert_array_equal(f(np.ones(3)), [0, 1, 2])


def test_variables_are_read_and_assigned_at_each_call():
    v = tp.Variable(1.0)
    w = tp.Variable(np.zeros(3))

    @tp.function
    def step(x):
        v.assign_add(x)
        w.assign(w + v * x)
        return v * 10.0

    assert [step(1.0), step(2.0), step(3.0)] == [20.0, 40.0, 70.0]
    np.testing.assert_array_equal(w.numpy(), np.full(3, 2.0 + 8.0 + 21.0))
    v.assign(0.0)
    assert step(1.0) == 10.0
    assert step.recordings == 1


def test_a_variable_and_its_earlier_value_are_different_things():
    w = tp.Variable(np.ones(2))
    start = w.value()
    f = tp.function(lambda x: np.sum((w - start) * x))
    assert f(1.0) == 0.0
    w.assign(np.full(2, 3.0))
    assert f(1.0) == 4.0
    assert f.recordings == 1


def test_variables_as_arguments():
    v, w = tp.Variable(1.0), tp.Variable(10.0)

    @tp.function
    def bump(variable, x):
        variable.assign_add(x)
        return variable * 2.0

    assert type(bump(v, 1.0)) is tp.Tensor
    assert bump(v, 1.0).numpy() == 6.0
    assert bump(w, 1.0).numpy() == 22.0
    assert (v.numpy(), w.numpy()) == (3.0, 11.0)


def test_assignments_of_results_do_not_alias_them():
    v = tp.Variable(np.zeros(3))

    @tp.function
    def step(x):
        y = x + 1.0
        v.assign(y)
        return y

    for _ in range(2):
        y = step(np.zeros(3))
        y[:] = 7.0
        np.testing.assert_array_equal(v.numpy(), [1, 1, 1])
