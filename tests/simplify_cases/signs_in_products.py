"""Cases of the rules of `tapec.passes.rewrites.arithmetic` on signs within products, and on products with strong zeros."""
# ruff: noqa: E501 - the text form has one op a line, however long

from simplify_cases.case import Case

CASES: list[Case] = [
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
]
