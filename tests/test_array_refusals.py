"""What a `tp.Array` refuses, with the lines of both sides."""

from dataclasses import dataclass

import numpy as np
import pytest

import tapec as tp
from tapec.errors import (
    CapturedArrayError,
    WatchedArrayError,
)

X = np.array([1.0, 2.0, 3.0, 4.0])


def lines_of(error, count):
    """The lines of this file that a message names."""
    import re

    found = re.findall(rf"{re.escape(__file__)}:(\d+)", str(error))
    assert len(set(found)) >= count, error
    return found


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


@dataclass
class Weights:
    w: object


@pytest.mark.parametrize("container", [lambda w: w, lambda w: [w], lambda w: {"w": w}, Weights])
def test_watching_finds_arrays_and_views_in_all_containers(container):
    a = tp.asarray(X)
    with tp.GradientTape() as tape:
        with pytest.raises(TypeError, match="view of an Array"):
            tape.watch(container(a[1:]))
        tape.watch(container(a))
        with pytest.raises(WatchedArrayError):
            a[0] = 5.0


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
