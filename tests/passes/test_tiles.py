"""Nests that run tile by tile: which do, in which order, what memory they need, and that no bit depends on it."""

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import movement, reduction
from tapec.ops.symbolic import apply, broadcast, matmul, reduce_sum, transpose
from tapec.passes import tiles
from tapec.passes.fuse import fuse
from tapec.passes.loops import Load, Nest
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.steps import Step, Sum, Tiles
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


@pytest.fixture
def small(monkeypatch):
    """Tiles of a few rows, for arrays of any size."""
    monkeypatch.setattr(tiles, "SEED_BYTES", 0)
    monkeypatch.setattr(tiles, "LEAST_BYTES", 0)
    monkeypatch.setattr(tiles, "TILE_BYTES", 1 << 11)


def steps_of(function, *shapes) -> tuple[Step, ...]:
    return lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes))))).steps


def labels(tile: Tiles) -> list[str]:
    return [nest.label for nest in tile.nests]


def rows(x, primitive=reduction.sum, axis=-1):
    """A reduction over one axis, as the array's shape again."""
    axis %= len(x.shape)
    kept = tuple([1 if i == axis else n for i, n in enumerate(x.shape)])
    return broadcast(apply(movement.reshape, apply(primitive, x, axes=(axis,)), shape=kept), x.shape)


def softmax(x):
    e = apply(ew.exp, x - rows(x, reduction.max))
    return e / rows(e)


def test_softmax_is_one_step():
    """The exponentials live in one tile; the largest element and the sum of a row, too."""
    (step,) = steps_of(softmax, (4096, 256))
    assert isinstance(step, Tiles)
    assert labels(step) == ["max", "sub+exp+sum", "div"]
    assert sorted(step.local.values()) == [1, 1, 256]
    assert step.extent == 4096
    assert step.tile * 3 * 256 * 8 < 2 * tiles.TILE_BYTES


def test_a_small_chain_stays_as_it_is():
    """All of it is in cache anyway."""
    assert [type(s) for s in steps_of(softmax, (16, 32))] == [Nest] * 3


def test_leading_axes_count_as_one():
    """Batch and sequence together."""
    (step,) = steps_of(softmax, (64, 32, 256))
    assert isinstance(step, Tiles)
    assert step.extent == 64 * 32


def test_a_long_chain_becomes_several(monkeypatch):
    """LLVM takes longer for each nest of a long function than for one of a short one."""

    def many(x):
        for _ in range(4):
            x = softmax(x * 3.0)
        return x

    (whole,) = steps_of(many, (4096, 256))
    monkeypatch.setattr(tiles, "MOST_INSTRUCTIONS", 100)
    parts = steps_of(many, (4096, 256))
    assert len(parts) > 1
    assert all(isinstance(step, Tiles) for step in parts)
    assert [name for step in parts for name in labels(step)] == labels(whole)


def test_what_reads_other_rows_stays_outside():
    """A transposed read of what the tiles write needs all of it; what they write is then no local memory."""
    first, last = steps_of(lambda x: transpose(softmax(x), (1, 0)) * softmax(x), (512, 512))
    assert isinstance(first, Tiles)
    assert isinstance(last, Nest)
    read = {i.access.buffer for i in last.body if isinstance(i, Load)}
    assert not read & first.local.keys()


def test_a_step_between_that_the_chain_needs_not_is_passed():
    """The product's result is used behind the chain."""

    def f(x, w):
        product = matmul(w, w)
        y = softmax(x)
        return y, product + 1.0

    kinds = [type(s).__name__ for s in steps_of(f, (4096, 256), (64, 64))]
    assert kinds.count("Tiles") == 1
    assert len(kinds) == 3


def test_a_step_between_that_the_chain_needs_ends_it():
    """The quotient reads what a product made of the exponentials."""

    def f(x, w):
        e = apply(ew.exp, x - rows(x, reduction.max))
        return rows(e) / matmul(e, w)

    kinds = [type(s).__name__ for s in steps_of(f, (4096, 64), (64, 64))]
    assert kinds == ["Tiles", "LibraryStep", "Nest"]


def test_reductions_over_the_rows_go_on_from_tile_to_tile():
    """A sum over everything and one over axis 0 are there behind the last tile, and nothing in the tiles reads them."""

    def f(x):
        y = softmax(x)
        total = reduce_sum(y * y, (0, 1))
        columns = reduce_sum(y, (0,))
        return total, y * broadcast(columns, y.shape)

    tile, last = steps_of(f, (4096, 256))
    assert isinstance(tile, Tiles)
    sums = [item for item in tile.items if isinstance(item, Sum)]
    assert [s.nest.row for s in sums] == [True, False]
    assert [s.partials.size for s in sums] == [512 * 16, 32 * 256]
    assert isinstance(last, Nest)


def test_one_nest_that_adds_over_many_pages_is_tiled():
    """Strips of columns would take an element or two from each page; not where a strip is all of a row, and not where
    address translation remembers all pages.
    """

    def f(x):
        y = apply(ew.exp, x)
        return y, reduce_sum(y, (0,))

    shapes = ((2048, 1024), (2048 * 1024 // 16, 16), (256, 1024))
    assert [[type(s) for s in steps_of(f, shape)] for shape in shapes] == [[Tiles], [Nest], [Nest]]
    assert [type(s) for s in steps_of(lambda x: reduce_sum(x, (0,)), (2048, 1024))] == [Nest]  # nothing but the strips


def test_one_tiled_nest_gives_the_same_bits(small, monkeypatch):
    monkeypatch.setattr(tiles, "MANY_PAGES", 0)
    x = np.random.default_rng(1).normal(size=(1500, 40))

    def f(x):
        y = apply(ew.exp, x)
        return y, reduce_sum(y, (0,))

    graph = graph_of(f, x)
    executable = compile_graph(graph)
    assert [type(s) for s in executable.program.steps] == [Tiles]
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


def test_threads_begin_where_blocks_do():
    """128 rows of a sum over axis 0; 4 rows of 512 elements are a block of 2,048."""
    (columns,) = steps_of(lambda x: reduce_sum(softmax(x), (0,)), (4096, 512))
    assert isinstance(columns, Tiles)
    assert columns.unit == 128
    (total, *_) = steps_of(lambda x: reduce_sum(softmax(x), (0, 1)), (4096, 512))
    assert isinstance(total, Tiles)
    assert total.unit == total.tile == 16


def test_a_reduction_that_would_leave_threads_no_place_to_begin_comes_behind():
    """256 rows are two blocks of columns; what is summed is made there too."""
    tile, last = steps_of(lambda x: reduce_sum(softmax(x), (0,)), (256, 2048))
    assert isinstance(tile, Tiles)
    assert not any(isinstance(item, Sum) for item in tile.items)
    assert isinstance(last, Nest)
    assert last.label == "div+sum"


def test_a_nest_that_only_feeds_such_a_reduction_is_left_whole():
    """It would write as much for it as it reads."""

    def f(x):
        y = softmax(x)
        return y, reduce_sum(y + rows(y, reduction.max), (0,))

    tile, last = steps_of(f, (256, 2048))
    assert isinstance(tile, Tiles)
    assert isinstance(last, Nest)
    assert last.label == "add+sum"


def chain(seed, shape):
    """A random chain of row-wise steps with reductions over rows, columns and everything in it."""
    unary = [ew.sin, ew.exp, ew.tanh, ew.neg]
    binary = [ew.add, ew.mul, ew.sub, ew.maximum]

    def f(x, w):
        draw = np.random.default_rng(seed)
        values, outs = [x, x * broadcast(w, shape)], []
        for _ in range(10):
            a, b = (values[-1 - draw.integers(min(3, len(values)))] for _ in range(2))
            kind = draw.integers(6)
            if kind == 0:
                values.append(apply(unary[draw.integers(4)], a))
            elif kind < 3:
                values.append(apply(binary[draw.integers(4)], a, b))
            elif kind == 3:
                values.append(a - rows(a, (reduction.sum, reduction.max)[draw.integers(2)]))
            elif kind == 4:
                outs.append(reduce_sum(a, (tuple(range(len(shape))), tuple(range(len(shape) - 1)))[draw.integers(2)]))
            else:
                outs.append(apply(reduction.max, a, axes=(0,)))
        return (*outs, values[-1], values[-2])

    return f


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("shape", [(300, 8), (4099, 5), (1000, 10), (130, 257), (37, 64), (20, 30, 16), (513, 7, 5)])
def test_same_bits_as_op_by_op(shape):
    """Rows that are and are not whole vectors, a last tile that is shorter, blocks that end inside a tile."""
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=shape), rng.normal(size=shape[-1:])]
    made = 0
    for seed in range(5):
        graph = graph_of(chain(seed, shape), *arrays)
        executable = compile_graph(graph)
        made += sum(isinstance(s, Tiles) for s in executable.program.steps)
        with np.errstate(all="ignore"):
            expected, _ = interpret(graph, arrays)
        assert_same_bits(executable.run(arrays)[1], expected)
    assert made >= 2


@pytest.mark.usefixtures("small")
def test_same_bits_of_other_types():
    """float32, integers and booleans."""
    rng = np.random.default_rng(4)
    for dtype in (np.float32, np.int32, np.bool_):
        x = rng.integers(0, 2, (300, 24)).astype(dtype)

        def f(s):
            y = apply(ew.maximum, s, rows(s, reduction.max))
            return y, apply(reduction.max, y, axes=(0,)), apply(reduction.min, y, axes=(0, 1))

        graph = graph_of(f, x)
        executable = compile_graph(graph)
        assert any(isinstance(s, Tiles) for s in executable.program.steps)
        assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])


def test_tiles_print():
    """Their size, what is local, and the nests in them."""
    executable = compile_graph(graph_of(softmax, np.zeros((4096, 256))))
    loops = next(s.text for s in executable.stages() if s.name == "loops")
    assert "step 0: tiles of " in loops
    assert "    local: tmp" in loops
