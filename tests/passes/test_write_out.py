"""Short axes that are written out: when, what becomes of them, and that no bit changes."""

from __future__ import annotations

import numpy as np
import pytest
from graph_making import graph_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import STRAIGHT, assert_same_bits, graphs, random_inputs

import tapec as tp
from tapec.ir.graph import Graph
from tapec.ops import contraction, movement, reduction
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, broadcast, matmul, reduce_sum, reshape, transpose
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.ordered_reductions import OrderedReductions
from tapec.passes.short_axes import short_axis
from tapec.passes.turn_products import TurnProducts
from tapec.passes.write_out import WriteOut
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

RNG = np.random.default_rng(0)
POINTS, FEW = RNG.normal(size=(50, 3)), RNG.normal(size=(5, 3))

SHAPES = ((20, 3), (20, 1), (3,), (1, 3), (), (20,), (2, 20, 2), (20, 2), (20, 1, 3), (20, 3, 1), (20, 3, 3), (3, 20))
PLAIN = tuple(
    [p for p in STRAIGHT if p.family.name in ("elementwise", "reduction", "movement", "concatenation", "contraction")]
)


def written(function, *arrays) -> Graph:
    return DeadCodeElimination().run(WriteOut().run(graph_of(function, *arrays)))


def counts(graph: Graph, *primitives) -> list[int]:
    return [sum(op.primitive is p for op in graph.ops) for p in primitives]


def nests(function, *arrays) -> list[str]:
    """The lines of the loops that begin a nest."""
    lines = compile_graph(graph_of(function, *arrays))._written.forms.loops.splitlines()
    return [line for line in lines if "nest" in line]


def test_what_is_short():
    assert short_axis((50, 3)) == 1
    assert short_axis((50, 4, 1)) == 1
    assert short_axis((4, 4, 2)) is None  # nothing long
    assert short_axis((5, 3)) is None  # not enough of it
    assert short_axis((50, 5)) is None
    assert short_axis((3, 50)) is None  # its innermost axis is long
    assert short_axis((50, 0, 3)) is None


def test_distances_take_no_memory_of_their_own():
    """Differences of all pairs, squared and added up: one nest over pairs, whose lanes run along the second point."""

    def f(x):
        d = reshape(x, (50, 1, 3)) - reshape(x, (1, 50, 3))
        return apply(ew.sqrt, reduce_sum(d * d, (2,)))

    graph = written(f, POINTS)
    assert counts(graph, ew.sub, ew.mul, ew.add, reduction.sum) == [3, 3, 2, 0]
    assert len(nests(f, POINTS)) == 1


def test_a_number_for_each_position_is_a_scalar():
    graph = written(lambda x, s: x * s, POINTS, RNG.normal(size=3))
    assert counts(graph, ew.mul, movement.concat) == [3, 1]


def test_what_lies_side_by_side_stays_so():
    """Nothing tells positions apart: one loop over all elements."""
    assert counts(written(lambda x, y: x * y + 1.0, POINTS, POINTS), ew.mul) == [1]
    three = RNG.normal(size=(4, 50, 3))
    assert counts(written(lambda x, y: x * y, three, POINTS), ew.mul) == [1]


@pytest.mark.parametrize("function", [lambda x: reduce_sum(x * x, (1,)), lambda x: x * reshape(x, (5, 3))])
def test_few_points_stay_as_they_are(function):
    assert counts(written(function, FEW), ew.mul) == [1]


def test_positions_taken_apart_are_put_together_without_memory():
    """A cross product, written as NumPy's users do."""

    def part(x, k):
        return apply(movement.slice_, x, start=(0, k), size=(50, 1), step=(1, 1))

    def f(x, y):
        a, b = x + y, x - y
        pairs = ((1, 2), (2, 0), (0, 1))
        crossed = [part(a, i) * part(b, j) - part(a, j) * part(b, i) for i, j in pairs]
        return reduce_sum(apply(movement.concat, *crossed, axis=1) * x, (1,))

    assert counts(written(f, POINTS, POINTS), movement.concat) == [0]
    assert len(nests(f, POINTS, POINTS)) == 1


def test_products_are_chains():
    graph = written(lambda x, m: matmul(x, m), POINTS, RNG.normal(size=(3, 2)))
    assert counts(graph, contraction.matmul, contraction.fma) == [0, 6]
    assert counts(written(lambda x, m: matmul(x, m), FEW, RNG.normal(size=(3, 2))), contraction.matmul) == [1]
    assert counts(written(lambda x, m: matmul(x, m), POINTS, RNG.normal(size=(3, 5))), contraction.matmul) == [1]


def test_matrices_become_numbers():
    """Both axes of many small matrices."""
    a, b = RNG.normal(size=(2, 40, 3, 3))
    graph = written(lambda a, b: matmul(a, apply(ew.exp, b)), a, b)
    assert counts(graph, contraction.matmul, ew.exp, contraction.fma) == [0, 9, 27]


def test_loops_are_looked_into():
    @tp.function
    def f(x):
        return tp.fori_loop(0, 3, lambda _, x: x / np.linalg.norm(x, axis=1, keepdims=True) + x, x)

    f(POINTS)
    assert "reduce" not in f.inspect(POINTS).loops
    assert np.array_equal(f(POINTS), f(POINTS.copy()))


@given(graph=graphs(max_ops=12, primitives=PLAIN, shapes=SHAPES), seed=st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_random_graphs(graph: Graph, seed: int) -> None:
    """The bits of op-by-op runs, which know nothing of parts; those of the other targets' order too."""
    inputs = [np.asarray(a, order="C") for a in random_inputs(graph, seed)]
    with np.errstate(all="ignore"):
        expected, _ = interpret(graph, inputs)
        assert_same_bits(compile_graph(graph).run(inputs)[1], expected)
        assert_same_bits(interpret(OrderedReductions().run(graph), inputs)[0], expected)


@pytest.mark.parametrize("shape", [(40, 3), (7, 20, 4), (20, 3, 2), (20, 4, 1), (3, 17, 2)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.bool_])
def test_reductions(shape, dtype):
    """Over every choice of axes, zeros of both signs, NaN and infinities among the elements."""
    x = np.random.default_rng(3).integers(-2, 3, shape).astype(dtype)
    if x.dtype.kind == "f":
        x = np.where(x == 0, dtype(-0.0), x)
        x[1, 1], x[2, 0] = np.nan, np.inf
    primitives = [reduction.max, reduction.min] + [reduction.sum, reduction.prod] * (dtype is not np.bool_)
    axes = [a for a in ((0,), (1,), (0, 1), (2,), (1, 2), (0, 2), (0, 1, 2)) if max(a) < len(shape)]
    graph = graph_of(lambda s: tuple([apply(p, s, axes=a) for p in primitives for a in axes]), x)
    with np.errstate(all="ignore"):
        assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


def test_transposes_keep_their_place():
    """A result that has the parts as rows is written as rows."""

    def f(x, s):
        return transpose(x * s, (1, 0)), broadcast(reduce_sum(x, (1,)), (2, 50))

    graph = graph_of(f, POINTS, RNG.normal(size=3))
    arrays = [POINTS, RNG.normal(size=3)]
    assert_same_bits(compile_graph(graph).run(arrays)[1], interpret(graph, arrays)[0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.bool_])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("n", [16, 17, 31, 50])
def test_neighbours_are_loaded_and_stored_as_vectors(n, count, dtype):
    """All positions of points in any order, some of them more than once, and vectors that end before the array does."""
    x = np.random.default_rng(n).normal(size=(n + 1, count)).astype(dtype)
    which = np.random.default_rng(count).permutation(count)

    def f(s):
        inner = apply(movement.slice_, s, start=(1, 0), size=(n, count), step=(1, 1))
        parts = [apply(movement.slice_, inner, start=(0, k), size=(n, 1), step=(1, 1)) for k in which]
        return apply(movement.concat, *[apply(ew.maximum, p, parts[0]) for p in parts], axis=1)

    graph = graph_of(f, x)
    executable = compile_graph(graph)
    assert_same_bits(executable.run([x])[1], interpret(graph, [x])[0])
    assert "poison" in executable.text  # lanes of a shuffle that another one fills


def test_wide_products_are_turned():
    """A matrix times all points as columns, which einsum makes: no product is left, and no transpose in memory."""

    def f(m, x):
        return transpose(matmul(m, transpose(x, (1, 0))), (1, 0))

    m = RNG.normal(size=(3, 3))
    graph = DeadCodeElimination().run(WriteOut().run(TurnProducts().run(graph_of(f, m, POINTS))))
    assert counts(graph, contraction.matmul, contraction.fma, movement.transpose) == [0, 9, 1]  # that of m
    assert len(nests(f, m, POINTS)) == 1
    assert_same_bits(compile_graph(graph_of(f, m, POINTS)).run([m, POINTS])[1], interpret(graph, [m, POINTS])[0])


def test_sums_of_products_join_the_loops_around_them():
    """The gradient of a rotation: nine sums where the residuals are."""
    x, y = RNG.normal(size=(2, 300, 3))

    def f(m, x, y):
        residual = matmul(x, m) - y
        return reduce_sum(residual * residual, (0, 1)), matmul(transpose(x, (1, 0)), residual)

    lines = nests(f, RNG.normal(size=(3, 3)), x, y)
    assert len([line for line in lines if "300" in line]) == 1


def test_what_is_still_differentiated_keeps_its_products():
    def f(m, x):
        y = matmul(x, m)
        return apply(ew.mul, y, reshape(reduce_sum(apply(ew.mul, x, x), (1,)), (50, 1)))

    graph = graph_of(f, RNG.normal(size=(3, 3)), POINTS)
    made, whole = WriteOut(differentiable=True).traced(graph)
    assert counts(made, contraction.matmul, contraction.fma, reduction.sum) == [1, 0, 0]
    assert [whole[v] for v in (*graph.inputs, *graph.outputs)] == [*made.inputs, *made.outputs]
    (product,) = [op.result for op in graph.ops if op.primitive is contraction.matmul]
    assert whole[product].op in made.ops
    squares = next(op.result for op in graph.ops if op.primitive is ew.mul)
    assert squares not in whole
