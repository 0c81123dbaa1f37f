"""`sweeps`, of which derivatives of while loops are made: types, meaning, machine code, batching and derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from control_graphs import F64, I64, arrays_for, check, f64, graph_with, region

from tapec.errors import AttributeValueError, DTypeError, IndexOutOfRangeError, ShapeError
from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ir.parser import parse_graph
from tapec.ir.printer import print_graph
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES, control
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, broadcast, cast, reduce_sum, take
from tapec.passes.adjoint import adjoint
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.splice import splice
from tapec.passes.tangent import tangent
from tapec.passes.vectorize import vectorize
from tapec.runtime.control import execute_control
from tapec.runtime.interpreter import interpret, interpret_control

RNG = np.random.default_rng(8)


def two_sweeps() -> Graph:
    """Forward `x = sin(x) * a`, which stores x and its cosine; then backward, with an index that counts rounds."""

    def forward(a, x):
        return apply(ew.sin, x) * a, x, apply(ew.cos, x)

    def backward(a, y, n, x, cosine):
        return y * cosine * a + broadcast(reduce_sum(x, (0,)), (2,)), n + 1

    regions = (region([F64, f64(2)], forward), region([F64, f64(2), I64, f64(2), f64(2)], backward))
    attributes = {"consts": 1, "carries": (1, 2), "reverse": (False, True)}
    return graph_with(control.sweeps, [F64, I64, f64(2), f64(2), I64], attributes, *regions)


def while_loop() -> Graph:
    """A carry of each dtype, a const, a matrix product."""
    types = [f64(2, 2), f64(2), F64, I64]

    def step(w, x, scale, n):
        row = reduce_sum(w * broadcast(x, (2, 2)), (1,))
        return apply(ew.sin, row) + x * broadcast(scale, (2,)), scale * 1.1, n + 1

    return graph_with(
        control.while_loop, types, {"consts": 1}, region(types, lambda _w, _x, s, _n: s < 2.0), region(types, step)
    )


# What it means --------------------------------------------------------------------------------------------------------


def test_meaning():
    a, x, y = 0.7, np.array([0.3, 1.2]), np.array([1.0, -2.0])
    found = interpret(two_sweeps(), [np.array(a), np.array(3), x, y, np.array(0)])[0]
    kept = []
    for _ in range(3):
        kept.append(x)
        x = np.sin(x) * a
    for before in reversed(kept):
        y = y * np.cos(before) * a + np.sum(before)
    np.testing.assert_allclose(found[0], x, rtol=1e-15)
    np.testing.assert_allclose(found[1], y, rtol=1e-15)
    assert found[2] == 3


@pytest.mark.parametrize("rounds", [0, 1, 7, 1000])
def test_machine_code_has_the_bits_of_the_interpreter(rounds):
    (op,) = two_sweeps().ops
    arrays = [np.array(0.9), np.array(rounds), np.array([0.3, 1.2]), np.array([1.0, -2.0]), np.array(0)]
    expected = interpret_control(op.primitive, arrays, op.attributes, op.regions)
    for a, b in zip(execute_control(op.primitive, arrays, op.attributes, op.regions), expected, strict=True):
        assert a.tobytes() == b.tobytes()


def test_text_round_trip():
    text = print_graph(two_sweeps())
    assert print_graph(parse_graph(text, PRIMITIVES)) == text


def test_more_rounds_than_memory():
    (op,) = two_sweeps().ops
    for rounds in (2**42, 2**61):  # more than there is, and more than can be counted in bytes
        arrays = [np.array(0.9), np.array(rounds), np.ones(2), np.ones(2), np.array(0)]
        with pytest.raises(MemoryError, match="sweeps: no memory"):
            execute_control(op.primitive, arrays, op.attributes, op.regions)


def test_an_index_out_of_range():
    table = f64(4)

    def forward(t, x, n):
        row = take(t, n, 0)
        return x + row, n + 1, row

    regions = (region([table, F64, I64], forward), region([table, F64, F64], lambda _t, y, row: y * row))
    attributes = {"consts": 1, "carries": (2, 1), "reverse": (False, True)}
    for rounds in (4, 5):
        arrays = [np.ones(4), np.array(rounds), np.array(0.0), np.array(0), np.array(1.0)]
        if rounds == 4:
            assert execute_control(control.sweeps, arrays, attributes, regions)[0] == 4.0
            continue
        with pytest.raises(IndexOutOfRangeError):
            execute_control(control.sweeps, arrays, attributes, regions)


def test_wrong_types():
    body = region([F64, F64], lambda a, x: x * a)
    with pytest.raises(AttributeValueError, match="one entry for each of 1 regions"):
        graph_with(control.sweeps, [F64, I64, F64], {"consts": 1, "carries": (1, 1), "reverse": (False,)}, body)
    with pytest.raises(AttributeValueError, match="among 2 operands"):
        graph_with(control.sweeps, [F64, I64], {"consts": 1, "carries": (1,), "reverse": (False,)}, body)
    with pytest.raises(DTypeError, match="the rounds must be"):
        graph_with(control.sweeps, [F64, F64, F64], {"consts": 1, "carries": (1,), "reverse": (False,)}, body)
    with pytest.raises(ShapeError, match="the inputs of region 0"):
        graph_with(control.sweeps, [f64(3), I64, F64], {"consts": 1, "carries": (1,), "reverse": (False,)}, body)
    longer = region([F64, F64], lambda a, x: broadcast(x * a, (2,)))
    with pytest.raises(ShapeError, match="the carries of region 0"):
        graph_with(control.sweeps, [F64, I64, F64], {"consts": 1, "carries": (1,), "reverse": (False,)}, longer)


# Derivatives ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [while_loop, two_sweeps])
def test_derivatives_to_third_order(make):
    graph = make()
    check(
        graph,
        [np.array(3) if v.type == I64 else a for v, a in zip(graph.inputs, arrays_for(graph), strict=True)],
        order=3,
    )


def test_only_what_the_derivative_reads_is_stored():
    """Of `x * a` per round: x for the gradient in a, nothing for the gradient in x."""
    types = [F64, F64]
    graph = graph_with(
        control.while_loop, types, {"consts": 1}, region(types, lambda _, x: x < 9.0), region(types, lambda a, x: x * a)
    )
    stored = []
    for wanted in (graph.inputs[:1], graph.inputs[1:]):
        made = adjoint(graph, graph.outputs[:1], wanted).graph
        (op,) = [op for op in DeadCodeElimination().run(made).ops if op.primitive is control.sweeps]
        stored.append(sum(control.sweep_parts(op.attributes, op.regions).rows))
    assert stored == [1, 0]


def test_a_loop_that_nothing_is_stored_for_does_not_run_again():
    types = [F64, F64]
    graph = graph_with(
        control.while_loop, types, {"consts": 1}, region(types, lambda _, x: x < 9.0), region(types, lambda a, x: x * a)
    )
    made = adjoint(graph, graph.outputs[:1], graph.inputs[1:]).graph
    (op,) = [op for op in made.ops if op.primitive is control.sweeps]
    assert op.attributes["reverse"] == (True,)


# Many examples at once ------------------------------------------------------------------------------------------------


def batched_examples(graph: Graph, size: int, batched: tuple[bool, ...]) -> list[Any]:
    arrays: list[Any] = []
    for n, v in enumerate(graph.inputs):
        shape = (size, *v.shape) if batched[n] else v.shape
        arrays.append(np.asarray(RNG.uniform(0.5, 1.5, shape) if v.type.dtype.is_float else RNG.integers(0, 5, shape)))
    return arrays


@pytest.mark.parametrize("size", [3, 0])
@pytest.mark.parametrize(
    "batched",
    [
        (False, True, False, False, False),
        (True, False, False, False, False),
        (False, False, True, False, False),
        (False, False, False, True, True),
        (True, True, True, True, True),
    ],
)
def test_batching(batched, size):
    """Also with numbers of rounds that differ from example to example."""
    graph = two_sweeps()
    arrays = batched_examples(graph, size, batched)
    made = vectorize(graph, size, batched)
    verify(made.graph)
    found = interpret(made.graph, arrays)[0]
    for example in range(size):
        expected = interpret(graph, [a[example] if b else a for a, b in zip(arrays, batched, strict=True)])[0]
        for got, is_batched, want in zip(found, made.batched, expected, strict=True):
            np.testing.assert_allclose(got[example] if is_batched else got, want, rtol=1e-14)


def test_forward_mode_of_no_moving_carry():
    """Tangents of consts that no sweep reads leave nothing behind."""
    regions = (region([F64, F64], lambda _, x: x * 2.0),)
    graph = graph_with(control.sweeps, [F64, I64, F64], {"consts": 1, "carries": (1,), "reverse": (False,)}, *regions)
    assert tangent(graph, graph.outputs, graph.inputs[:1]).tangents == (None,)


def test_float32_rows_and_masks():
    f32 = tensor_type(dtypes.F32, ())

    def step(x):
        return apply(ew.sin, x) * cast(x < 0.5, dtypes.F32) + x

    graph = graph_with(
        control.while_loop,
        [f32],
        {"consts": 0},
        region([f32], lambda x: x < 2.0),
        region([f32], lambda x: step(x) * 1.5),
    )
    made = adjoint(graph, graph.outputs[:1], graph.inputs)
    joint = Graph("joint", [*graph.inputs, made.graph.inputs[0]], list(graph.ops))
    mapping = splice(made.graph, joint, [joint.inputs[1], *made.residuals])
    joint.outputs = [mapping[v] for v in made.graph.outputs]
    (found,) = interpret(joint, [np.array(0.3, np.float32), np.array(1.0, np.float32)])[0]
    x, slope = np.float32(0.3), 1.0
    while x < 2.0:
        slope *= 1.5 * (1.0 + (np.cos(x) if x < 0.5 else 0.0))
        x = np.float32(1.5) * ((np.sin(x) if x < 0.5 else np.float32(0.0)) + x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slope, rtol=1e-5)
