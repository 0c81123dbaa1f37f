"""The forward part of a recording, as text before and after."""

from graph_text import body_of, graph_of

from tapec.ir.verifier import verify
from tapec.passes.forward_part import forward_part


def test_it_ends_before_the_first_derivative_and_gives_what_is_read_later():
    graph = graph_of("""
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.sin"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sum"(%0) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  %2 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.cos"(%arg0) {tapec.phase = "adjoint"} : (tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.mul"(%3, %0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %4) : (tensor<f64>, tensor<3xf64>) -> ()
""")
    part = forward_part(graph)
    verify(part)
    assert (
        body_of(part)
        == """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.sin"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sum"(%0) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  %2 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %0) : (tensor<f64>, tensor<3xf64>) -> ()
""".strip()
    )


def test_a_graph_without_derivatives_is_its_own_forward_part():
    graph = graph_of("""
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.sin"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""")
    assert forward_part(graph) is graph
