"""Slices in front of elementwise ops: when, and that the program then needs no memory."""

import numpy as np
import pytest
from graph_making import graph_of

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import apply
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.push_slices import PushSlices

X = np.linspace(0.1, 1.0, 5000)


def sliced(x, start, size, step=1):
    return apply(movement.slice_, x, start=(start,), size=(size,), step=(step,))


def pushed(function, *arrays):
    """For each op of the result, in order, its name and its result's extent."""
    graph = DeadCodeElimination().run(PushSlices().run(graph_of(function, *arrays)))
    return [(op.primitive.name, op.result.shape[0] if op.result.shape else 1) for op in graph.ops]


def test_two_overlapping_windows_of_something_cheap():
    def function(x):
        y = x * x
        return sliced(y, 1, 4999) - sliced(y, 0, 4999)

    assert sorted(pushed(function, X)) == sorted([("slice", 4999)] * 2 + [("mul", 4999)] * 2 + [("sub", 4999)])


def test_windows_of_windows():
    def function(x):
        return sliced(sliced(x + 1.0, 10, 4000), 5, 3900)

    assert ("add", 3900) in pushed(function, X)
    assert ("slice", 3900) in pushed(function, X)
    assert len(pushed(function, X)) == 3  # with the constant


def read_as_a_whole_too(x):
    y = x * x
    return sliced(y, 1, 4999), y


def expensive(x):
    y = apply(ew.exp, x)
    return sliced(y, 1, 4999) - sliced(y, 0, 4999)


def thirds(x):
    y = x * x
    return sliced(y, 0, 1600) * sliced(y, 1600, 1600) * sliced(y, 3200, 1600)


@pytest.mark.parametrize("function", [read_as_a_whole_too, expensive, thirds])
def test_what_is_left_as_it_is(function):
    assert pushed(function, X)[0][1] == 5000


def test_small_values_stay():
    def function(x):
        y = x * x
        return sliced(y, 1, 99) - sliced(y, 0, 99)

    assert ("mul", 100) in pushed(function, X[:100])


def test_differences_are_one_nest():
    def python(x):
        y = x * x + 1.0
        return (y[2:] - y[1:-1]) * y[:-2]

    compiled = tp.function(python)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(X), python(X))
    assert compiled.inspect(X).kernels == 1


def test_an_index_out_of_range_raises_wherever_it_stands():
    def python(x, i):
        return x[i][1:]

    compiled, index = tp.function(python), np.arange(5000)
    compiled(X, index)
    index[0] = 5000
    with pytest.raises(IndexError):
        compiled(X, index)
