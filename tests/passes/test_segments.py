"""Nests cut where windows end and others begin: which are, what is left in each part, and that no bit depends on it."""

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import apply, reduce_sum
from tapec.passes.fuse import fuse
from tapec.passes.loops import Compute, Inside, Load, Nest, Store
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


def nests_of(function, *shapes):
    graph = graph_of(function, *(np.zeros(s) for s in shapes))
    return [step for step in lower(fuse(materialize(graph))).steps if isinstance(step, Nest)]


def placed(x, start, shape):
    return apply(movement.unslice, x, start=start, step=(1,) * len(start), shape=shape)


def gates(*parts):
    """Four gradients side by side, each an exponential of its own."""
    rows, columns = parts[0].shape
    total = None
    for i, part in enumerate(parts):
        piece = placed(apply(ew.exp, part), (0, i * columns), (rows, len(parts) * columns))
        total = piece if total is None else total + piece
    return total


def test_each_part_computes_its_own_formula_only():
    nests = nests_of(gates, *[(20, 64)] * 4)
    assert len(nests) == 4
    for nest in nests:
        assert not nest.windowed_axes
        assert not any(isinstance(i, Inside) for i in nest.body)
        assert sum(isinstance(i, Load) for i in nest.body) == 1
        assert sum(isinstance(i, Compute) and i.primitive is ew.exp for i in nest.body) == 1
    stores = [i.access.offset for nest in nests for i in nest.body if isinstance(i, Store)]
    assert stores == [0, 64, 128, 192]


def test_windows_that_share_most_positions_stay():
    """A stencil: nearly all positions lie in all windows."""

    def shifted(x):
        return placed(x, (0, 0), (30, 102)) + placed(x * 2.0, (0, 1), (30, 102)) + placed(x, (0, 2), (30, 102))

    (nest,) = nests_of(shifted, (30, 100))
    assert nest.windowed_axes == {1}


def test_short_and_many_segments_stay():
    for count, columns in ((4, 15), (9, 16)):
        (nest,) = nests_of(gates, *[(200, columns)] * count)
        assert nest.windowed_axes == {1}


def random(dtype, *shapes):
    rng = np.random.default_rng(4)
    return [rng.integers(-9, 9, shape).astype(dtype) for shape in shapes]


def with_sums(a, b, c):
    """Overlapping windows with gaps between them, negative zeros, a sum over rows that keeps the columns."""
    pieces = [(-a * 0, (0, 20)), (b * b - b, (0, 40)), (c + c, (0, 80))]
    total = None
    for piece, start in pieces:
        wide = placed(piece, start, (13, 150))
        total = wide if total is None else total + wide
    return total, reduce_sum(total, (0,))


def by_rows_and_columns(a, b, c):
    """Windows along two axes."""
    shape = (90, 77)
    return placed(a * 2, (0, 0), shape) + placed(b + 1, (40, 40), shape) - placed(c, (0, 17), shape)


CASES = [
    (with_sums, ((13, 40), (13, 20), (13, 70)), (np.float64, np.float32, np.int32)),
    (by_rows_and_columns, ((40, 40), (50, 37), (40, 60)), (np.float64, np.float32, np.int32)),
    (gates, ((1, 16), (1, 16)), (np.float64, np.float32)),
]


@pytest.mark.parametrize(("function", "shapes", "dtype"), [(f, s, d) for f, s, ds in CASES for d in ds])
def test_same_bits_as_op_by_op(function, shapes, dtype):
    arrays = random(dtype, *shapes)
    graph = graph_of(function, *arrays)
    executable = compile_graph(graph)
    assert len(executable.program.steps) > 1
    assert_same_bits(executable.run(arrays)[1], interpret(graph, arrays)[0])
