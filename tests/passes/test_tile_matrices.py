"""Products of many matrices that run matrix by matrix, with what is done to each before and behind them."""

import re
from pathlib import Path

import numpy as np
import pytest
from graph_making import graph_of
from on_threads import assert_threads_change_nothing
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import apply, broadcast, matmul, reduce_sum, transpose
from tapec.passes import tile_products
from tapec.passes.fuse import fuse
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.steps import LibraryStep, Product, Tiles
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


def steps_of(function, *shapes):
    return lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes))))).steps


def distances(x, means, factors):
    """Squares of points as many factors see them, and products of what is left with the points."""
    count, points, size = factors.shape[0], *x.shape
    shape = (count, points, size)
    left = broadcast(apply(movement.reshape, x, shape=(1, points, size)), shape)
    d = left - broadcast(apply(movement.reshape, means, shape=(count, 1, size)), shape)
    z = matmul(d, factors)
    return reduce_sum(z * z, (2,)), matmul(transpose(z, (0, 2, 1)), d)


SHAPES = ((1000, 64), (25, 64), (25, 64, 64))


def test_matrices_stay_in_cache_from_step_to_step():
    """The differences, both products and the sums between them are one loop over matrices: only results outlive it."""
    (step,) = steps_of(distances, *SHAPES)
    assert isinstance(step, Tiles)
    assert (step.extent, step.tile) == (25, 1)
    assert len(step.products) == 2
    assert sorted(step.local.values()) == [64_000, 64_000]


def test_few_matrices_stay_as_they_are():
    """Threads would get unequal shares of them; and matrices that fill all caches gain nothing."""
    for shapes in (((1000, 64), (7, 64), (7, 64, 64)), ((9000, 64), (25, 64), (25, 64, 64))):
        assert not any(isinstance(step, Tiles) and step.products for step in steps_of(distances, *shapes))


def test_what_belongs_to_a_matrix():
    """An operand that is the same for all belongs to none."""
    (step,) = steps_of(lambda x, y: matmul(x, broadcast(y, (9, 50, 60))), (9, 40, 50), (1, 50, 60))
    assert isinstance(step, LibraryStep)
    (member,) = tile_products.members(step)
    assert member.extent == 9
    assert [(use.row, use.writes) for use in member.uses(9)] == [(2000, False), (None, False), (2400, True)]


def attention(q, k, v):
    """Heads lie beside each other in each row: the matrices have two axes, and a position of the first is all heads."""
    q, k, v = (np.transpose(x.reshape(9, 80, 3, 20), (0, 2, 1, 3)) for x in (q, k, v))
    e = np.exp(q @ np.swapaxes(k, 2, 3))
    return np.transpose((e / np.sum(e, -1, keepdims=True)) @ v, (0, 2, 1, 3)).reshape(9, 80, 60)


def test_a_position_may_be_several_matrices():
    arrays = [x.astype(np.float32) for x in np.random.default_rng(2).normal(size=(3, 9, 80, 60))]
    f = tp.function(attention)
    with tp.eager():
        expected = f(*arrays)
    for _ in range(2):
        assert f(*arrays).tobytes() == expected.tobytes()
    assert re.search(r"tiles of \d+ of 9 positions", f.inspect(*arrays).loops)


def arrays_of(dtype):
    rng = np.random.default_rng(5)
    return [rng.normal(size=shape).astype(dtype) for shape in ((300, 40), (11, 40), (11, 40, 40))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_as_op_by_op(dtype):
    arrays = arrays_of(dtype)
    graph = graph_of(lambda x, m, f: distances(apply(ew.sin, x), m, f), *arrays)
    executable = compile_graph(graph)
    items = [item for step in executable.program.steps if isinstance(step, Tiles) for item in step.items]
    assert sum(isinstance(item, Product) for item in items) == 2
    assert_same_bits(executable.run(arrays)[1], interpret(graph, arrays)[0])


SCRIPT = """
import numpy as np
from graph_making import graph_of
from test_tile_matrices import arrays_of, distances
from tapec.passes import splitting
from tapec.runtime import threads
from tapec.runtime.driver import compile_graph
threads._ALWAYS, splitting.GRAIN = True, 100
arrays = arrays_of(np.float32)
for out in compile_graph(graph_of(distances, *arrays)).run(arrays)[1]:
    print(out.tobytes().hex())
"""


def test_bits_do_not_depend_on_threads():
    assert_threads_change_nothing(Path(__file__).parent, SCRIPT)
