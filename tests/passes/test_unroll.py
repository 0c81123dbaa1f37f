"""Maps over a few positions without axes: which become so, and that they mean the same."""

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum
from tapec.passes.fuse import fuse
from tapec.passes.loops import Nest
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


def nests(function, *shapes):
    steps = lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes))))).steps
    return [step for step in steps if isinstance(step, Nest)]


def placed(x, start, size, step=1):
    return apply(movement.unslice, x, start=(start,), step=(step,), shape=(size,))


@pytest.mark.parametrize(
    ("function", "shape", "unrolled"),
    [
        (lambda x: x * 2.0 + x, (3,), True),
        (lambda x: x * 2.0 + x, (4,), False),  # a vector
        (lambda x: x * 2.0 + x, (5,), False),
        (lambda x: placed(x, 1, 4) * 3.0, (2,), True),
        (lambda x: placed(x, 1, 4) * 3.0, (1,), True),
        (lambda x: placed(x, 1, 6) * 3.0, (2,), False),
        (lambda x: apply(ew.sin, x) * 2.0, (3,), False),  # one formula for all lanes
    ],
)
def test_which_maps_lose_their_axes(function, shape, unrolled):
    (nest,) = nests(function, shape)
    assert (nest.extents == ()) is unrolled


def test_reductions_keep_theirs():
    assert all(nest.extents for nest in nests(lambda x: reduce_sum(x * 2.0, (0,)), (3,)))


WINDOWS = [
    (start, size, step)
    for start in (0, 1, 3)
    for size in (1, 2)
    for step in (1, 2, -1)
    if 0 <= start + (size - 1) * step < 4
]


@pytest.mark.parametrize(("start", "size", "step"), WINDOWS)
def test_windows_mean_the_same(start, size, step):
    x = np.array([1.5, -0.0])[:size]

    def function(x):
        y = placed(x, start, 4, step)
        return y * y - y, apply(ew.neg, y)

    graph = graph_of(function, x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


def test_positions_and_two_axes():
    """An `iota` is a number at each position; axes are walked in order."""

    def function(x):
        numbers = Sym(x.builder, x.builder.emit(creation.iota, (), {"axis": 0, "shape": (3, 1), "dtype": "f64"}).result)
        return numbers * x - x

    x = np.array([[1.5], [-0.0], [2.0]])
    (nest,) = nests(function, (3, 1))
    assert nest.extents == ()
    graph = graph_of(function, x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


def test_loops_over_three_numbers_keep_them_in_registers():
    """What a stack and its adjoint do with single elements needs no memory."""

    def loss(u):
        def body(_, u):
            x, y, z = u
            return u + 0.01 * np.stack([10.0 * (y - x), x * (28.0 - z) - y, x * y - 2.5 * z])

        return np.sum(tp.fori_loop(0, 50, body, u) ** 2)

    u = np.array([1.0, 2.0, 20.0])
    f = tp.value_and_grad(loss)
    first, again = f(u), [f(u) for _ in range(2)][-1]
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])
    assert "masked.gather" not in f.inspect(u).stages["optimised LLVM IR"]
