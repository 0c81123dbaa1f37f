"""Guards: Python's branches and loops over tensors, recorded path by path."""

import warnings

import numpy as np
import pytest

import tapec as tp


def collatz(n, x):
    while n != 1:
        x = x * 1.5 + n
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    return x


def reference(python, *args):
    return python(*args)


def test_branches_follow_the_values():
    @tp.function
    def f(x):
        if np.sum(x) > 0:
            return x * 2.0
        if x[0] > -5.0:
            return x * 3.0
        return {"other": x}

    for _ in range(2):
        for value in (1.0, -1.0, -9.0, 4.0, -2.0):
            x = np.full(2, value)
            expected = {"other": x} if value < -5 else x * (2.0 if value > 0 else 3.0)
            np.testing.assert_equal(f(x), expected)
    assert (f.recordings, f.compiles) == (3, 3)


def test_loops_record_one_path_for_each_number_of_turns():
    @tp.function
    def halve(x):
        n = 0
        while x > 1.0:
            x, n = x / 2.0, n + 1
        return x, n

    rng = np.random.default_rng(0)
    calls = rng.integers(0, 8, 60)
    for n in calls:
        x = 2.0**n * 0.9
        assert halve(x) == (x / 2.0 ** max(n, 0), n) if n else halve(x) == (x, 0)
    assert halve.recordings == len(set(calls.tolist()))


def test_paths_cause_exactly_as_many_recordings():
    f = tp.function(collatz)
    numbers = [1, 2, 3, 4, 5, 6, 7, 8, 3, 7, 1, 8, 2, 6]
    for n in numbers:
        assert f(n, 0.5) == reference(collatz, n, 0.5)
    assert f.recordings == len(set(numbers))


@pytest.mark.parametrize("kind", [int, np.int64, np.array])
def test_integers_as_bounds_and_indices(kind):
    @tp.function
    def f(x, n):
        total = x * 0.0
        for i in range(n):
            total = total + x[i]
        return total, [10, 20, 30][n]

    x = np.arange(3.0)
    for n in (2, 0, 1, 2, 0):
        total, picked = f(x, kind(n))
        np.testing.assert_array_equal(total, np.full(3, x[:n].sum()))
        assert picked == [10, 20, 30][n]
    assert f.recordings == 3


def test_truth_of_floats_and_ints():
    @tp.function
    def f(x, n):
        return (1 if x else 0, 1 if n else 0, x)

    for _ in range(2):
        for x in (0.0, -0.0, 2.5, float("nan")):
            for n in (0, 1, 5, -3):
                assert f(x, n)[:2] == (bool(x), bool(n))
    assert f.recordings == 4


def test_guards_hold_before_state_changes():
    v = tp.Variable(0.0)

    @tp.function
    def f(x):
        v.assign_add(x)
        if x > 1.0:
            v.assign_add(100.0)
        return v * 1.0

    expected = 0.0
    for x in (0.5, 2.0, 0.25, 3.0, 1.0):
        expected += x + (100.0 if x > 1.0 else 0.0)
        assert f(x) == expected
        assert v.numpy() == expected
    assert f.recordings == 2


def test_a_branch_on_a_variable():
    v = tp.Variable(1.0)
    f = tp.function(lambda x: x * 2.0 if v > 0.0 else x * 3.0)
    assert [f(1.0), f(1.0)] == [2.0, 2.0]
    v.assign(-1.0)
    assert [f(1.0), f(1.0)] == [3.0, 3.0]
    assert f.recordings == 2


def test_a_branch_on_a_captured_array():
    flag = np.array([1.0])
    f = tp.function(lambda x: x * 2.0 if np.all(x * 0.0 + flag > 0) else x * 3.0)
    assert f(1.0) == f(1.0) == 2.0
    flag[:] = -1.0
    assert f(1.0) == 3.0


def test_a_branch_on_constants_is_no_guard():
    f = tp.function(lambda x: x * 2.0 if np.sin(tp.constant(1.0)) > 0 else x)
    f(1.0)
    f(2.0)
    assert f.recordings == 1


def test_the_limit_on_paths_warns_once_and_stays_right():
    def python(n, x):
        for _ in range(n):  # the line that forks
            x = x * 2.0
        return x

    f = tp.function(max_paths=3)(python)
    line = python.__code__.co_firstlineno + 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in (0, 1, 2, 3, 4, 5, 0, 1, 2, 3):
            assert f(n, 1.5) == 1.5 * 2.0**n
    (warning,) = caught
    assert issubclass(warning.category, tp.errors.EagerFallbackWarning)
    assert (warning.filename, warning.lineno) == (__file__, line)
    assert f.recordings == 3


def test_errors_on_a_way_not_taken_do_not_raise():
    @tp.function
    def f(x, i):
        if i < 3:
            return np.take(x, i)
        return x[0] * 0.0 - 1.0

    x = np.arange(3.0)
    for _ in range(2):
        assert [f(x, i) for i in (1, 2, 3, 7)] == [1.0, 2.0, -1.0, -1.0]
    assert f.recordings == 2


def test_specialisations_have_paths_of_their_own():
    f = tp.function(lambda x: x if np.sum(x) > 0 else -x)
    for x in (np.ones(2), -np.ones(2), np.ones(3), -np.ones(3)):
        np.testing.assert_array_equal(f(x), np.abs(x))
    assert f.recordings == 4
