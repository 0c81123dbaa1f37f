"""Reads across the grain: maps take a few lines of them at once, reductions read a copy."""

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, broadcast, reduce_sum, transpose
from tapec.passes.fuse import fuse
from tapec.passes.loops import Load, Nest
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.nest_lanes import turned_axis
from tapec.passes.steps import Tiles
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import forms_of


def nests_of(function, *shapes):
    """The nests, those that run tile by tile among them."""
    steps = lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes))))).steps
    return [nest for step in steps for nest in (step.nests if isinstance(step, Tiles) else (step,))]


def swapped(x, y):
    return transpose(x, (1, 0)) * y


def test_a_map_finds_the_axis_along_which_it_reads():
    """Rows that are long enough to leave the cache before the next one; not short ones, nor what lies side by side."""

    def axis(function, *shapes):
        (nest,) = nests_of(function, *shapes)
        assert isinstance(nest, Nest)
        return turned_axis(nest)

    assert axis(swapped, (512, 300), (300, 512)) == 0
    assert axis(swapped, (100, 300), (300, 100)) is None
    assert axis(swapped, (512, 8), (8, 512)) is None
    assert axis(lambda x, y: x * y, (300, 512), (300, 512)) is None
    assert axis(lambda x, y: transpose(x, (0, 2, 1)) * y, (4, 512, 300), (4, 300, 512)) == 1


def test_a_reduction_reads_a_copy():
    """Written by a map that is turned."""
    copy, *others = nests_of(lambda x, y: reduce_sum(swapped(x, y), (0, 1)), (512, 300), (300, 512))
    assert copy.label == "copy"
    assert turned_axis(copy) == 0
    assert all(i.access.strides[-1] == 1 for nest in others for i in nest.body if isinstance(i, Load))


def test_a_reduction_over_short_lines_reads_as_it_is():
    """They stay in cache."""
    assert len(nests_of(lambda x, y: reduce_sum(swapped(x, y), (0, 1)), (64, 300), (300, 64))) == 1


def test_what_repeats_is_copied_once():
    """A broadcast axis is no axis of the copy."""

    def f(x, y):
        return reduce_sum(broadcast(transpose(x, (1, 0)), y.shape) * y, (0, 1, 2))

    copy, *_ = nests_of(f, (512, 300), (3, 300, 512))
    assert copy.body[1].access.buffer.size == 512 * 300


@pytest.mark.parametrize("shape", [(512, 300), (300, 257), (17, 400), (400, 16), (1000, 37)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.bool_])
def test_same_bits_as_op_by_op(shape, dtype):
    """Last lines and last vectors that are shorter."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[::-1]).astype(dtype)

    def f(s, t):
        if dtype is np.bool_:
            return apply(ew.bit_and, transpose(s, (1, 0)), t)
        z = swapped(s, t)
        return z, transpose(z, (1, 0)) + s, reduce_sum(z, (0,)), reduce_sum(z, (1,)), reduce_sum(z, (0, 1))

    graph = graph_of(f, x, y)
    assert_same_bits(compile_graph(graph).run([x, y])[1], interpret(graph, [x, y])[0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.bool_])
@pytest.mark.parametrize("shape", [(256, 16), (512, 300), (257, 70), (300, 65), (1001, 129), (530, 1201)])
def test_maps_across_the_grain_have_the_same_results(shape, dtype):
    """Blocks at the end of either axis are smaller, and squares of registers do not fill them."""
    rng = np.random.default_rng(shape[0])
    x, y = (rng.normal(size=s).astype(dtype) for s in (shape, shape[::-1]))

    def function(a, b):
        return transpose(a, (1, 0)), apply(ew.maximum, transpose(a, (1, 0)), b)

    graph = graph_of(function, x, y)
    found = [s for s in nests_of(function, shape, shape[::-1]) if turned_axis(s) is not None]
    assert found
    assert_same_bits(compile_graph(graph).run([x, y])[1], interpret(graph, [x, y])[0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_maps_ask_for_the_next_block(dtype):
    """Small ones do not, and nobody asks for lines that are written past the caches."""

    def asked(function, *arrays):
        return forms_of(graph_of(function, *arrays), 256).text.count("call void @llvm.prefetch")

    side = 1030 if dtype is np.float64 else 1460
    small, large = np.ones((300, 300), dtype), np.ones((side, side), dtype)
    past = np.ones((1300, 1300) if dtype is np.float64 else (1800, 1800), dtype)
    assert not asked(lambda x: transpose(x, (1, 0)), small)
    assert asked(lambda x: transpose(x, (1, 0)), large) > asked(lambda x: transpose(x, (1, 0)), past) > 0


def test_several_arrays_are_turned_in_one_nest():
    """Also behind an axis that all share, and where one is a broadcast."""
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 300, 90)), rng.normal(size=(90, 300)), rng.normal(size=(300, 90))

    def function(a, b, c):
        turned = transpose(a, (0, 2, 1)) + broadcast(transpose(c, (1, 0)), (3, 90, 300))
        return turned * broadcast(b, (3, 90, 300)) + transpose(a, (0, 2, 1))

    graph = graph_of(function, x, y, z)
    assert_same_bits(compile_graph(graph).run([x, y, z])[1], interpret(graph, [x, y, z])[0])
