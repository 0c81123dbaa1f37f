"""Dead code elimination, as text before and after."""

from __future__ import annotations

from graph_text import body_of, graph_of

from tapec.passes.dce import DeadCodeElimination


def dce(body: str) -> str:
    return body_of(DeadCodeElimination().run(graph_of(body)))


def test_what_no_output_needs_goes():
    before = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sin"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.neg"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.cos"(%1) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2, %2) : (tensor<3xf64>, tensor<3xf64>) -> ()
"""
    after = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.neg"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %1) : (tensor<3xf64>, tensor<3xf64>) -> ()
"""
    assert dce(before) == after.strip()


def test_effects_stay_with_what_they_need():
    before = """
^bb0(%arg0: tensor<i64>, %arg1: tensor<f64>):
  %0 = "tapec.neg"(%arg0) : (tensor<i64>) -> tensor<i64>
  %1 = "tapec.wrap_index"(%0) {size = 4 : i64} : (tensor<i64>) -> tensor<i64>
  %2 = "tapec.lt"(%arg1, %arg1) : (tensor<f64>, tensor<f64>) -> tensor<i1>
  "tapec.guard"(%2) {expected = 1 : i64} : (tensor<i1>) -> ()
  %3 = "tapec.bit_not"(%2) : (tensor<i1>) -> tensor<i1>
  "tapec.return"() : () -> ()
"""
    after = """
^bb0(%arg0: tensor<i64>, %arg1: tensor<f64>):
  %0 = "tapec.neg"(%arg0) : (tensor<i64>) -> tensor<i64>
  %1 = "tapec.wrap_index"(%0) {size = 4 : i64} : (tensor<i64>) -> tensor<i64>
  %2 = "tapec.lt"(%arg1, %arg1) : (tensor<f64>, tensor<f64>) -> tensor<i1>
  "tapec.guard"(%2) {expected = 1 : i64} : (tensor<i1>) -> ()
  "tapec.return"() : () -> ()
"""
    assert dce(before) == after.strip()


def test_inputs_stay_whether_used_or_not():
    body = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  "tapec.return"(%arg1) : (tensor<f64>) -> ()
"""
    assert dce(body) == body.strip()


def test_locations_and_phases_stay():
    graph = graph_of("""
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) {tapec.phase = "adjoint"} : (tensor<3xf64>) -> tensor<3xf64> loc("a.py":5:0)
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""")
    (op,) = DeadCodeElimination().run(graph).ops
    assert (str(op.location), op.phase) == ("a.py:5", "adjoint")
