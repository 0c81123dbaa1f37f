"""Cases of the rules of `tapec.passes.rewrites.arithmetic` on sums, products by one, and quotients."""

from simplify_cases.case import Case

CASES: list[Case] = [
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
]
