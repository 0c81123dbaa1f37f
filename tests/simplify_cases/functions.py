"""Cases of the rules of `tapec.passes.rewrites.arithmetic` on negation, powers, and functions of one operand twice."""

from simplify_cases.case import Case

CASES: list[Case] = [
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
  %4 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %5 = "tapec.div"(%4, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  %6 = "tapec.neg"(%5) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%arg0, %1, %3, %6) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
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
]
