"""Temporaries that their readers compute again: which, what is left of their nests, and that no bit depends on it."""

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import apply, broadcast, matmul, reduce_sum, transpose
from tapec.passes import inline_loads
from tapec.passes.fuse import fuse
from tapec.passes.loops import Inside, Load, Nest, Store
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


def steps_of(function, *shapes):
    return lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes)))), tiling=False).steps


def moved(x, start, shape, step=None):
    return apply(movement.unslice, x, start=start, step=step or (1,) * len(start), shape=shape)


def stencil(x):
    """The adjoint of a five-point stencil."""
    y = x * 0.1
    n, m = (k + 2 for k in x.shape)
    places = [(1, 0), (1, 2), (0, 1), (2, 1)]
    total = moved(x + y * -4.0, (1, 1), (n, m))
    for place in places:
        total = total + moved(y, place, (n, m))
    return total


def test_the_gradient_of_a_stencil_is_one_nest():
    """Nothing is stored but its result."""
    (nest,) = steps_of(stencil, (254, 254))
    assert isinstance(nest, Nest)
    assert {i.access.buffer.kind for i in nest.body if isinstance(i, Load)} == {"input"}
    assert sum(isinstance(i, Inside) for i in nest.body) == 5


def test_zeros_outside_of_a_window_stay():
    """exp(0) is 1, but the window's outside is 0."""
    x = np.zeros((40, 60))
    graph = graph_of(lambda s: moved(s * 0.0 + 1.0, (3, 2), (50, 70)), x)
    executable = compile_graph(graph)
    assert len(executable.program.steps) == 1
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])
    assert executable.run([x])[1][0].sum() == 40 * 60


def test_windows_along_other_axes_mask_no_lanes():
    """All lanes lie in such a window, or none does; also where they lie a column apart."""
    x = np.arange(2400.0).reshape(40, 60)
    for turn in (lambda s: s, lambda s: transpose(s, (1, 0))):
        graph = graph_of(lambda s, turn=turn: moved(turn(s) * 2.0, (3, 0), (70, turn(s).shape[1])), x)
        executable = compile_graph(graph)
        assert "masked" not in executable.text
        assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


def test_what_is_costly_in_all_windows_together_is_stored():
    """Four exponentials in the place of one."""

    def f(x):
        y = apply(ew.exp, x)
        total = moved(y, (0, 0), (300, 300))
        for i in range(1, 4):
            total = total + moved(y, (i, 0), (300, 300))
        return total

    assert len(steps_of(f, (290, 300))) == 2


def test_a_difference_of_rows_is_not_stored():
    """x - m of vectors that broadcast: two nests read it, and neither loads a matrix."""

    def f(x, m):
        d = broadcast(x, (400, 500)) - m
        return reduce_sum(d * d, (1,)), reduce_sum(d, (0,))

    steps = steps_of(f, (400, 1), (500,))
    assert len(steps) == 2
    assert all(i.access.buffer.size <= 500 for s in steps for i in s.body if isinstance(i, Load))


def test_what_stays_in_cache_costs_nothing():
    """A product plus a row, halved, is computed again: a row stays in cache, so that no more is read than the half."""

    def f(x, y, row):
        product = matmul(x, y)
        half = (product + broadcast(row, product.shape)) * 0.5
        return half * matmul(apply(ew.exp, half), y)

    first, exponential, second, last = steps_of(f, (300, 300), (300, 300), (300,))
    assert sum(isinstance(i, Store) for i in exponential.body) == 1
    loaded = {i.access.buffer for i in last.body if isinstance(i, Load)}
    assert loaded == {first.result, second.result, *(b for b in loaded if b.kind == "input")}


def test_what_the_reader_loads_anyway_costs_nothing():
    """A difference of two matrices is computed again by a reader that has both, though it would be the smaller load."""

    def f(x, y, has_both):
        difference = x - y
        product = matmul(apply(ew.exp, difference), y)
        return difference * product + x * y if has_both else difference * product

    for has_both in (True, False):
        exponential, _, _ = steps_of(lambda x, y, b=has_both: f(x, y, b), (300, 300), (300, 300))
        assert sum(isinstance(i, Store) for i in exponential.body) == (1 if has_both else 2)


def test_what_others_need_is_stored():
    """A product reads memory; so does a transposed read; an output is memory."""

    def product(x):
        y = x + 1.0
        return matmul(y, y), moved(y, (1, 1), (101, 101))

    def turned(x):
        y = x + 1.0
        return moved(transpose(y, (1, 0)), (1, 1), (101, 101))

    def output(x):
        y = x + 1.0
        return y, moved(y, (1, 1), (101, 101))

    assert [len(steps_of(f, (100, 100))) for f in (product, turned, output)] == [3, 2, 2]


def test_small_results_stay_where_they_are(monkeypatch):
    """They are in registers or in the first cache."""

    def f(x):
        return moved(x + 1.0, (1,), (20,))

    assert len(steps_of(f, (10,))) == 2
    monkeypatch.setattr(inline_loads, "LEAST_BYTES", 0)
    assert len(steps_of(f, (10,))) == 1


@pytest.mark.parametrize("shape", [(33,), (5, 40), (3, 4, 9), (2, 100)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_same_bits_as_op_by_op(monkeypatch, shape, dtype):
    """Windows of every place and step, over chains of windows; vectors inside and at the edges."""
    monkeypatch.setattr(inline_loads, "LEAST_BYTES", 0)
    rng = np.random.default_rng(7)
    x = rng.integers(-5, 5, shape).astype(dtype)

    def f(s):
        total = None
        for lag in range(3):
            y = moved(s * s - s, tuple(lag % 2 for _ in shape), tuple(n + 2 for n in shape))
            step = tuple([2 if lag == 1 and i == 0 else 1 for i in range(len(shape))])
            z = moved(y + y, (1,) * len(shape), tuple(2 * n + 6 for n in shape), step)
            total = z if total is None else total * 1 + z
        return total, reduce_sum(total, (0,))

    graph = graph_of(f, x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])
