"""Equal functions of scalars in the body of a loop become functions of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from control_graphs import F64, graph_with, region

import tapec as tp
from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import control
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, reduce_sum
from tapec.passes.pack_scalars import PackScalars
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

LOOP = {"consts": 0, "carries": 4, "length": 3, "reverse": False}


def looped(body: Any, types: Any = (F64,) * 4) -> Graph:
    return graph_with(control.scan, list(types), LOOP, region(list(types), body))


def packed(graph: Graph, arrays: Any = None) -> list[tuple[str, tuple[int, ...]]]:
    """The dear ops of the body afterwards, with their shapes; results must keep their bits."""
    made = PackScalars().run(graph)
    verify(made)
    arrays = [np.array(v, graph.inputs[0].type.dtype.numpy) for v in arrays or (0.3, 0.5, 0.7, 1.1)]
    expected = interpret(graph, arrays)[0]
    for found in (interpret(made, arrays)[0], compile_graph(made).run(arrays)[1], compile_graph(graph).run(arrays)[1]):
        for a, b in zip(found, expected, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    (op,) = [op for op in made.ops if op.regions]
    names = ("sin", "cos", "exp", "tanh", "pow")
    return [(op.primitive.name, op.result.shape) for op in op.regions[0].ops if op.primitive.name in names]


def test_four_sines_are_one():
    assert packed(looped(lambda *c: tuple(apply(ew.sin, x) * 1.1 for x in c))) == [("sin", (4,))]


def test_three_stay():
    def body(a, b, c, d):
        return apply(ew.sin, a), apply(ew.sin, b), apply(ew.sin, c), d * 0.5

    assert packed(looped(body)) == [("sin", ())] * 3


def test_cheap_ops_stay():
    graph = looped(lambda *c: tuple(x * 0.5 + 1.0 for x in c))
    assert str(PackScalars().run(graph)) == str(graph)


def test_chains_are_packed_level_by_level():
    """Each reads another one's sine; sines and exponentials take turns in one half."""

    def body(a, b, c, d):
        first = [apply(ew.sin, x) for x in (a, b, c, d)]
        second = [apply(ew.sin, x + y) for x, y in zip(first, first[1:] + first[:1], strict=True)]
        return tuple(second)

    assert packed(looped(body)) == [("sin", (4,)), ("sin", (4,))]


def test_crossing_groups():
    """Sines of exponentials and exponentials of sines: neither group may wait for the other."""

    def body(a, b, c, d):
        x, y = [apply(ew.sin, v) for v in (a, b, c, d)], [apply(ew.exp, v * -1.0) for v in (a, b, c, d)]
        return tuple(apply(ew.exp, u * -1.0) + apply(ew.sin, v) for u, v in zip(x, y, strict=True))

    assert sorted(packed(looped(body))) == [("exp", (4,))] * 2 + [("sin", (4,))] * 2


def test_a_shared_operand_stays_a_scalar():
    def body(a, b, c, d):
        base = a * 0.3 + 0.1
        return tuple(apply(ew.pow, base, x) for x in (a, b, c, d))

    assert packed(looped(body)) == [("pow", (4,))]


@pytest.mark.parametrize("dtype", [dtypes.F32, dtypes.F64])
def test_dtypes(dtype):
    types = (tensor_type(dtype, ()),) * 4
    assert packed(looped(lambda *c: tuple(apply(ew.tanh, x) + x for x in c), types)) == [("tanh", (4,))]


def test_bodies_with_arrays_keep_their_order():
    wide = tensor_type(dtypes.F64, (100,))

    def body(a, b, c, d, row):
        more = reduce_sum(row * row, (0,))
        return apply(ew.sin, a), apply(ew.sin, b), apply(ew.sin, c), apply(ew.sin, d) + more

    types = [F64] * 4 + [tensor_type(dtypes.F64, (3, 100))]
    graph = graph_with(control.scan, types, LOOP, region([F64] * 4 + [wide], body))
    assert str(PackScalars().run(graph)) == str(graph)


def test_gradients_against_central_differences():
    """A ring of sines: forward and backward loop are packed."""

    def f(x, rounds=20):
        def step(_, c):
            return tuple(np.sin(c[k]) * 0.5 + c[k - 1] * 0.6 for k in range(6))

        return sum(tp.fori_loop(0, rounds, step, tuple(x[k] for k in range(6))))

    x = np.linspace(0.1, 1.0, 6)
    gradient = tp.value_and_grad(f)
    value, found = gradient(x)
    assert "sin" in gradient.inspect(x).optimised
    for i in range(6):
        step = np.eye(6)[i] * 1e-6
        np.testing.assert_allclose(found[i], (gradient(x + step)[0] - gradient(x - step)[0]) / 2e-6, rtol=1e-7)
    _, path = gradient._run(gradient._take_apart((x,), {}))
    forward, *_ = [op for op in path.executable.graph.ops if op.primitive is control.scan]
    shapes = {op.result.shape for op in forward.regions[0].ops if op.primitive in (ew.sin, ew.cos)}
    assert shapes == {(6,)}
    with tp.eager():
        assert gradient(x)[0] == value


def test_of_while_loops():
    def f(x):
        def body(c):
            return tuple(np.exp(-v * v) + v for v in c)

        return sum(tp.while_loop(lambda c: c[0] < 2.0, body, tuple(x[k] for k in range(5))))

    x = np.linspace(0.1, 0.9, 5)
    gradient = tp.value_and_grad(f)
    found = gradient(x)[1]
    step = np.eye(5)[2] * 1e-6
    np.testing.assert_allclose(found[2], (gradient(x + step)[0] - gradient(x - step)[0]) / 2e-6, rtol=1e-7)
