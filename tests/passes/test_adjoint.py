"""The adjoint and tangent passes as text: what is written, what is not, and what is read of the primal graph."""
# ruff: noqa: E501 - the text form has one op a line, however long

import numpy as np
import pytest
from graph_text import body_of, graph_of

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Location
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import creation
from tapec.ops import elementwise as ew
from tapec.passes.adjoint import adjoint
from tapec.passes.tangent import tangent


def reverse(body, wrt, given=None):
    graph = graph_of(body)
    result = adjoint(graph, graph.outputs, [graph.inputs[i] for i in wrt], given)
    verify(result.graph)
    return result


def forward(body, wrt):
    graph = graph_of(body)
    result = tangent(graph, graph.outputs, [graph.inputs[i] for i in wrt])
    verify(result.graph)
    return result


def made_by(values):
    return ["input" if v.op is None else v.op.primitive.name for v in values]


LAYER = """
^bb0(%arg0: tensor<4x3xf32>, %arg1: tensor<3x2xf32>, %arg2: tensor<2xf32>):
  %0 = "tapec.matmul"(%arg0, %arg1) : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  %1 = "tapec.add"(%0, %arg2) : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %2 = "tapec.relu"(%1) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %3 = "tapec.sum"(%2) {axes = array<i64: 0, 1>} : (tensor<4x2xf32>) -> tensor<f32>
  "tapec.return"(%3) : (tensor<f32>) -> ()
"""


def test_layer_reads_relus_result_and_the_other_factor_only():
    result = reverse(LAYER, [1, 2], [False])
    assert made_by(result.residuals) == ["relu", "input"]
    assert body_of(result.graph) == (
        """\
^bb0(%arg0: tensor<4x2xf32>, %arg1: tensor<4x3xf32>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f32", tapec.phase = "adjoint"} : () -> tensor<f32>
  %1 = "tapec.constant"() {value = 0.0 : f64, dtype = "f32", tapec.phase = "adjoint"} : () -> tensor<f32>
  %2 = "tapec.gt"(%arg0, %1) {tapec.phase = "adjoint"} : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xi1>
  %3 = "tapec.constant"() {value = 0.0 : f64, dtype = "f32", tapec.phase = "adjoint"} : () -> tensor<f32>
  %4 = "tapec.select"(%2, %0, %3) {tapec.phase = "adjoint"} : (tensor<4x2xi1>, tensor<f32>, tensor<f32>) -> tensor<4x2xf32>
  %5 = "tapec.sum"(%4) {axes = array<i64: 0>, tapec.phase = "adjoint"} : (tensor<4x2xf32>) -> tensor<2xf32>
  %6 = "tapec.transpose"(%arg1) {permutation = array<i64: 1, 0>, tapec.phase = "adjoint"} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %7 = "tapec.matmul"(%6, %4) {tapec.phase = "adjoint"} : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  "tapec.return"(%7, %5) : (tensor<3x2xf32>, tensor<2xf32>) -> ()"""
    )


PRODUCT = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.mul"(%arg0, %arg1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %1 = "tapec.sin"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
"""


def test_both_modes_multiply_strongly_by_partials_and_reverse_sums_what_was_broadcast():
    assert body_of(reverse(PRODUCT, [0, 1]).graph) == (
        """\
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>, %arg3: tensor<f64>):
  %0 = "tapec.cos"(%arg1) {tapec.phase = "adjoint"} : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.strong_mul"(%arg0, %0) {tapec.phase = "adjoint"} : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.strong_mul"(%1, %arg3) {tapec.phase = "adjoint"} : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.strong_mul"(%1, %arg2) {tapec.phase = "adjoint"} : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.sum"(%3) {axes = array<i64: 0>, tapec.phase = "adjoint"} : (tensor<3xf64>) -> tensor<f64>
  "tapec.return"(%2, %4) : (tensor<3xf64>, tensor<f64>) -> ()"""
    )
    assert body_of(forward(PRODUCT, [0]).graph) == (
        """\
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>, %arg2: tensor<3xf64>):
  %0 = "tapec.strong_mul"(%arg0, %arg1) {tapec.phase = "tangent"} : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %1 = "tapec.cos"(%arg2) {tapec.phase = "tangent"} : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.strong_mul"(%0, %1) {tapec.phase = "tangent"} : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()"""
    )


MEAN = """
^bb0(%arg0: tensor<4x3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.add"(%arg0, %arg1) : (tensor<4x3xf64>, tensor<3xf64>) -> tensor<4x3xf64>
  %1 = "tapec.sum"(%0) {axes = array<i64: 0, 1>} : (tensor<4x3xf64>) -> tensor<f64>
  %2 = "tapec.constant"() {value = 12.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.div"(%1, %2) : (tensor<f64>, tensor<f64>) -> tensor<f64>
  "tapec.return"(%3) : (tensor<f64>) -> ()
"""


def test_uniform_cotangents_stay_scalars_until_the_end():
    result = reverse(MEAN, [1])
    assert result.residuals == ()
    assert body_of(result.graph) == (
        """\
^bb0(%arg0: tensor<f64>):
  %0 = "tapec.constant"() {value = 0.08333333333333333 : f64, dtype = "f64", tapec.phase = "adjoint"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) {tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %2 = "tapec.constant"() {value = 4.0 : f64, dtype = "f64", tapec.phase = "adjoint"} : () -> tensor<f64>
  %3 = "tapec.mul"(%1, %2) {tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %4 = "tapec.broadcast"(%3) {shape = array<i64: 3>, tapec.phase = "adjoint"} : (tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%4) : (tensor<3xf64>) -> ()"""
    )


BRANCHES = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<i64>):
  %0 = "tapec.exp"(%arg0) : (tensor<f64>) -> tensor<f64>
  %1 = "tapec.floor"(%arg1) : (tensor<f64>) -> tensor<f64>
  %2 = "tapec.stop_gradient"(%arg1) : (tensor<f64>) -> tensor<f64>
  %3 = "tapec.cos"(%arg1) : (tensor<f64>) -> tensor<f64>
  "tapec.return"(%0, %1, %2) : (tensor<f64>, tensor<f64>, tensor<f64>) -> ()
"""


def test_unconnected_is_none_and_flat_is_zero():
    graph = graph_of(BRANCHES)
    x, y, n = graph.inputs
    exp, floor, stopped = graph.outputs
    assert adjoint(graph, [exp], [x, y, n]).gradients[1:] == (None, None)
    assert adjoint(graph, [stopped], [y]).gradients == (None,)
    flat = adjoint(graph, [floor], [y])
    assert flat.gradients[0] is not None
    assert flat.residuals == ()
    assert flat.gradients[0].op.attributes["value"] == 0.0
    assert tangent(graph, [exp, floor, stopped], [x]).tangents[1:] == (None, None)


def test_a_target_among_the_sources_counts_itself():
    graph = graph_of(BRANCHES)
    (x, y, _), exp = graph.inputs, graph.outputs[0]
    result = adjoint(graph, [exp, exp, x], [exp, x, y], [False] * 3)
    assert result.gradients[0].op.primitive in (ew.add, creation.constant)
    assert result.gradients[1] is not None
    assert result.gradients[2] is None


def test_ops_carry_phase_and_the_users_line():
    graph = Graph("f")
    builder = Builder(graph)
    x = graph.add_input(tensor_type(dtypes.F64, (2,)))
    builder.location = Location("model.py", 3)
    y = builder.emit(ew.exp, (x,)).result
    builder.location = Location("model.py", 4)
    z = builder.emit(ew.sin, (y,)).result
    ops = adjoint(graph, [z], [x]).graph.ops
    assert [(op.primitive.name, op.location.line, op.phase) for op in ops] == [
        ("cos", 4, "adjoint"),
        ("strong_mul", 4, "adjoint"),
        ("strong_mul", 3, "adjoint"),
    ]


def test_the_given_graph_is_left_alone():
    graph = graph_of(LAYER)
    before = str(graph)
    adjoint(graph, graph.outputs, graph.inputs)
    tangent(graph, graph.outputs, graph.inputs)
    assert str(graph) == before


def test_tangents_of_integers_are_refused():
    graph = graph_of(BRANCHES)
    with pytest.raises(TypeError, match="floating"):
        tangent(graph, graph.outputs, [graph.inputs[2]])


@pytest.mark.parametrize("derivative", [adjoint, tangent])
def test_size_grows_linearly(derivative):
    def size(n):
        graph = Graph("chain")
        builder = Builder(graph)
        x = value = graph.add_input(tensor_type(dtypes.F64, ()))
        for _ in range(n):
            value = builder.emit(ew.mul, (builder.emit(ew.sin, (value,)).result, x)).result
        return len(derivative(graph, [value], [x]).graph.ops)

    assert size(400) - size(200) == 2 * (size(200) - size(100))


def test_constants_fold_in_the_dtype_of_the_graph():
    body = """
^bb0(%arg0: tensor<f32>):
  %0 = "tapec.constant"() {value = 3.0 : f64, dtype = "f32"} : () -> tensor<f32>
  %1 = "tapec.div"(%arg0, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  "tapec.return"(%1) : (tensor<f32>) -> ()
"""
    (gradient,) = reverse(body, [0], [False]).gradients
    assert gradient.op.attributes["value"] == float(np.float32(1) / np.float32(3))
