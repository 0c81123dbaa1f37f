"""The rules of `simplify`: text before and after, and the same bits on special values."""
# ruff: noqa: E501 - the text form has one op a line, however long

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_text import body_of, graph_of
from random_graphs import assert_same_bits, evaluate, random_inputs

from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.ir.verifier import verify
from tapec.ops import elementwise as ew
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.rewrites import RULES
from tapec.passes.simplify import Simplify

# Title (the rule's name, and what the case shows), before, after. None: nothing changes.
CASES: list[tuple[str, str, str | None]] = [
    (
        "add_zero: -0.0",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = -0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "add_zero: 0.0 stays, since -0.0 + 0.0 is 0.0",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "add_zero: 0.0 where x is never -0.0",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.relu"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.add"(%0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.relu"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "add_zero: integers",
        """
^bb0(%arg0: tensor<3xi64>):
  %0 = "tapec.constant"() {value = 0 : i64, dtype = "i64"} : () -> tensor<i64>
  %1 = "tapec.add"(%0, %arg0) : (tensor<i64>, tensor<3xi64>) -> tensor<3xi64>
  "tapec.return"(%1) : (tensor<3xi64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi64>):
  "tapec.return"(%arg0) : (tensor<3xi64>) -> ()
""",
    ),
    (
        "add_zero: f32 rounds a constant to -0.0",
        """
^bb0(%arg0: tensor<3xf32>):
  %0 = "tapec.constant"() {value = -1.0e-60 : f64, dtype = "f32"} : () -> tensor<f32>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  "tapec.return"(%1) : (tensor<3xf32>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf32>):
  "tapec.return"(%arg0) : (tensor<3xf32>) -> ()
""",
    ),
    (
        "add_negated",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.neg"(%arg1) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.add"(%2, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.sub"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sub"(%arg1, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %1) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "sub_zero",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.sub"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = -0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.sub"(%2, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%arg0, %0) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "sub_zero: x - -0.0 and 0.0 - x stay",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = -0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.sub"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.sub"(%2, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "sub_negated",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.neg"(%arg1) : (tensor<f64>) -> tensor<f64>
  %1 = "tapec.sub"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.add"(%arg0, %arg1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "mul_one: a broadcast one",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.mul"(%arg0, %1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "mul_one: -1",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xi32>):
  %0 = "tapec.constant"() {value = -1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = -1 : i64, dtype = "i32"} : () -> tensor<i32>
  %3 = "tapec.mul"(%arg1, %2) : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xi32>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xi32>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.neg"(%arg1) : (tensor<3xi32>) -> tensor<3xi32>
  "tapec.return"(%0, %1) : (tensor<3xf64>, tensor<3xi32>) -> ()
""",
    ),
    (
        "mul_one: integers by zero",
        """
^bb0(%arg0: tensor<3xi64>):
  %0 = "tapec.constant"() {value = 0 : i64, dtype = "i64"} : () -> tensor<i64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
  "tapec.return"(%1) : (tensor<3xi64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi64>):
  %0 = "tapec.constant"() {value = 0 : i64, dtype = "i64"} : () -> tensor<i64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<i64>) -> tensor<3xi64>
  "tapec.return"(%1) : (tensor<3xi64>) -> ()
""",
    ),
    (
        "mul_one: floats by zero stay",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "div_one",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.div"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = -1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.div"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%arg0, %0) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "div_power_of_two",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 8.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.div"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.div"(%arg1, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.125 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.div"(%arg1, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "div_power_of_two: a reciprocal that is subnormal stays a quotient",
        """
^bb0(%arg0: tensor<3xf32>):
  %0 = "tapec.constant"() {value = 1.7014118346046923e+38 : f64, dtype = "f32"} : () -> tensor<f32>
  %1 = "tapec.div"(%arg0, %0) : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  "tapec.return"(%1) : (tensor<3xf32>) -> ()
""",
        None,
    ),
    (
        "negated_pair",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.neg"(%arg1) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.mul"(%0, %1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.mul"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "negated_pair: strong_mul",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.neg"(%arg1) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.strong_mul"(%0, %1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.strong_mul"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "negated_and_constant",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.mul"(%0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %5 = "tapec.div"(%4, %3) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2, %5) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = -3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = -3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.div"(%2, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_first: a broadcast constant",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.strong_mul"(%1, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%0, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_first: one",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.strong_mul"(%1, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_first: zero",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = -0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.strong_mul"(%0, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_first: infinity",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0x7FF0000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.strong_mul"(%0, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0x7FF0000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%0, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_second: positive",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.strong_mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.add"(%arg0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.mul"(%2, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%3) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_second: one",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.strong_mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_second: negative",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = -3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.strong_mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.sub"(%0, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.mul"(%1, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%3) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_second: x is never -0.0",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.abs"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.strong_mul"(%0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.abs"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.mul"(%0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "strong_mul_constant_second: infinity and zero stay",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0x7FF0000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.strong_mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.strong_mul"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "neg_inward",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.neg"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.mul"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %4 = "tapec.neg"(%3) : (tensor<3xf64>) -> tensor<3xf64>
  %5 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %6 = "tapec.div"(%arg0, %5) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %7 = "tapec.neg"(%6) : (tensor<3xf64>) -> tensor<3xf64>
  %8 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %9 = "tapec.div"(%8, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  %10 = "tapec.neg"(%9) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %4, %7, %10) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = -3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = -3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.div"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %4 = "tapec.constant"() {value = -3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %5 = "tapec.div"(%4, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%arg0, %1, %3, %5) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "neg_inward: neg (x - y) stays, since x - x is 0.0 in both orders",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.sub"(%arg0, %arg1) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.neg"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "abs_of_sign",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.abs"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.abs"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.abs"(%2) : (tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.relu"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %5 = "tapec.abs"(%4) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3, %5) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.abs"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.abs"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.relu"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %1, %2) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "abs_of_sign: unsigned integers have none, though they have a negative",
        """
^bb0(%arg0: tensor<3xui8>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xui8>) -> tensor<3xui8>
  %1 = "tapec.abs"(%0) : (tensor<3xui8>) -> tensor<3xui8>
  "tapec.return"(%1) : (tensor<3xui8>) -> ()
""",
        """
^bb0(%arg0: tensor<3xui8>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xui8>) -> tensor<3xui8>
  "tapec.return"(%0) : (tensor<3xui8>) -> ()
""",
    ),
    (
        "integer_pow_trivial",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.integer_pow"(%arg0) {exponent = 1 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.integer_pow"(%arg0) {exponent = 0 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %1) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%arg0, %1) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "integer_pow_trivial: even powers",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.integer_pow"(%0) {exponent = 2 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.abs"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.integer_pow"(%2) {exponent = -4 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %5 = "tapec.integer_pow"(%4) {exponent = 3 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3, %5) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.integer_pow"(%arg0) {exponent = 2 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.integer_pow"(%arg0) {exponent = -4 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.integer_pow"(%2) {exponent = 3 : i64} : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %1, %3) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "idempotent",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.relu"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.relu"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.sign"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.sign"(%2) : (tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.stop_gradient"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %5 = "tapec.stop_gradient"(%4) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3, %5) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.relu"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.sign"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.stop_gradient"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %1, %2) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "round_integral",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xi32>):
  %0 = "tapec.rint"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.floor"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.cast"(%arg1) {dtype = "f64"} : (tensor<3xi32>) -> tensor<3xf64>
  %3 = "tapec.trunc"(%2) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xi32>):
  %0 = "tapec.rint"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.cast"(%arg1) {dtype = "f64"} : (tensor<3xi32>) -> tensor<3xf64>
  "tapec.return"(%0, %1) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "of_itself",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.maximum"(%arg0, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "fold",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.mul"(%0, %1) : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %3 = "tapec.add"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%3) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 6.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "fold: exp is not exact and stays",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.exp"(%0) : (tensor<f64>) -> tensor<f64>
  %2 = "tapec.add"(%arg0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "fold: wraps and saturates as the op does",
        """
^bb0(%arg0: tensor<3xi8>):
  %0 = "tapec.constant"() {value = 100 : i64, dtype = "i8"} : () -> tensor<i8>
  %1 = "tapec.constant"() {value = 3 : i64, dtype = "i8"} : () -> tensor<i8>
  %2 = "tapec.mul"(%0, %1) : (tensor<i8>, tensor<i8>) -> tensor<i8>
  %3 = "tapec.add"(%arg0, %2) : (tensor<3xi8>, tensor<i8>) -> tensor<3xi8>
  %4 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %5 = "tapec.constant"() {value = 0x7FF0000000000000 : f64, dtype = "f64"} : () -> tensor<f64>
  %6 = "tapec.add"(%4, %5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %7 = "tapec.cast"(%6) {dtype = "i8"} : (tensor<f64>) -> tensor<i8>
  %8 = "tapec.add"(%3, %7) : (tensor<3xi8>, tensor<i8>) -> tensor<3xi8>
  "tapec.return"(%8) : (tensor<3xi8>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi8>):
  %0 = "tapec.constant"() {value = 44 : i64, dtype = "i8"} : () -> tensor<i8>
  %1 = "tapec.add"(%arg0, %0) : (tensor<3xi8>, tensor<i8>) -> tensor<3xi8>
  %2 = "tapec.constant"() {value = 127 : i64, dtype = "i8"} : () -> tensor<i8>
  %3 = "tapec.add"(%1, %2) : (tensor<3xi8>, tensor<i8>) -> tensor<3xi8>
  "tapec.return"(%3) : (tensor<3xi8>) -> ()
""",
    ),
    (
        "broadcast_late: the result has the shape anyway",
        """
^bb0(%arg0: tensor<2x3xf64>, %arg1: tensor<3xf64>, %arg2: tensor<f64>):
  %0 = "tapec.broadcast"(%arg1) {shape = array<i64: 2, 3>} : (tensor<3xf64>) -> tensor<2x3xf64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = "tapec.broadcast"(%arg2) {shape = array<i64: 2, 3>} : (tensor<f64>) -> tensor<2x3xf64>
  %3 = "tapec.add"(%1, %2) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%3) : (tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<2x3xf64>, %arg1: tensor<3xf64>, %arg2: tensor<f64>):
  %0 = "tapec.mul"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  %1 = "tapec.add"(%0, %arg2) : (tensor<2x3xf64>, tensor<f64>) -> tensor<2x3xf64>
  "tapec.return"(%1) : (tensor<2x3xf64>) -> ()
""",
    ),
    (
        "broadcast_late: a smaller result",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 2, 3>} : (tensor<3xf64>) -> tensor<2x3xf64>
  %1 = "tapec.exp"(%0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.mul"(%1, %2) : (tensor<2x3xf64>, tensor<f64>) -> tensor<2x3xf64>
  "tapec.return"(%3) : (tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.exp"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.mul"(%0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.broadcast"(%2) {shape = array<i64: 2, 3>} : (tensor<3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%3) : (tensor<2x3xf64>) -> ()
""",
    ),
    (
        "broadcast_late: an outer product",
        """
^bb0(%arg0: tensor<2x1xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 2, 3>} : (tensor<2x1xf64>) -> tensor<2x3xf64>
  %1 = "tapec.broadcast"(%arg1) {shape = array<i64: 2, 3>} : (tensor<3xf64>) -> tensor<2x3xf64>
  %2 = "tapec.mul"(%0, %1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%2) : (tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<2x1xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.mul"(%arg0, %arg1) : (tensor<2x1xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%0) : (tensor<2x3xf64>) -> ()
""",
    ),
    (
        "broadcast_late: wrap_index, which may raise, stays",
        """
^bb0(%arg0: tensor<i64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 0>} : (tensor<i64>) -> tensor<0xi64>
  %1 = "tapec.wrap_index"(%0) {size = 2 : i64} : (tensor<0xi64>) -> tensor<0xi64>
  "tapec.return"(%1) : (tensor<0xi64>) -> ()
""",
        None,
    ),
    (
        "select_known: constant predicate",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.cast"(%0) {dtype = "i1"} : (tensor<f64>) -> tensor<i1>
  %2 = "tapec.select"(%1, %arg0, %arg1) : (tensor<i1>, tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %4 = "tapec.cast"(%3) {dtype = "i1"} : (tensor<f64>) -> tensor<i1>
  %5 = "tapec.select"(%4, %arg0, %arg1) : (tensor<i1>, tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2, %5) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.broadcast"(%arg1) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%arg0, %0) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "select_known: equal branches",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<f64>):
  %0 = "tapec.select"(%arg0, %arg1, %arg1) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.select"(%arg0, %arg2, %arg2) : (tensor<3xi1>, tensor<f64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %4 = "tapec.select"(%arg0, %2, %3) : (tensor<3xi1>, tensor<f64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%0, %1, %4) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<f64>):
  %0 = "tapec.broadcast"(%arg2) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  %1 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.broadcast"(%1) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%arg1, %0, %2) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "select_known: branches 0.0 and -0.0 differ",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.constant"() {value = -0.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %2 = "tapec.select"(%arg0, %0, %1) : (tensor<3xi1>, tensor<f64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "select_not",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.bit_not"(%arg0) : (tensor<3xi1>) -> tensor<3xi1>
  %1 = "tapec.select"(%0, %arg1, %arg2) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.select"(%arg0, %arg2, %arg1) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "select_select",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.select"(%arg0, %arg1, %arg2) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.select"(%arg0, %0, %arg2) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.select"(%arg0, %arg1, %arg2) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %3 = "tapec.select"(%arg0, %arg2, %2) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.select"(%arg0, %arg1, %arg2) : (tensor<3xi1>, tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "cast_same",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.cast"(%arg0) {dtype = "f64"} : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "cast_cast: widening",
        """
^bb0(%arg0: tensor<3xf32>, %arg1: tensor<3xi8>):
  %0 = "tapec.cast"(%arg0) {dtype = "f64"} : (tensor<3xf32>) -> tensor<3xf64>
  %1 = "tapec.cast"(%0) {dtype = "f32"} : (tensor<3xf64>) -> tensor<3xf32>
  %2 = "tapec.cast"(%arg1) {dtype = "i32"} : (tensor<3xi8>) -> tensor<3xi32>
  %3 = "tapec.cast"(%2) {dtype = "f64"} : (tensor<3xi32>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf32>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf32>, %arg1: tensor<3xi8>):
  %0 = "tapec.cast"(%arg1) {dtype = "f64"} : (tensor<3xi8>) -> tensor<3xf64>
  "tapec.return"(%arg0, %0) : (tensor<3xf32>, tensor<3xf64>) -> ()
""",
    ),
    (
        "cast_cast: narrowing stays",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xi64>):
  %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf64>) -> tensor<3xf32>
  %1 = "tapec.cast"(%0) {dtype = "f64"} : (tensor<3xf32>) -> tensor<3xf64>
  %2 = "tapec.cast"(%arg1) {dtype = "f64"} : (tensor<3xi64>) -> tensor<3xf64>
  %3 = "tapec.cast"(%2) {dtype = "i64"} : (tensor<3xf64>) -> tensor<3xi64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xi64>) -> ()
""",
        None,
    ),
    (
        "cast_cast: a float saturates where an integer wraps",
        """
^bb0(%arg0: tensor<3xi16>):
  %0 = "tapec.cast"(%arg0) {dtype = "f64"} : (tensor<3xi16>) -> tensor<3xf64>
  %1 = "tapec.cast"(%0) {dtype = "i8"} : (tensor<3xf64>) -> tensor<3xi8>
  %2 = "tapec.cast"(%arg0) {dtype = "i32"} : (tensor<3xi16>) -> tensor<3xi32>
  %3 = "tapec.cast"(%2) {dtype = "i8"} : (tensor<3xi32>) -> tensor<3xi8>
  "tapec.return"(%1, %3) : (tensor<3xi8>, tensor<3xi8>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi16>):
  %0 = "tapec.cast"(%arg0) {dtype = "f64"} : (tensor<3xi16>) -> tensor<3xf64>
  %1 = "tapec.cast"(%0) {dtype = "i8"} : (tensor<3xf64>) -> tensor<3xi8>
  %2 = "tapec.cast"(%arg0) {dtype = "i8"} : (tensor<3xi16>) -> tensor<3xi8>
  "tapec.return"(%1, %2) : (tensor<3xi8>, tensor<3xi8>) -> ()
""",
    ),
    (
        "not_inward",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.bit_not"(%arg0) : (tensor<3xi1>) -> tensor<3xi1>
  %1 = "tapec.bit_not"(%0) : (tensor<3xi1>) -> tensor<3xi1>
  %2 = "tapec.eq"(%arg1, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xi1>
  %3 = "tapec.bit_not"(%2) : (tensor<3xi1>) -> tensor<3xi1>
  %4 = "tapec.ne"(%arg1, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xi1>
  %5 = "tapec.bit_not"(%4) : (tensor<3xi1>) -> tensor<3xi1>
  %6 = "tapec.lt"(%arg1, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xi1>
  %7 = "tapec.bit_not"(%6) : (tensor<3xi1>) -> tensor<3xi1>
  "tapec.return"(%1, %3, %5, %7) : (tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi1>, %arg1: tensor<3xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.ne"(%arg1, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xi1>
  %1 = "tapec.eq"(%arg1, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xi1>
  %2 = "tapec.lt"(%arg1, %arg2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xi1>
  %3 = "tapec.bit_not"(%2) : (tensor<3xi1>) -> tensor<3xi1>
  "tapec.return"(%arg0, %0, %1, %3) : (tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>) -> ()
""",
    ),
    (
        "bits_of_itself",
        """
^bb0(%arg0: tensor<3xi64>):
  %0 = "tapec.bit_and"(%arg0, %arg0) : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %1 = "tapec.bit_or"(%arg0, %arg0) : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %2 = "tapec.bit_xor"(%arg0, %arg0) : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  "tapec.return"(%0, %1, %2) : (tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi64>):
  %0 = "tapec.constant"() {value = 0 : i64, dtype = "i64"} : () -> tensor<i64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<i64>) -> tensor<3xi64>
  "tapec.return"(%arg0, %arg0, %1) : (tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) -> ()
""",
    ),
    (
        "bits_and_constant",
        """
^bb0(%arg0: tensor<3xi1>):
  %0 = "tapec.constant"() {value = true, dtype = "i1"} : () -> tensor<i1>
  %1 = "tapec.constant"() {value = false, dtype = "i1"} : () -> tensor<i1>
  %2 = "tapec.bit_and"(%arg0, %0) : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
  %3 = "tapec.bit_and"(%arg0, %1) : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
  %4 = "tapec.bit_or"(%arg0, %0) : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
  %5 = "tapec.bit_or"(%arg0, %1) : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
  %6 = "tapec.bit_xor"(%arg0, %0) : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
  %7 = "tapec.bit_xor"(%arg0, %1) : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
  "tapec.return"(%2, %3, %4, %5, %6, %7) : (tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>) -> ()
""",
        """
^bb0(%arg0: tensor<3xi1>):
  %0 = "tapec.constant"() {value = true, dtype = "i1"} : () -> tensor<i1>
  %1 = "tapec.constant"() {value = false, dtype = "i1"} : () -> tensor<i1>
  %2 = "tapec.broadcast"(%1) {shape = array<i64: 3>} : (tensor<i1>) -> tensor<3xi1>
  %3 = "tapec.broadcast"(%0) {shape = array<i64: 3>} : (tensor<i1>) -> tensor<3xi1>
  %4 = "tapec.bit_not"(%arg0) : (tensor<3xi1>) -> tensor<3xi1>
  "tapec.return"(%arg0, %2, %3, %arg0, %4, %arg0) : (tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>) -> ()
""",
    ),
    (
        "identity",
        """
^bb0(%arg0: tensor<2x3xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 2, 3>} : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = "tapec.reshape"(%arg0) {shape = array<i64: 2, 3>} : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %2 = "tapec.transpose"(%arg0) {permutation = array<i64: 0, 1>} : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %3 = "tapec.slice"(%arg0) {start = array<i64: 0, 0>, size = array<i64: 2, 3>, step = array<i64: 1, 1>} : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %4 = "tapec.unslice"(%arg0) {start = array<i64: 0, 0>, step = array<i64: 1, 1>, shape = array<i64: 2, 3>} : (tensor<2x3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%0, %1, %2, %3, %4) : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<2x3xf64>):
  "tapec.return"(%arg0, %arg0, %arg0, %arg0, %arg0) : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>) -> ()
""",
    ),
    (
        "identity: a reversing slice stays",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.slice"(%arg0) {start = array<i64: 2>, size = array<i64: 3>, step = array<i64: -1>} : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
        None,
    ),
    (
        "twice",
        """
^bb0(%arg0: tensor<6xf64>, %arg1: tensor<f64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 2, 3>} : (tensor<6xf64>) -> tensor<2x3xf64>
  %1 = "tapec.reshape"(%0) {shape = array<i64: 3, 2>} : (tensor<2x3xf64>) -> tensor<3x2xf64>
  %2 = "tapec.broadcast"(%arg1) {shape = array<i64: 3>} : (tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.broadcast"(%2) {shape = array<i64: 2, 3>} : (tensor<3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%1, %3) : (tensor<3x2xf64>, tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<6xf64>, %arg1: tensor<f64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 3, 2>} : (tensor<6xf64>) -> tensor<3x2xf64>
  %1 = "tapec.broadcast"(%arg1) {shape = array<i64: 2, 3>} : (tensor<f64>) -> tensor<2x3xf64>
  "tapec.return"(%0, %1) : (tensor<3x2xf64>, tensor<2x3xf64>) -> ()
""",
    ),
    (
        "broadcast_reshape",
        """
^bb0(%arg0: tensor<1x3xf64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 3>} : (tensor<1x3xf64>) -> tensor<3xf64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 2, 3>} : (tensor<3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%1) : (tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<1x3xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 2, 3>} : (tensor<1x3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%0) : (tensor<2x3xf64>) -> ()
""",
    ),
    (
        "reshape_to_broadcast",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<2x3xf64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 1, 3>} : (tensor<3xf64>) -> tensor<1x3xf64>
  %1 = "tapec.add"(%0, %arg1) : (tensor<1x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%1) : (tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<2x3xf64>):
  %0 = "tapec.add"(%arg0, %arg1) : (tensor<3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  "tapec.return"(%0) : (tensor<2x3xf64>) -> ()
""",
    ),
    (
        "reshape_broadcast",
        """
^bb0(%arg0: tensor<4xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 1, 4>} : (tensor<4xf64>) -> tensor<1x4xf64>
  %1 = "tapec.reshape"(%0) {shape = array<i64: 2, 2>} : (tensor<1x4xf64>) -> tensor<2x2xf64>
  "tapec.return"(%1) : (tensor<2x2xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<4xf64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 2, 2>} : (tensor<4xf64>) -> tensor<2x2xf64>
  "tapec.return"(%0) : (tensor<2x2xf64>) -> ()
""",
    ),
    (
        "of_one_element",
        """
^bb0(%arg0: tensor<f64>, %arg1: tensor<1x1xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 2, 3>} : (tensor<f64>) -> tensor<2x3xf64>
  %1 = "tapec.reshape"(%0) {shape = array<i64: 6>} : (tensor<2x3xf64>) -> tensor<6xf64>
  %2 = "tapec.broadcast"(%arg1) {shape = array<i64: 2, 3>} : (tensor<1x1xf64>) -> tensor<2x3xf64>
  %3 = "tapec.transpose"(%2) {permutation = array<i64: 1, 0>} : (tensor<2x3xf64>) -> tensor<3x2xf64>
  "tapec.return"(%1, %3) : (tensor<6xf64>, tensor<3x2xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<f64>, %arg1: tensor<1x1xf64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 6>} : (tensor<f64>) -> tensor<6xf64>
  %1 = "tapec.broadcast"(%arg1) {shape = array<i64: 3, 2>} : (tensor<1x1xf64>) -> tensor<3x2xf64>
  "tapec.return"(%0, %1) : (tensor<6xf64>, tensor<3x2xf64>) -> ()
""",
    ),
    (
        "transpose_transpose",
        """
^bb0(%arg0: tensor<2x3x4xf64>):
  %0 = "tapec.transpose"(%arg0) {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf64>) -> tensor<3x4x2xf64>
  %1 = "tapec.transpose"(%0) {permutation = array<i64: 0, 2, 1>} : (tensor<3x4x2xf64>) -> tensor<3x2x4xf64>
  "tapec.return"(%1) : (tensor<3x2x4xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<2x3x4xf64>):
  %0 = "tapec.transpose"(%arg0) {permutation = array<i64: 1, 0, 2>} : (tensor<2x3x4xf64>) -> tensor<3x2x4xf64>
  "tapec.return"(%0) : (tensor<3x2x4xf64>) -> ()
""",
    ),
    (
        "transpose_of_units",
        """
^bb0(%arg0: tensor<3x1xf64>, %arg1: tensor<3x2xf64>):
  %0 = "tapec.transpose"(%arg0) {permutation = array<i64: 1, 0>} : (tensor<3x1xf64>) -> tensor<1x3xf64>
  %1 = "tapec.transpose"(%arg1) {permutation = array<i64: 1, 0>} : (tensor<3x2xf64>) -> tensor<2x3xf64>
  "tapec.return"(%0, %1) : (tensor<1x3xf64>, tensor<2x3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3x1xf64>, %arg1: tensor<3x2xf64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 1, 3>} : (tensor<3x1xf64>) -> tensor<1x3xf64>
  %1 = "tapec.transpose"(%arg1) {permutation = array<i64: 1, 0>} : (tensor<3x2xf64>) -> tensor<2x3xf64>
  "tapec.return"(%0, %1) : (tensor<1x3xf64>, tensor<2x3xf64>) -> ()
""",
    ),
    (
        "slice_slice",
        """
^bb0(%arg0: tensor<12xf64>):
  %0 = "tapec.slice"(%arg0) {start = array<i64: 1>, size = array<i64: 5>, step = array<i64: 2>} : (tensor<12xf64>) -> tensor<5xf64>
  %1 = "tapec.slice"(%0) {start = array<i64: 4>, size = array<i64: 3>, step = array<i64: -2>} : (tensor<5xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<12xf64>):
  %0 = "tapec.slice"(%arg0) {start = array<i64: 9>, size = array<i64: 3>, step = array<i64: -4>} : (tensor<12xf64>) -> tensor<3xf64>
  "tapec.return"(%0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "unslice_unslice",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.unslice"(%arg0) {start = array<i64: 1>, step = array<i64: 2>, shape = array<i64: 6>} : (tensor<3xf64>) -> tensor<6xf64>
  %1 = "tapec.unslice"(%0) {start = array<i64: 2>, step = array<i64: 3>, shape = array<i64: 20>} : (tensor<6xf64>) -> tensor<20xf64>
  "tapec.return"(%1) : (tensor<20xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.unslice"(%arg0) {start = array<i64: 5>, step = array<i64: 6>, shape = array<i64: 20>} : (tensor<3xf64>) -> tensor<20xf64>
  "tapec.return"(%0) : (tensor<20xf64>) -> ()
""",
    ),
    (
        "slice_unslice",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.unslice"(%arg0) {start = array<i64: 1>, step = array<i64: 2>, shape = array<i64: 9>} : (tensor<3xf64>) -> tensor<9xf64>
  %1 = "tapec.slice"(%0) {start = array<i64: 1>, size = array<i64: 3>, step = array<i64: 2>} : (tensor<9xf64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""",
    ),
    (
        "slice_broadcast",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.broadcast"(%arg0) {shape = array<i64: 4, 3>} : (tensor<3xf64>) -> tensor<4x3xf64>
  %1 = "tapec.slice"(%0) {start = array<i64: 1, 1>, size = array<i64: 2, 2>, step = array<i64: 1, 1>} : (tensor<4x3xf64>) -> tensor<2x2xf64>
  %2 = "tapec.broadcast"(%arg1) {shape = array<i64: 5>} : (tensor<f64>) -> tensor<5xf64>
  %3 = "tapec.slice"(%2) {start = array<i64: 1>, size = array<i64: 2>, step = array<i64: 1>} : (tensor<5xf64>) -> tensor<2xf64>
  "tapec.return"(%1, %3) : (tensor<2x2xf64>, tensor<2xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<f64>):
  %0 = "tapec.slice"(%arg0) {start = array<i64: 1>, size = array<i64: 2>, step = array<i64: 1>} : (tensor<3xf64>) -> tensor<2xf64>
  %1 = "tapec.broadcast"(%0) {shape = array<i64: 2, 2>} : (tensor<2xf64>) -> tensor<2x2xf64>
  %2 = "tapec.broadcast"(%arg1) {shape = array<i64: 2>} : (tensor<f64>) -> tensor<2xf64>
  "tapec.return"(%1, %2) : (tensor<2x2xf64>, tensor<2xf64>) -> ()
""",
    ),
    (
        "slice_concat",
        """
^bb0(%arg0: tensor<2xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.concat"(%arg0, %arg1) {axis = 0 : i64} : (tensor<2xf64>, tensor<3xf64>) -> tensor<5xf64>
  %1 = "tapec.slice"(%0) {start = array<i64: 3>, size = array<i64: 2>, step = array<i64: 1>} : (tensor<5xf64>) -> tensor<2xf64>
  %2 = "tapec.concat"(%arg0, %arg1) {axis = 0 : i64} : (tensor<2xf64>, tensor<3xf64>) -> tensor<5xf64>
  %3 = "tapec.slice"(%2) {start = array<i64: 1>, size = array<i64: 2>, step = array<i64: 1>} : (tensor<5xf64>) -> tensor<2xf64>
  "tapec.return"(%1, %3) : (tensor<2xf64>, tensor<2xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<2xf64>, %arg1: tensor<3xf64>):
  %0 = "tapec.slice"(%arg1) {start = array<i64: 1>, size = array<i64: 2>, step = array<i64: 1>} : (tensor<3xf64>) -> tensor<2xf64>
  %1 = "tapec.concat"(%arg0, %arg1) {axis = 0 : i64} : (tensor<2xf64>, tensor<3xf64>) -> tensor<5xf64>
  %2 = "tapec.slice"(%1) {start = array<i64: 1>, size = array<i64: 2>, step = array<i64: 1>} : (tensor<5xf64>) -> tensor<2xf64>
  "tapec.return"(%0, %2) : (tensor<2xf64>, tensor<2xf64>) -> ()
""",
    ),
    (
        "concat_few",
        """
^bb0(%arg0: tensor<2xf64>, %arg1: tensor<0xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.concat"(%arg0) {axis = 0 : i64} : (tensor<2xf64>) -> tensor<2xf64>
  %1 = "tapec.concat"(%arg0, %arg1) {axis = 0 : i64} : (tensor<2xf64>, tensor<0xf64>) -> tensor<2xf64>
  %2 = "tapec.concat"(%arg0, %arg1, %arg2) {axis = 0 : i64} : (tensor<2xf64>, tensor<0xf64>, tensor<3xf64>) -> tensor<5xf64>
  "tapec.return"(%0, %1, %2) : (tensor<2xf64>, tensor<2xf64>, tensor<5xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<2xf64>, %arg1: tensor<0xf64>, %arg2: tensor<3xf64>):
  %0 = "tapec.concat"(%arg0, %arg2) {axis = 0 : i64} : (tensor<2xf64>, tensor<3xf64>) -> tensor<5xf64>
  "tapec.return"(%arg0, %arg0, %0) : (tensor<2xf64>, tensor<2xf64>, tensor<5xf64>) -> ()
""",
    ),
    (
        "reduce_units",
        """
^bb0(%arg0: tensor<1x3x1xf64>):
  %0 = "tapec.sum"(%arg0) {axes = array<i64: 0, 2>} : (tensor<1x3x1xf64>) -> tensor<3xf64>
  %1 = "tapec.max"(%arg0) {axes = array<i64: 0>} : (tensor<1x3x1xf64>) -> tensor<3x1xf64>
  %2 = "tapec.sum"(%arg0) {axes = array<i64: 0, 1>} : (tensor<1x3x1xf64>) -> tensor<1xf64>
  "tapec.return"(%0, %1, %2) : (tensor<3xf64>, tensor<3x1xf64>, tensor<1xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<1x3x1xf64>):
  %0 = "tapec.reshape"(%arg0) {shape = array<i64: 3>} : (tensor<1x3x1xf64>) -> tensor<3xf64>
  %1 = "tapec.reshape"(%arg0) {shape = array<i64: 3, 1>} : (tensor<1x3x1xf64>) -> tensor<3x1xf64>
  %2 = "tapec.sum"(%arg0) {axes = array<i64: 0, 1>} : (tensor<1x3x1xf64>) -> tensor<1xf64>
  "tapec.return"(%0, %1, %2) : (tensor<3xf64>, tensor<3x1xf64>, tensor<1xf64>) -> ()
""",
    ),
]
_IDS = [title for title, _, _ in CASES]


def simplified(graph: Graph, graph_pass: Simplify | None = None) -> Graph:
    """The graph after `simplify` and `dce`."""
    return DeadCodeElimination().run((graph_pass or Simplify()).run(graph))


@pytest.mark.parametrize(("title", "before", "after"), CASES, ids=_IDS)
def test_text(title: str, before: str, after: str | None) -> None:
    """Each rule makes exactly the text that stands here."""
    assert body_of(simplified(graph_of(before))) == (before if after is None else after).strip()


@pytest.mark.parametrize(("title", "before", "after"), CASES, ids=_IDS)
def test_bits(title: str, before: str, after: str | None) -> None:
    """Each rule keeps the bits, on arrays rich in zeros of both signs, infinities and NaN."""
    graph = graph_of(before)
    out = simplified(graph)
    verify(out)
    for seed in range(25):
        inputs = random_inputs(graph, seed)
        assert_same_bits(evaluate(out, inputs), evaluate(graph, inputs))


def test_every_rule_has_a_case() -> None:
    """A new rule without a case fails here."""
    rules = {rule.__name__ for rules in RULES.values() for rule in rules}
    assert {title.partition(":")[0] for title in _IDS} == rules


EXP = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.exp"(%0) : (tensor<f64>) -> tensor<f64>
  %2 = "tapec.mul"(%arg0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
"""


def test_an_evaluator_folds_what_is_not_exact() -> None:
    """The evaluator gets the op on 0-d arrays; what it returns becomes the constant."""

    def evaluate_op(primitive: Primitive, arrays: list[Any], attributes: dict[str, Any]) -> Any:
        assert (primitive, arrays, attributes) == (ew.exp, [np.array(2.0)], {})
        return np.float64(7.0)

    assert (
        body_of(simplified(graph_of(EXP), Simplify(evaluate=evaluate_op)))
        == """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 7.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""".strip()
    )


def test_stop_gradient_goes_once_all_derivatives_are_taken() -> None:
    """Not before: a derivative would then flow through it."""
    before = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.stop_gradient"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.neg"(%1) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
"""
    assert body_of(simplified(graph_of(before))) == before.strip()
    assert (
        body_of(simplified(graph_of(before), Simplify(differentiated=True)))
        == """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""".strip()
    )


def test_new_ops_take_location_and_phase_of_the_op_they_replace() -> None:
    """So that errors and tables still name the user's line."""
    graph = graph_of("""
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 8.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.div"(%arg0, %0) {tapec.phase = "adjoint"} : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64> loc("a.py":5:0)
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""")
    made = simplified(graph).ops
    assert [op.primitive.name for op in made] == ["constant", "mul"]
    assert [(str(op.location), op.phase) for op in made] == [("a.py:5", "adjoint")] * 2


def test_a_long_chain_takes_one_sweep() -> None:
    """No op is looked at twice: each second link gives the input back, and the pass makes no op for it."""
    lines = ["^bb0(%arg0: tensor<3xf64>):", '  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>']
    lines += [f'  %{i} = "tapec.neg"(%{i - 1}) : (tensor<3xf64>) -> tensor<3xf64>' for i in range(1, 2000)]
    graph = graph_of("\n".join([*lines, '  "tapec.return"(%1999) : (tensor<3xf64>) -> ()']))
    once = Simplify().run(graph)
    assert len(once.ops) == 1000
    assert once.outputs == once.inputs
