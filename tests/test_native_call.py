"""Calls through native entries: which are taken, and that they mean the same as calls through Python."""

import threading
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import tapec as tp
from tapec.runtime.entry_code import entry_supported
from tapec.structure import flatten

pytestmark = [
    pytest.mark.cpu,  # native entries take arrays of the host
    pytest.mark.skipif(not entry_supported(), reason="no native entries in this interpreter"),
]

X = np.linspace(-1.0, 1.0, 6)


@dataclass
class Plain:
    w: object
    name: str = "n"


@dataclass
class Doubling:
    w: object

    def __post_init__(self):
        self.w = self.w * 2.0


class Pair(NamedTuple):
    a: object
    b: object


def warmed(f, *args):
    for _ in range(3):
        f(*args)
    return f


def is_native(f):
    return type(f.__call__) is type(len)


@pytest.mark.parametrize(
    ("python", "args"),
    [
        (lambda x: x * 2.0, (X,)),
        (lambda x, a, n, s, flag, h: (x * a + n, s, flag, None, h), (X, 2.0, 3, "text", True, len)),
        (lambda p: {"a": p["x"][0] + 1.0, "b": [p["x"][1]]}, ({"x": (X, 1.0)},)),
        (lambda p: Plain(p.w * 2.0, p.name), (Plain(X),)),
        (lambda: tp.constant(3.0) * 2.0, ()),
    ],
)
def test_taken_natively(python, args):
    f = tp.function(python)
    first = f(*args)
    assert not is_native(f)
    second = f(*args)
    assert is_native(f)
    third = f(*args)
    leaves, structure = flatten(first)
    for other in (second, third):
        others, same = flatten(other)
        assert same == structure
        for a, b in zip(leaves, others, strict=True):
            assert type(a) is type(b)
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("python", "args"),
    [
        (lambda p: p.a * 2.0, (Pair(X, 1.0),)),
        (lambda x: Doubling(x), (1.0,)),
        (lambda p: p[3] * 2.0, ({3: X},)),
        (lambda p: p["x"] * 2.0, ({"x": tp.constant(X)},)),
    ],
)
def test_not_taken_natively(python, args):
    assert not is_native(warmed(tp.function(python), *args))


def test_results_of_classes_with_constructors_are_not_constructed_again():
    f = warmed(tp.function(lambda p: p), Doubling(1.0))
    assert f(Doubling(1.0)).w == 2.0


def test_recorders_of_this_thread_close_the_gate():
    runs = []

    @tp.function
    def f(x):
        runs.append(1)
        return x * 2.0

    warmed(f, X)
    assert len(runs) == 1
    with tp.eager():
        np.testing.assert_array_equal(f(X), X * 2.0)
        assert len(runs) == 2
        other = threading.Thread(target=f, args=(X,))  # nobody records in that thread
        other.start()
        other.join()
        assert len(runs) == 2
    with tp.GradientTape():
        assert type(f(X)) is tp.Tensor
    assert len(runs) == 3
    outer = tp.function(lambda x: f(X) * x)
    np.testing.assert_array_equal(outer(3.0), X * 6.0)
    assert len(runs) == 4
    f(X)
    assert len(runs) == 4


def test_many_specialisations_each_have_their_calls():
    f = tp.function(lambda x: np.sum(x) * 2.0)
    for _ in range(3):
        for n in range(1, 25):
            assert f(np.ones(n)) == 2.0 * n
    assert f.recordings == 24


def test_misses_and_errors_come_back_through_python():
    f = tp.function(lambda x, i: np.take(x, i) if np.sum(x) > 0 else -x)
    x = np.arange(3.0)
    warmed(f, x, 1)
    assert is_native(f)
    np.testing.assert_array_equal(f(-x, 1), x)
    with pytest.raises(IndexError):
        f(x, 3)
    assert f(x, 2) == 2.0
    assert f.recordings == 2


def test_calls_with_keywords_and_other_layouts_after_warming():
    f = warmed(tp.function(lambda x, a=2.0: x * a), X, 2.0)
    np.testing.assert_array_equal(f(X, a=3.0), X * 3.0)
    np.testing.assert_array_equal(f(X[::-1], 3.0), X[::-1] * 3.0)
    assert f.recordings == 1
    with pytest.raises(TypeError):
        f()


# Variables and Tensors ------------------------------------------------------------------------------------------------


def test_tensors_are_handed_over_as_arrays():
    f = warmed(tp.function(lambda x, a: {"y": x * a, "s": np.sum(x)}), tp.constant(X), 2.0)
    result = f(tp.constant(X), 3.0)
    assert type(result["y"]) is type(result["s"]) is tp.Tensor
    np.testing.assert_array_equal(result["y"].numpy(), X * 3.0)
    assert type(f(X, 3.0)["y"]) is np.ndarray  # another specialisation
    assert f.recordings == 2
    np.testing.assert_array_equal(f(tp.constant(X)[::-1], 3.0)["y"].numpy(), X[::-1] * 3.0)
    assert f.recordings == 2


def test_variables_after_warming():
    v = tp.Variable(np.zeros(6))
    f = tp.function(lambda x, a: (v.assign_add(x * a), v * 1.0)[1])
    for k in range(1, 6):
        np.testing.assert_allclose(f(X, 1.0), X * k)
        np.testing.assert_allclose(v.numpy(), X * k)
    v.assign(v.value()[::-1])  # not dense
    np.testing.assert_allclose(f(X, 2.0), 5 * X[::-1] + 2 * X)
    with tp.GradientTape() as tape:
        y = f(X, 1.0)
    assert type(y) is tp.Tensor
    assert tape.gradient(y, v) is not None
    assert f.recordings == 1


def test_no_addition_is_lost_between_threads():
    v = tp.Variable(0.0)
    f = warmed(tp.function(lambda x: v.assign_add(x).value()), 0.0)
    threads = [threading.Thread(target=lambda: [f(1.0) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert v.numpy() == 800.0


def test_guards_before_state_after_warming():
    v = tp.Variable(0.0)

    @tp.function
    def f(x):
        v.assign_add(x)
        if x > 1.0:
            v.assign_add(100.0)
        return v * 1.0

    expected = 0.0
    for x in (0.5, 0.5, 0.5, 2.0, 0.5, 2.0, 3.0):
        expected += x + (100.0 if x > 1.0 else 0.0)
        assert f(x) == expected
    assert f.recordings == 2
