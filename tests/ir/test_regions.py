"""Ops with regions: their text, the parser's complaints, the verifier, and their structural key."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from graph_text import body_of, graph_of

from tapec.errors import ParseError, ShapeError, VerificationError
from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import REGION, Graph, Op
from tapec.ir.graph_key import graph_key
from tapec.ir.parser import parse_graph
from tapec.ir.printer import print_graph
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES, control, creation
from tapec.ops import elementwise as ew

MLIR_OPT = next(filter(None, map(shutil.which, ["mlir-opt", *[f"mlir-opt-{v}" for v in range(25, 17, -1)]])), None)
F64, I64 = tensor_type(dtypes.F64, ()), tensor_type(dtypes.I64, ())

NESTED = """
^bb0(%arg0: tensor<i1>, %arg1: tensor<f64>, %arg2: tensor<3xf64>):
  %0 = "tapec.cond"(%arg0, %arg1, %arg2) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<3xf64>):
    "tapec.return"(%arg3) : (tensor<f64>) -> ()
  }, {
  ^bb0(%arg5: tensor<f64>, %arg6: tensor<3xf64>):
    %1:2 = "tapec.scan"(%arg5, %arg6) ({
    ^bb0(%arg7: tensor<f64>, %arg8: tensor<f64>):
      %2 = "tapec.add"(%arg7, %arg8) {tapec.phase = "adjoint"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
      "tapec.return"(%2, %2) : (tensor<f64>, tensor<f64>) -> ()
    }) {consts = 0 : i64, carries = 1 : i64, length = 3 : i64, reverse = true} : (tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
    "tapec.return"(%1#0) : (tensor<f64>) -> ()
  }) : (tensor<i1>, tensor<f64>, tensor<3xf64>) -> tensor<f64>
  %3 = "tapec.neg"(%0) : (tensor<f64>) -> tensor<f64>
  "tapec.return"(%3) : (tensor<f64>) -> ()
""".strip()  # noqa: E501


def test_text_of_nested_regions_parses_back():
    graph = graph_of(NESTED)
    assert body_of(graph) == NESTED
    cond = graph.ops[0]
    assert [len(r.ops) for r in cond.regions] == [0, 1]
    assert [v.type for v in cond.regions[1].ops[0].results] == [F64, tensor_type(dtypes.F64, (3,))]
    assert cond.regions[1].ops[0].regions[0].ops[0].phase == "adjoint"


@pytest.mark.skipif(MLIR_OPT is None, reason="mlir-opt is not installed (Debian: mlir-19-tools)")
def test_mlir_reads_nested_regions():
    graph = graph_of(NESTED)
    arguments = [str(MLIR_OPT), "--allow-unregistered-dialect"]
    done = subprocess.run(arguments, input=print_graph(graph), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert graph_key(parse_graph(done.stdout, PRIMITIVES)) == graph_key(graph)


def test_regions_see_nothing_from_outside():
    text = NESTED.replace('"tapec.return"(%arg3)', '"tapec.return"(%arg1)')
    with pytest.raises(ParseError, match="found `%arg1`, expected a value that is defined above"):
        graph_of(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("length = 3", "length = 4", "xs 0 is tensor<3xf64>; its first extent must be the length, 4"),
        ("carries = 1", "carries = 3", "0 consts and 3 carries among 2 operands"),
        ("}, {", "}", "expected"),
        ("%1:2", "%1:3", "expected names for 2 results"),
    ],
)
def test_text_with_wrong_regions(old, new, message):
    with pytest.raises(ParseError, match=message):
        graph_of(NESTED.replace(old, new))


def test_verifier_looks_into_regions():
    graph = graph_of(NESTED)
    scan = graph.ops[0].regions[1].ops[0]
    scan.regions[0].ops.append(Op(creation.guard, (scan.regions[0].inputs[0],), {"expected": 1}, ()))
    with pytest.raises(VerificationError, match=r"guard: operand 0 is tensor<f64>, of kind 'f'"):
        verify(graph)
    scan.regions[0].ops.pop()
    verify(graph)
    graph.ops[0].regions[0].outputs = [graph.inputs[1]]
    with pytest.raises(VerificationError, match="output 0 is not defined in this graph"):
        verify(graph)


def test_regions_hold_no_effects():
    graph = Graph("f")
    count = graph.add_input(I64)
    region = Graph(REGION)
    inside = region.add_input(I64)
    emit(region, creation.guard, (inside,), {"expected": 1})
    region.outputs = [inside]
    attributes = {"consts": 0, "carries": 1, "length": 2, "reverse": False}
    graph.outputs = [emit(graph, control.scan, (count,), attributes, regions=(region,)).result]
    with pytest.raises(VerificationError, match="region 0 holds guard, whose effect could happen any number of times"):
        verify(graph)


def test_ops_take_the_regions_that_they_declare():
    graph = Graph("f")
    x = graph.add_input(F64)
    with pytest.raises(ShapeError, match="neg takes 0 regions, got 1"):
        emit(graph, ew.neg, (x,), {}, regions=(Graph(REGION),))
    graph.ops.append(Op(ew.neg, (x,), {}, (F64,), regions=(Graph(REGION),)))
    with pytest.raises(VerificationError, match="neg: takes 0 regions, has 1"):
        verify(graph)


def test_the_key_of_a_graph_is_its_structure():
    key = graph_key(graph_of(NESTED))
    assert key == graph_key(graph_of(NESTED.replace(' {tapec.phase = "adjoint"}', "")))
    for old, new in (("reverse = true", "reverse = false"), ('tapec.add"', 'tapec.mul"'), ("(%2, %2)", "(%2, %arg8)")):
        assert key != graph_key(graph_of(NESTED.replace(old, new)))
