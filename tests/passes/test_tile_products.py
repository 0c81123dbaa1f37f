"""Skinny products that run tile by tile: which do, in which order, and that no bit depends on it."""

from pathlib import Path

import numpy as np
import pytest
from graph_making import graph_of
from on_threads import assert_threads_change_nothing
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops import movement, reduction
from tapec.ops.symbolic import apply, broadcast, matmul, reduce_sum, transpose
from tapec.passes import tile_products, tiles
from tapec.passes.fuse import fuse
from tapec.passes.loops import Nest
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.product_names import BLOCK
from tapec.passes.steps import LibraryStep, Sum, Tiles
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


def steps_of(function, *shapes):
    return lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes))))).steps


def kinds(tile):
    """What runs in tiles, products by the axis that is tiled."""
    names = {Nest: "nest", Sum: "sum"}
    return [names.get(type(item)) or ("rows" if item.partials is None else "adds") for item in tile.items]


def regression(x, w):
    """A loss of each row's products, and its gradient."""
    z = matmul(x, w)
    r = apply(ew.tanh, z)
    return reduce_sum(r * z, (0, 1)), matmul(transpose(x, (1, 0)), r)


def test_regression_reads_its_matrix_once():
    """Both products, what lies between them and the sum of it are one loop over rows."""
    (step,) = steps_of(regression, (20_000, 100), (100, 1))
    assert isinstance(step, Tiles)
    assert kinds(step) == ["rows", "nest", "sum", "adds"]
    assert (step.tile % BLOCK, step.unit % step.tile) == (0, 0)
    assert sorted(step.local.values()) == [1, 1, 1]


def test_classes_of_a_row_run_with_their_products():
    def softmax(x, w, y):
        z = matmul(x, w)
        e = apply(ew.exp, z)
        total = apply(movement.reshape, apply(reduction.sum, e, axes=(1,)), shape=(e.shape[0], 1))
        return matmul(transpose(e / broadcast(total, e.shape) - y, (1, 0)), x)

    (step,) = steps_of(softmax, (10_000, 100), (100, 10), (10_000, 10))
    assert isinstance(step, Tiles)
    assert kinds(step) == ["rows", "nest", "nest", "adds"]
    (product,) = [p for p in step.products if p.partials is not None]
    assert [axis.extent for axis in product.axes.row + product.axes.column] == [10, 100]
    assert not product.turned


def test_products_of_one_matrix_run_together_even_apart():
    """Neither reads what the other writes, but both read the matrix."""
    (step,) = steps_of(lambda x, v, w: (matmul(x, w), matmul(v, x)), (20_000, 50), (1, 20_000), (50, 1))
    assert isinstance(step, Tiles)
    assert kinds(step) == ["rows", "adds"]


def test_a_product_that_needs_all_rows_comes_behind():
    """`w` becomes known when the last row has been seen."""
    first, last = steps_of(lambda x, r: matmul(x, matmul(transpose(x, (1, 0)), r)), (20_000, 50), (20_000, 1))
    assert isinstance(first, Tiles)
    assert kinds(first) == ["adds"]
    assert isinstance(last, LibraryStep)


def test_wide_products_stay_as_they_are():
    """Arithmetic binds them."""
    found = steps_of(regression, (10_000, 100), (100, 64))
    assert sum(isinstance(step, LibraryStep) for step in found) == 2


def test_rows_that_fill_a_cache_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(tiles, "MOST_BLOCK_BYTES", 50 * 8 * BLOCK)
    found = steps_of(regression, (10_000, 100), (100, 1))
    assert not any(isinstance(s, Tiles) and "adds" in kinds(s) for s in found)


def test_few_blocks_leave_their_threads_alone():
    """Three blocks of rows are too few places for threads to begin at: the product comes behind the other steps."""
    found = steps_of(regression, (3 * BLOCK, 5_000), (5_000, 1))
    assert not any(isinstance(s, Tiles) and "adds" in kinds(s) for s in found)


def test_columns_in_the_place_of_rows():
    """A matrix that lies by columns is read as a whole: its rows are found nowhere side by side."""
    (step,) = steps_of(lambda x, w: regression(transpose(x, (1, 0)), w), (100, 20_000), (100, 1))
    assert isinstance(step, Tiles)
    assert kinds(step) == ["rows", "nest", "sum", "adds"]


def chains():
    """Functions with products in tiles, and the shapes of what they take, for a number of rows and of columns."""

    def mixed(x, w, y):
        z = matmul(x, w)
        r = apply(ew.sin, z) - y
        return reduce_sum(r * r, (0, 1)), matmul(transpose(r, (1, 0)), x), reduce_sum(r, (0,))

    def normalised(x, w, y):
        x = x * 0.5
        r = matmul(x, w) * y
        return matmul(transpose(x, (1, 0)), r), apply(reduction.max, r, axes=(1,))

    def by_columns(x, w, y):
        return mixed(transpose(x, (1, 0)), w, y)

    def row(x, w, y):
        z = matmul(transpose(w, (1, 0)), transpose(x, (1, 0)))
        return z * 2.0, matmul(z, x), reduce_sum(y, (0,))

    return (mixed, False, 1), (mixed, False, 3), (normalised, False, 10), (by_columns, True, 2), (row, False, 1)


SIZES = [(2 * BLOCK, 40), (700, 30), (1025, 17), (600, 300)]


def arrays_of(rows, columns, classes, turned, dtype):
    rng = np.random.default_rng(rows)
    x, w, y = (rng.normal(size=s).astype(dtype) for s in ((rows, columns), (columns, classes), (rows, classes)))
    return [np.ascontiguousarray(x.T) if turned else x, w, y]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows_columns", SIZES, ids=str)
def test_same_bits_as_op_by_op(rows_columns, dtype, monkeypatch):
    """Whole blocks and a last one that is shorter, inner indices of several blocks, either layout."""
    monkeypatch.setattr(tiles, "LEAST_BYTES", 0)
    monkeypatch.setattr(tiles, "SEED_BYTES", 0)
    monkeypatch.setattr(tiles, "TILE_BYTES", 1 << 11)
    made = 0
    for function, turned, classes in chains():
        arrays = arrays_of(*rows_columns, classes, turned, dtype)
        graph = graph_of(function, *arrays)
        executable = compile_graph(graph)
        made += sum(len(s.products) for s in executable.program.steps if isinstance(s, Tiles))
        assert_same_bits(executable.run(arrays)[1], interpret(graph, arrays)[0])
    assert made >= 3


def test_views_of_a_matrix():
    """Some of its columns, its rows backwards, every other one: also what the tiles cannot share out."""
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(4000, 60)), rng.normal(size=(20, 1))

    def gradient(x, w):
        z = x @ w
        return np.sum(z * z), x.T @ (2 * z)

    for view in (lambda x: x[:, 7:27], lambda x: x[::-1, :20], lambda x: x[::2, ::3], lambda x: x[500:, 40:]):
        f = tp.function(lambda x, w, view=view: gradient(view(x), w))
        with tp.eager():
            expected = f(x, w)
        for _ in range(2):
            assert_same_bits([np.asarray(v) for v in f(x, w)], [np.asarray(v) for v in expected])


SCRIPT = """
import numpy as np
from graph_making import graph_of
from test_tile_products import arrays_of, chains
from tapec.passes import splitting
from tapec.runtime import threads
from tapec.runtime.driver import compile_graph
threads._ALWAYS, splitting.GRAIN = True, 100
for function, turned, classes in chains():
    arrays = arrays_of(5000, 30, classes, turned, np.float64)
    for out in compile_graph(graph_of(function, *arrays)).run(arrays)[1]:
        print(out.tobytes().hex())
"""


def test_bits_do_not_depend_on_threads():
    assert_threads_change_nothing(Path(__file__).parent, SCRIPT)


def test_a_skinny_product_says_what_belongs_to_a_row():
    """The left operand and the result of one with tiled rows; both operands of one that adds over them."""
    (step,) = steps_of(lambda x, w: matmul(x, w), (10_000, 100), (100, 4))
    assert isinstance(step, LibraryStep)
    (member,) = [m for m in tile_products.members(step) if not m.adds]
    assert member.extent == 10_000
    assert [(use.row, use.writes) for use in member.uses(10_000)] == [(100, False), (None, False), (4, True)]
    assert not member.ended


def test_products_print():
    executable = compile_graph(graph_of(regression, np.zeros((20_000, 100)), np.zeros((100, 1))))
    loops = next(s.text for s in executable.stages() if s.name == "loops")
    assert loops.count("matmul(") == 2
    assert loops.count("in blocks: ") == 2
