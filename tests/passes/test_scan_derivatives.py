"""Derivatives of loops and branches as graphs: what they carry, stack and leave out, and that they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from control_graphs import BOOL, F64, I64, arrays_for, check, f64, graph_with, region
from graph_text import body_of, graph_of

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import control
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, cast, matmul, reduce_sum, reshape
from tapec.passes.adjoint import adjoint
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.residuals import needed_by_control
from tapec.passes.tangent import tangent


def scan(operands: list[TensorType], function: Any, consts: int, carries: int, length: int, reverse=False) -> Graph:
    first = consts + carries
    slices = [tensor_type(t.dtype, t.shape[1:]) for t in operands[first:]]
    attributes = {"consts": consts, "carries": carries, "length": length, "reverse": reverse}
    return graph_with(control.scan, operands, attributes, region([*operands[:first], *slices], function))


def scans(graph: Graph) -> list[Op]:
    return [op for op in graph.ops if op.primitive is control.scan]


# Right ---------------------------------------------------------------------------------------------------------------

RNN = [f64(2, 2), f64(2, 1), f64(3, 2, 1)]


def rnn(w: Sym, h: Sym, x: Sym) -> tuple[Sym, Sym]:
    new = matmul(w, h) * x + h
    return new, new * h


# Operands, body, and the numbers of consts, carries and rounds.
SCANS: dict[str, tuple[list[TensorType], Any, int, int, int]] = {
    "consts, carry and xs": (RNN, rnn, 1, 1, 3),
    "no xs, no ys": (RNN[:2], matmul, 1, 1, 3),
    "a map": (RNN[2:], lambda x: x * x, 0, 0, 3),
    "carries that swap": ([F64, F64], lambda a, b: (b, a * b), 0, 2, 4),
    "an integer carry": ([F64, I64, f64(4)], lambda a, n, x: (a * x + cast(n, dtypes.F64) * a, n + 1), 0, 2, 4),
    "a carry that stays": ([F64, F64, f64(3)], lambda a, b, x: (a, a * b + x), 0, 2, 3),
    "one way": ([F64, F64, f64(3)], lambda a, b, x: (a * x, b * a), 0, 2, 3),
    "no rounds": ([F64, f64(0)], lambda c, x: (c * x, c), 0, 1, 0),
    "one round": ([F64, f64(1)], lambda c, x: (c * x, c), 0, 1, 1),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", SCANS)
def test_scan(name, reverse):
    graph = scan(*SCANS[name], reverse)
    check(graph, arrays_for(graph))


def test_scan_in_scan():
    inner = {"consts": 1, "carries": 1, "length": 2, "reverse": False}
    body = region([F64, F64, F64], lambda a, c, x: (c * x + a, c * a))

    def outer(c, xs):
        found = c.builder.emit(control.scan, (c.value, c.value, xs.value), inner, (body,)).results
        last, ys = (Sym(c.builder, v) for v in found)
        return last * 0.5, ys

    graph = scan([F64, f64(3, 2)], outer, 0, 1, 3)
    check(graph, arrays_for(graph))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_cond(index):
    regions = [
        region([F64, f64(2)], lambda x, y: (x * y, x)),
        region([F64, f64(2)], lambda x, y: (y, x * x)),
        region([F64, f64(2)], lambda x, y: (y * y * x, x.constant(2.0))),
    ]
    graph = graph_with(control.cond, [I64, F64, f64(2)], {}, *regions)
    check(graph, [np.array(index), *arrays_for(graph)[1:]])


def test_while_loop():
    graph = graph_with(
        control.while_loop,
        [F64, F64, I64],
        {"consts": 1},
        region([F64, F64, I64], lambda _a, x, _n: x < 9.0),
        region([F64, F64, I64], lambda a, x, n: (x * a + x, n + 1)),
    )
    check(graph, arrays_for(graph))


# No more than needed --------------------------------------------------------------------------------------------------


def test_adjoint_of_a_scan_as_text():
    """The primal loop once more with its carry stacked, and a loop against it; ys have one cotangent for all rounds."""
    graph = graph_of("""
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>):
  %0 = "tapec.scan"(%arg0, %arg1) ({
  ^bb0(%arg2: tensor<f64>, %arg3: tensor<f64>):
    %1 = "tapec.mul"(%arg2, %arg3) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%1) : (tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 1 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>) -> tensor<f64>
  "tapec.return"(%0) : (tensor<f64>) -> ()
""")  # noqa: E501
    made = adjoint(graph, graph.outputs, graph.inputs)
    expected = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<f64>):
  %0:2 = "tapec.scan"(%arg1, %arg2) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<f64>):
    %1 = "tapec.mul"(%arg3, %arg4) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%1, %arg4) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 1 : i64, length = 3 : i64, reverse = false, tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<3xf64>)
  %2 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64", tapec.phase = "adjoint"} : () -> tensor<f64>
  %3:2 = "tapec.scan"(%arg1, %arg0, %2, %0#1) ({
  ^bb0(%arg5: tensor<f64>, %arg6: tensor<f64>, %arg7: tensor<f64>, %arg8: tensor<f64>):
    %4 = "tapec.strong_mul"(%arg6, %arg8) {tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %5 = "tapec.strong_mul"(%arg6, %arg5) {tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %6 = "tapec.add"(%arg7, %4) {tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%5, %6) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 2 : i64, length = 3 : i64, reverse = true, tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<f64>)
  "tapec.return"(%3#1, %3#0) : (tensor<f64>, tensor<f64>) -> ()
""".strip()  # noqa: E501
    assert body_of(made.graph) == expected


def backward(graph: Graph, targets: Any = None, wrt: Any = None) -> list[Op]:
    made = adjoint(graph, targets or graph.outputs, wrt or graph.inputs)
    return scans(DeadCodeElimination().run(made.graph))


def test_a_linear_loop_stacks_nothing():
    graph = scan([F64, F64, f64(3)], lambda a, c, x: c * a + x, 1, 1, 3)
    (loop,) = backward(graph, wrt=graph.inputs[1:])
    assert (loop.attributes["consts"], loop.attributes["carries"], len(loop.operands)) == (1, 1, 2)


def test_what_depends_on_consts_only_is_not_stacked():
    graph = scan([F64, F64], lambda a, c: c * (a * a), 1, 1, 3)
    (loop,) = backward(graph, wrt=graph.inputs[1:])
    assert (loop.attributes["consts"], len(loop.operands)) == (1, 2)


def test_a_carry_that_is_handed_on_is_not_stacked():
    graph = scan([F64, F64], lambda a, c: (a, c * a), 0, 2, 3)
    forward, loop = backward(graph)
    assert len(forward.results) - forward.attributes["carries"] == 1  # c
    assert loop.attributes["consts"] == 1  # a


def test_residuals_that_are_xs_or_ys_are_read_where_they_lie():
    def body(c: Sym, x: Sym) -> tuple[Sym, Sym]:
        y = apply(ew.exp, c * x)
        return c + y, y

    graph = scan([F64, f64(3)], body, 0, 1, 3)
    made = adjoint(graph, graph.outputs, graph.inputs)
    forward, loop = scans(made.graph)
    assert len(forward.results) == 2  # the carry, and its stack: exp's result is the primal loop's y
    assert graph.outputs[1] in made.residuals
    assert len(loop.operands) - loop.attributes["carries"] == 4  # x, y, c, and the cotangent of y


def test_views_are_stacked_as_what_they_are_views_of():
    graph = scan([f64(2, 1)], lambda c: reshape(reshape(c, (1, 2)) * reshape(c, (1, 2)), (2, 1)), 0, 1, 3)
    forward, _ = backward(graph)
    assert [v.shape for v in forward.results] == [(2, 1), (3, 2, 1)]


def test_a_uniform_cotangent_of_ys_is_not_spread_over_the_rounds():
    graph = scan([f64(2), f64(3, 2)], lambda c, x: (c * x, c * x), 0, 1, 3)
    total = Builder(graph)
    ys = Sym(total, graph.outputs[1])
    graph.outputs = [reduce_sum(ys, (0, 1)).value]
    made = adjoint(graph, graph.outputs, graph.inputs[:2])
    loop = scans(made.graph)[-1]
    assert loop.attributes["consts"] == 1
    assert loop.operands[0].shape == ()


def test_inactive_carries_have_no_cotangent():
    """A counter, and a carry of which nothing asked for is made."""
    graph = scan([F64, F64, I64], lambda a, b, n: (a * b, b * b, n + 1), 0, 3, 4)
    *_, loop = backward(graph, targets=graph.outputs[1:2], wrt=graph.inputs[:2])
    assert loop.attributes["carries"] == 1
    *_, loop = backward(graph, targets=graph.outputs[:1], wrt=graph.inputs[:1])
    assert loop.attributes["carries"] == 1


def test_unconnected_inputs_have_no_gradient():
    graph = scan([F64, F64, f64(3)], lambda a, b, x: (a * x, b * b), 0, 2, 3)
    assert [g is None for g in adjoint(graph, graph.outputs[1:], graph.inputs).gradients] == [True, False, True]
    assert [t is None for t in tangent(graph, graph.outputs, graph.inputs[:1]).tangents] == [False, True]


def test_tangents_of_inactive_carries_are_not_carried():
    graph = scan([F64, F64, f64(3)], lambda a, b, x: (a * x, b * a), 0, 2, 3)
    (loop,) = scans(tangent(graph, graph.outputs, graph.inputs[1:2]).graph)
    assert loop.attributes["carries"] == 2  # a, and the tangent of b, which does not read b


def test_branches_read_only_what_their_derivative_reads():
    regions = [region([F64, F64], lambda x, y: x + y), region([F64, F64], lambda x, _y: x * 2.0)]
    graph = graph_with(control.cond, [BOOL, F64, F64], {}, *regions)
    made = adjoint(graph, graph.outputs, graph.inputs[1:])
    (op,) = [op for op in made.graph.ops if op.regions]
    assert len(op.operands) == 2  # index and cotangent
    assert [r.type for r in made.residuals] == [BOOL]


def test_what_a_tape_keeps():
    graph = scan([F64, F64, f64(3)], lambda a, c, x: (c * a + x, c * c), 1, 1, 3)
    (op,) = graph.ops
    types = tuple([v.type for v in graph.inputs])
    needs = needed_by_control(control.scan, op.attributes, types, 0b010, op.regions)
    assert needs is not None
    assert needs.reached == (0, 1)
    assert needs.kept == (0, 1, 2)
    linear = scan([F64, F64, f64(3)], lambda a, c, x: c * a + x, 1, 1, 3)
    needs = needed_by_control(control.scan, op.attributes, types, 0b010, linear.ops[0].regions)
    assert needs is not None
    assert needs.kept == (0,)
    counter = scan([I64, F64], lambda n, c: (n + 1, c.constant(1.0)), 0, 2, 3)
    assert needed_by_control(control.scan, counter.ops[0].attributes, (I64, F64), 0b01, counter.ops[0].regions) is None
