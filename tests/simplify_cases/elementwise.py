"""Cases of the rules of `tapec.passes.rewrites.elementwise`."""

from simplify_cases.case import Case

CASES: list[Case] = [
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
]
