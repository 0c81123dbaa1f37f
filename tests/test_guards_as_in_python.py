"""What Python decides by the values of arguments is decided anew in each call of a compiled function."""

import numpy as np
import pytest

import tapec as tp

X = np.arange(5.0) + 1.0


def caught(x, i):
    try:
        return x[i]
    except IndexError:
        return x[0] * 0.0 - 1.0


def caught_in_between(x, i):
    total = x.sum()
    for k in (1, 4, 7):
        total = total * 2.0 + caught(x, i + k)
    return total


def looked_up(n):
    return {0: 1.5, 1: 2.5}.get(n, 9.0) + (n in {1, 2}) + (n in range(2))


def named(n):
    return {"w0": 1.0, "w1": 2.0}.get(f"w{n}", 9.0) + {"00": 3.0}.get(f"{n:02d}", 4.0) + len(str(n))


def ordered(x):
    return sum(sorted(x)[:2]) + max(x) - min(x)


def matched(n):
    names = [10.0, 20.0, 30.0]
    if 0 <= n < 3:
        return names[n] + len(range(n))
    return -n & 3


def shortened(x):
    return (x[0] > 0 and x * 2.0) if any(x > 0.5) else (all(x < 0) or x)


def asserted(x):
    try:
        assert (x > -1.0).all()
    except AssertionError:
        return x * 3.0
    return x * (2.0 if 0.0 < x[0] < 1.0 else 4.0)


INTEGERS = [(n,) for n in (0, 1, 5, 2, -1, 1, 0, 3)]
VECTORS = [(np.array(v),) for v in ([0.7, -2.0], [-0.7, 0.2], [-0.7, -0.2], [0.2, 0.3], [3.0, 1.0], [0.7, -2.0])]


@pytest.mark.parametrize(
    ("python", "calls"),
    [
        (caught, [(X, i) for i in (9, -1, 3, -9, 0, 5)]),
        (caught, [(X, np.array(i)) for i in (9, -1, 3, -9, 0, 5)]),
        (caught_in_between, [(X, i) for i in (3, 0, -9, 9, 1, 3, 0)]),
        (looked_up, INTEGERS), (named, INTEGERS), (matched, INTEGERS),
        (ordered, VECTORS), (shortened, VECTORS), (asserted, VECTORS),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::tapec.errors.EagerFallbackWarning")
def test_calls_give_what_python_gives_in_any_order(python, calls):
    for order in (calls, calls[::-1]):
        f = tp.function(python)
        for args in (*order, *order):
            np.testing.assert_array_equal(f(*args), python(*args))


def test_an_error_of_values_that_is_caught_makes_the_function_run_eagerly():
    f = tp.function(caught)
    with pytest.warns(tp.errors.EagerFallbackWarning, match=r"test_guards_as_in_python.py:\d+: an error that depends"):
        assert f(X, 9) == -1.0
    assert [f(X, 1), f(X, 9), f(X, 2)] == [2.0, -1.0, 3.0]
    strict = tp.function(caught, strict=True)
    with pytest.raises(tp.errors.LeakedTensorError, match="an error that depends on values"):
        strict(X, 9)
    assert strict(X, 1) == 2.0
    with pytest.raises(IndexError):
        tp.function(lambda x, i: x[i], strict=True)(X, 9)


def test_numbers_are_hashable_and_arrays_are_not():
    assert hash(tp.constant(3)) == hash(3)
    assert {2.5: "a"}[tp.constant(2.5)] == "a"
    with pytest.raises(TypeError, match=r"tensor of shape \(2,\) is not hashable"):
        hash(tp.constant([1.0, 2.0]))
    f = tp.function(lambda x: {1.5: 2.0}.get(x, 3.0))
    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert f(1.5) == 2.0
    assert f(2.5) == 3.0
