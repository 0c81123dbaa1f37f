"""Each rule of the verifier, broken once."""

from __future__ import annotations

import re

import numpy as np
import pytest
from graph_text import graph_of
from hypothesis import given, settings
from random_graphs import graphs

from tapec.errors import VerificationError
from tapec.ir import dtypes
from tapec.ir.graph import Graph, Location, Op, Value
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew

F64 = tensor_type(dtypes.F64, ())
F64X3 = tensor_type(dtypes.F64, (3,))
BODY = """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.add"(%0, %arg1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.sum"(%1) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>
  "tapec.return"(%2) : (tensor<f64>) -> ()
"""


@pytest.fixture
def graph() -> Graph:
    return graph_of(BODY)


def broken(graph: Graph, message: str) -> str:
    with pytest.raises(VerificationError, match=re.escape(message)) as caught:
        verify(graph)
    return str(caught.value)


@given(graph=graphs())
@settings(max_examples=50, deadline=None)
def test_graphs_of_the_builder_are_valid(graph):
    verify(graph)


def test_the_message_shows_the_op_among_its_neighbours(graph):
    graph.ops[1].location = Location("user.py", 12)
    graph.ops[1].operands = (Value(F64X3), graph.inputs[1])
    assert broken(graph, "add: operand 0 is not defined before it in this graph") == (
        "graph 'f': add: operand 0 is not defined before it in this graph\nwritten at user.py:12\n"
        '    "tapec.graph"() ({\n'
        "    ^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):\n"
        '      %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>\n'
        '-->   %1 = "tapec.add"(%undefined, %arg1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>\n'
        '      %2 = "tapec.sum"(%1) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>\n'
        '      "tapec.return"(%2) : (tensor<f64>) -> ()\n'
        '    }) {sym_name = "f"} : () -> ()'
    )


def test_use_before_definition(graph):
    graph.ops[0], graph.ops[1] = graph.ops[1], graph.ops[0]
    broken(graph, "add: operand 0 is not defined before it in this graph")


def test_an_operand_of_another_graph(graph):
    graph.ops[1].operands = (graph_of(BODY).ops[0].result, graph.inputs[1])
    broken(graph, "add: operand 0 is not defined before it in this graph")


def test_an_op_that_stands_twice(graph):
    graph.ops.insert(1, graph.ops[0])
    broken(graph, "exp: result 0 is defined twice")


def test_an_op_that_makes_an_input(graph):
    graph.ops[0].results = (graph.inputs[0],)
    graph.inputs[0].op = graph.ops[0]
    broken(graph, "input 0 is a result of exp, not an input")


def test_an_input_that_stands_twice(graph):
    graph.inputs.append(graph.inputs[0])
    broken(graph, "input 2 stands twice among the inputs")


def test_a_result_that_points_to_another_op(graph):
    graph.ops[0].results[0].op = graph.ops[1]
    broken(graph, "exp: result 0 does not point back to its op")


def test_a_result_of_another_type(graph):
    graph.ops[0].results = (Value(F64, graph.ops[0]),)
    graph.ops[1].operands = (graph.ops[0].result, graph.inputs[1])
    broken(graph, "exp: result types are (tensor<f64>,), inferred are (tensor<3xf64>,)")


def test_results_missing(graph):
    graph.ops[2].results = ()
    broken(graph, "sum: result types are (), inferred are (tensor<f64>,)")


def test_arity(graph):
    graph.ops[1].operands = (graph.inputs[0],)
    broken(graph, "add: takes 2 operands, has 1")


def test_arity_of_one_or_more(graph):
    graph.ops.append(Op(movement.concat, (), {"axis": 0}, (F64X3,)))
    broken(graph, "concat: takes one or more operands, has 0")


def test_operand_kind(graph):
    flags = graph.add_input(tensor_type(dtypes.BOOL, (3,)))
    graph.ops[0].operands = (flags,)
    broken(graph, "exp: operand 0 is tensor<3xi1>, of kind 'b'; it takes kinds 'f'")


def test_the_type_rule(graph):
    graph.ops[2].attributes = {"axes": (1,)}
    broken(graph, "sum: breaks its type rule: sum: axis 1 is outside a rank of 1")


@pytest.mark.parametrize("attributes", [{}, {"axes": (0,), "more": 1}, {"axis": (0,)}])
def test_attribute_names(graph, attributes):
    graph.ops[2].attributes = attributes
    broken(graph, f"sum: declares the attributes ('axes',), has {tuple(attributes)}")


def test_attribute_order(graph):
    graph.ops.append(Op(creation.constant, (), {"dtype": "f64", "value": 1.0}, (F64,)))
    broken(graph, "constant: declares the attributes ('value', 'dtype'), has ('dtype', 'value')")


@pytest.mark.parametrize("axes", [0, [0], (0.0,), (False,), np.array([0]), (np.int64(0),), (0, True), "0", None])
def test_attribute_kind(graph, axes):
    graph.ops[2].attributes = {"axes": axes}
    message = broken(graph, f"sum: attribute 'axes' is {axes!r} of type {type(axes).__name__}; expected ints")
    assert "-->" in message


def test_an_attribute_that_no_vocabulary_lists_is_still_a_python_value(graph):
    odd = ew.Primitive("odd", ew.ELEMENTWISE, 1, lambda x, **_: x, "For this test.", ("colour",))
    op = Op(odd, (graph.inputs[0],), {"colour": "red"}, (F64X3,))
    graph.ops.append(op)
    verify(graph)
    op.attributes = {"colour": np.float64(1.0)}
    broken(graph, "expected a Python number, string, or tuple of ints or bools")


def test_an_output_that_is_not_defined(graph):
    graph.outputs.append(Value(F64))
    assert '-->   "tapec.return"(%2, %undefined)' in broken(graph, "output 1 is not defined in this graph")
