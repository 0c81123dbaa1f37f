"""Common subexpression elimination, as text before and after."""

from __future__ import annotations

import numpy as np
from graph_text import body_of, graph_of

import tapec as tp
from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import elementwise as ew
from tapec.passes.cse import CommonSubexpressionElimination


def cse(body: str) -> str:
    return body_of(CommonSubexpressionElimination().run(graph_of(body)))


def test_equal_ops_become_one_and_so_do_ops_on_them():
    before = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.sum"(%0) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  %3 = "tapec.sum"(%1) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  "tapec.return"(%2, %3) : (tensor<f64>, tensor<f64>) -> ()
"""
    after = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sum"(%0) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  "tapec.return"(%1, %1) : (tensor<f64>, tensor<f64>) -> ()
"""
    assert cse(before) == after.strip()


def test_commutative_operands_match_in_either_order():
    before = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.add"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.add"(%arg1, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.add"(%arg0, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %1, %2) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
"""
    after = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.add"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.add"(%arg0, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %0, %1) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
"""
    assert cse(before) == after.strip()


def test_what_differs_stays():
    # Operands in another order; constants that compare equal but have other bits or another dtype; attributes. The
    # maximum of 0.0 and -0.0 is whichever comes first.
    body = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.sub"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sub"(%arg1, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.maximum"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.maximum"(%arg1, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %5 = "tapec.constant"() {value = -0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %6 = "tapec.constant"() {value = 0.0 : f64, dtype = "f32"} : () -> tensor<f32>
  %7 = "tapec.cumsum"(%arg0) {axis = 0 : i64, reverse = false} : (tensor<3xf64>) -> tensor<3xf64>
  %8 = "tapec.cumsum"(%arg0) {axis = 0 : i64, reverse = true} : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
"""
    assert cse(body) == body.strip()


def test_constants_that_are_nan_are_equal():
    before = """
^bb0:
  %0 = "tapec.constant"() {value = 0x7FF8000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.constant"() {value = 0x7FF8000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  "tapec.return"(%0, %1) : (tensor<f64>, tensor<f64>) -> ()
"""
    after = """
^bb0:
  %0 = "tapec.constant"() {value = 0x7FF8000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  "tapec.return"(%0, %0) : (tensor<f64>, tensor<f64>) -> ()
"""
    assert cse(before) == after.strip()


def test_guards_all_stay_and_index_checks_become_one():
    before = """
^bb0(%arg0: tensor<i64>):
  "tapec.guard"(%arg0) {expected = 1 : i64} : (tensor<i64>) -> ()
  "tapec.guard"(%arg0) {expected = 1 : i64} : (tensor<i64>) -> ()
  %0 = "tapec.wrap_index"(%arg0) {size = 4 : i64} : (tensor<i64>) -> tensor<i64>
  %1 = "tapec.wrap_index"(%arg0) {size = 4 : i64} : (tensor<i64>) -> tensor<i64>
  "tapec.return"(%0, %1) : (tensor<i64>, tensor<i64>) -> ()
"""
    after = """
^bb0(%arg0: tensor<i64>):
  "tapec.guard"(%arg0) {expected = 1 : i64} : (tensor<i64>) -> ()
  "tapec.guard"(%arg0) {expected = 1 : i64} : (tensor<i64>) -> ()
  %0 = "tapec.wrap_index"(%arg0) {size = 4 : i64} : (tensor<i64>) -> tensor<i64>
  "tapec.return"(%0, %0) : (tensor<i64>, tensor<i64>) -> ()
"""
    assert cse(before) == after.strip()


def test_the_first_op_stays_with_its_location_and_phase():
    graph = graph_of("""
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64> loc("a.py":5:0)
  %1 = "tapec.exp"(%arg0) {tapec.phase = "adjoint"} : (tensor<3xf64>) -> tensor<3xf64> loc("a.py":6:0)
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""")
    (op,) = CommonSubexpressionElimination().run(graph).ops
    assert (str(op.location), op.phase) == ("a.py:5", "primal")


def test_cheap_ops_are_done_again_in_the_backward_pass():
    """And what is expensive is found all the same, behind cheap ops that are not."""
    graph = Graph("f")
    x = graph.add_input(tensor_type(dtypes.F64, (3,)))
    builder = Builder(graph)
    for phase in ("primal", "adjoint", "adjoint"):
        builder.phase = phase
        square = builder.emit(ew.mul, (x, x)).result
        graph.outputs.append(builder.emit(ew.exp, (square,)).result)
        graph.outputs.append(square)
    kept = CommonSubexpressionElimination().run(graph)
    verify(kept)
    assert [(op.primitive.name, op.phase) for op in kept.ops] == [
        ("mul", "primal"), ("exp", "primal"), ("mul", "adjoint"),
    ]  # fmt: skip
    assert [kept.outputs.index(v) for v in kept.outputs] == [0, 1, 0, 3, 0, 3]


def test_loops_of_the_backward_pass_begin_with_what_is_there():
    """Else they would not be found to be the loops of the forward pass, which then ran twice."""

    def f(u):
        u = u * u
        for _ in range(60):
            u = np.stack([u[1] - u[0], u[0] * u[2], np.sin(u[1])])
        return np.sum(u * u)

    gradient, x = tp.value_and_grad(f), np.array([0.3, 0.5, 0.7])
    gradient(x)
    assert gradient.inspect(x).stages["graph after passes"].count('"tapec.scan"') == 2
