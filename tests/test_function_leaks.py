"""Functions that look at values which a compiled program does not have."""

import warnings

import numpy as np
import pytest
from function_bits import same_everywhere

import tapec as tp
from tapec.recording import ACTIVE


def leaking(x):
    y = x * 2.0
    return y * float(np.sum(y))  # the line that leaks


LEAKING_LINE = leaking.__code__.co_firstlineno + 2


def test_a_leak_runs_eagerly_with_one_warning_at_the_users_line():
    f = tp.function(leaking)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for scale in (1.0, 2.0, 3.0):
            x = np.ones(2) * scale
            np.testing.assert_array_equal(f(x), 2 * x * np.sum(2 * x))
            f(np.ones(3))
    (warning,) = caught
    assert issubclass(warning.category, tp.errors.EagerFallbackWarning)
    assert (warning.filename, warning.lineno) == (__file__, LEAKING_LINE)
    assert "float(t)" in str(warning.message)
    assert f.compiles == 0


def test_a_leak_is_an_error_when_strict():
    f = tp.function(strict=True)(leaking)
    for _ in range(2):
        with pytest.raises(tp.errors.LeakedTensorError, match=rf"{__file__}:{LEAKING_LINE}: float\(t\)"):
            f(np.ones(2))
    assert ACTIVE.recorders == []
    assert f.recordings == 0


def test_values_from_outside_may_leave():
    c = tp.constant(2.0)
    table = np.arange(3.0)

    def python(x):
        y = x * c * table[1]
        return y * float(c) * float(table[2]) * c.numpy()

    assert same_everywhere(python, 1.0) == 16.0


@pytest.mark.parametrize("how", [lambda t: t.numpy(), np.asarray, float, lambda t: t.tolist()])
def test_ways_to_leak(how):
    f = tp.function(lambda x: x * how(x + 1.0))
    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert f(2.0) == 6.0
    assert f(3.0) == 12.0


def test_an_array_that_numpy_made_is_named_with_what_to_begin_with_instead():
    def fill(x):
        a = np.zeros(2)
        a[0] = x
        return np.sum(a)

    with pytest.warns(tp.errors.EagerFallbackWarning, match=r"no derivative flows through it.*np\.zeros_like\(x\)"):
        tp.function(fill)(1.0)


def test_np_array_of_a_list_is_named_with_what_joins_tensors_instead():
    with pytest.warns(tp.errors.EagerFallbackWarning, match=r"no derivative flows through it.*np\.stack\(\[a, b\]\)"):
        tp.function(lambda x: np.sum(np.array([x[1], -x[0]])))(np.array([1.0, 2.0]))


def test_truth_values_take_no_derivative_with_them():
    def fill(x):
        negative = (x < 0.0).numpy()
        return np.sum(np.where(negative, 0.0, x) * x)

    with pytest.warns(tp.errors.EagerFallbackWarning) as caught:
        np.testing.assert_array_equal(tp.grad(fill)(np.array([1.0, -1.0, 2.0])), [2.0, 0.0, 4.0])
    assert "derivative" not in str(caught[0].message)
