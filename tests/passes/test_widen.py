"""Arithmetic on floats of 16 bits as arithmetic on float32, as text before and after."""
# ruff: noqa: E501 - the text form has one op a line, however long

from __future__ import annotations

import pytest
from graph_text import body_of, graph_of
from hypothesis import given, settings
from random_graphs import graphs

from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES
from tapec.ops import elementwise as ew
from tapec.passes.simplify import Simplify
from tapec.passes.widen import MOVES, MOVING_FAMILIES, Widen, moves


def widen(body: str) -> str:
    graph = Widen().run(graph_of(body))
    verify(graph)
    return body_of(graph)


def test_operands_and_results_are_cast():
    before = """
^bb0(%arg0: tensor<3xf16>, %arg1: tensor<3xf16>):
  %0 = "tapec.add"(%arg0, %arg1) : (tensor<3xf16>, tensor<3xf16>) -> tensor<3xf16>
  %1 = "tapec.sum"(%0) {axes = array<i64: 0>, tapec.phase = "adjoint"} : (tensor<3xf16>) -> tensor<f16>
  "tapec.return"(%1) : (tensor<f16>) -> ()
"""
    after = """
^bb0(%arg0: tensor<3xf16>, %arg1: tensor<3xf16>):
  %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %1 = "tapec.cast"(%arg1) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %2 = "tapec.add"(%0, %1) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %3 = "tapec.cast"(%2) {dtype = "f16"} : (tensor<3xf32>) -> tensor<3xf16>
  %4 = "tapec.cast"(%3) {dtype = "f32", tapec.phase = "adjoint"} : (tensor<3xf16>) -> tensor<3xf32>
  %5 = "tapec.sum"(%4) {axes = array<i64: 0>, tapec.phase = "adjoint"} : (tensor<3xf32>) -> tensor<f32>
  %6 = "tapec.cast"(%5) {dtype = "f16", tapec.phase = "adjoint"} : (tensor<f32>) -> tensor<f16>
  "tapec.return"(%6) : (tensor<f16>) -> ()
"""
    assert widen(before) == after.strip()


def test_each_value_is_widened_once_and_other_dtypes_stay():
    before = """
^bb0(%arg0: tensor<3xf16>, %arg1: tensor<3xi64>, %arg2: tensor<2xf16>):
  %0 = "tapec.mul"(%arg0, %arg0) : (tensor<3xf16>, tensor<3xf16>) -> tensor<3xf16>
  %1 = "tapec.lt"(%arg0, %0) : (tensor<3xf16>, tensor<3xf16>) -> tensor<3xi1>
  %2 = "tapec.add"(%arg1, %arg1) : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %3 = "tapec.scatter_add"(%arg2, %2, %0) {axis = 0 : i64} : (tensor<2xf16>, tensor<3xi64>, tensor<3xf16>) -> tensor<2xf16>
  "tapec.return"(%1, %3) : (tensor<3xi1>, tensor<2xf16>) -> ()
"""
    after = """
^bb0(%arg0: tensor<3xf16>, %arg1: tensor<3xi64>, %arg2: tensor<2xf16>):
  %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %1 = "tapec.mul"(%0, %0) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %2 = "tapec.cast"(%1) {dtype = "f16"} : (tensor<3xf32>) -> tensor<3xf16>
  %3 = "tapec.cast"(%2) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %4 = "tapec.lt"(%0, %3) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %5 = "tapec.add"(%arg1, %arg1) : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %6 = "tapec.cast"(%arg2) {dtype = "f32"} : (tensor<2xf16>) -> tensor<2xf32>
  %7 = "tapec.scatter_add"(%6, %5, %3) {axis = 0 : i64} : (tensor<2xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<2xf32>
  %8 = "tapec.cast"(%7) {dtype = "f16"} : (tensor<2xf32>) -> tensor<2xf16>
  "tapec.return"(%4, %8) : (tensor<3xi1>, tensor<2xf16>) -> ()
"""
    assert widen(before) == after.strip()


def test_what_moves_keeps_its_sixteen_bits():
    body = """
^bb0(%arg0: tensor<2x3xf16>, %arg1: tensor<i1>, %arg2: tensor<4xi64>):
  %0 = "tapec.transpose"(%arg0) {permutation = array<i64: 1, 0>} : (tensor<2x3xf16>) -> tensor<3x2xf16>
  %1 = "tapec.take"(%0, %arg2) {axis = 0 : i64} : (tensor<3x2xf16>, tensor<4xi64>) -> tensor<4x2xf16>
  %2 = "tapec.constant"() {value = 1.0 : f64, dtype = "f16"} : () -> tensor<f16>
  %3 = "tapec.select"(%arg1, %1, %2) : (tensor<i1>, tensor<4x2xf16>, tensor<f16>) -> tensor<4x2xf16>
  %4 = "tapec.cast"(%3) {dtype = "f64"} : (tensor<4x2xf16>) -> tensor<4x2xf64>
  "tapec.return"(%4) : (tensor<4x2xf64>) -> ()
"""
    graph = graph_of(body)
    assert Widen().run(graph) is graph


def test_bodies_of_loops():
    before = """
^bb0(%arg0: tensor<f16>):
  %0 = "tapec.scan"(%arg0) ({
  ^bb0(%arg1: tensor<f16>):
    %1 = "tapec.neg"(%arg1) : (tensor<f16>) -> tensor<f16>
    "tapec.return"(%1) : (tensor<f16>) -> ()
  }) {consts = 0 : i64, carries = 1 : i64, length = 4 : i64, reverse = false} : (tensor<f16>) -> tensor<f16>
  "tapec.return"(%0) : (tensor<f16>) -> ()
"""
    after = widen(before)
    assert after.count('"tapec.cast"') == 2
    assert '"tapec.neg"(%1) : (tensor<f32>) -> tensor<f32>' in after


def test_constants_are_float32_at_once():
    before = """
^bb0(%arg0: tensor<3xf16>):
  %0 = "tapec.constant"() {value = 0.1 : f64, dtype = "f16"} : () -> tensor<f16>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf16>, tensor<f16>) -> tensor<3xf16>
  "tapec.return"(%1) : (tensor<3xf16>) -> ()
"""
    graph = Simplify().run(Widen().run(graph_of(before)))
    numbers = [op.attributes["value"] for op in graph.ops if op.result.type.dtype is dtypes.F32 and not op.operands]
    assert numbers == [0.0999755859375]


def _computing(graph: Graph) -> list[str]:
    """Ops that compute with 16 bits."""
    own = [
        op.primitive.name
        for op in graph.ops
        if not op.regions
        and not moves(op.primitive)
        and any(v.type.dtype.is_short for v in (*op.operands, *op.results))
    ]
    return own + [name for op in graph.ops for region in op.regions for name in _computing(region)]


@given(graph=graphs(floats=(dtypes.F16, dtypes.F32)))
@settings(max_examples=60, deadline=None)
def test_nothing_computes_with_sixteen_bits(graph):
    after = Widen().run(graph)
    verify(after)
    assert _computing(after) == []
    assert [v.type for v in after.outputs] == [v.type for v in graph.outputs]


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=lambda p: p.name)
def test_what_moves_is_told_from_what_computes(primitive):
    """A result of 16 bits comes of operands of 16 bits, or the primitive is among those that move."""
    if "f" not in primitive.operand_kinds or primitive.regions:
        return
    assert moves(primitive) or primitive.result in ("same", "bool", "i64")


def test_the_list_of_what_moves_has_no_names_that_nobody_has():
    assert set(PRIMITIVES.values()) >= MOVES
    assert {p.family.name for p in PRIMITIVES.values()} >= MOVING_FAMILIES
    assert not moves(ew.neg)


def test_what_is_added_to_part_of_an_array_leaves_the_rest_alone():
    before = """
^bb0(%arg0: tensor<9xf16>, %arg1: tensor<2xf16>, %arg2: tensor<i64>, %arg3: tensor<f16>):
  %0 = "tapec.slice_add"(%arg0, %arg1) {start = array<i64: 1>, step = array<i64: 3>} : (tensor<9xf16>, tensor<2xf16>) -> tensor<9xf16>
  %1 = "tapec.scatter_add"(%0, %arg2, %arg3) {axis = 0 : i64} : (tensor<9xf16>, tensor<i64>, tensor<f16>) -> tensor<9xf16>
  "tapec.return"(%1) : (tensor<9xf16>) -> ()
"""
    after = widen(before)
    assert "9xf32" not in after
    assert [line.split('"')[1] for line in after.splitlines()[1:-1]] == [
        f"tapec.{name}"
        for name in (
            *("slice", "cast", "cast", "add", "cast", "slice_set"),
            *("take", "cast", "cast", "add", "cast", "put"),
        )
    ]
