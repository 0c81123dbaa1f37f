"""Cases of the rules of `tapec.passes.rewrites.logic`."""
# ruff: noqa: E501 - the text form has one op a line, however long

from simplify_cases.case import Case

CASES: list[Case] = [
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
        "cast_back: what is given and not computed needs no rounding",
        """
^bb0(%arg0: tensor<3xf16>, %arg1: tensor<3xf16>, %arg2: tensor<3xi1>):
  %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %1 = "tapec.cast"(%arg1) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %2 = "tapec.constant"() {value = 0.5 : f64, dtype = "f32"} : () -> tensor<f32>
  %3 = "tapec.maximum"(%1, %2) : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %4 = "tapec.select"(%arg2, %0, %3) : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %5 = "tapec.neg"(%4) : (tensor<3xf32>) -> tensor<3xf32>
  %6 = "tapec.cast"(%5) {dtype = "f16"} : (tensor<3xf32>) -> tensor<3xf16>
  %7 = "tapec.cast"(%6) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  "tapec.return"(%7) : (tensor<3xf32>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf16>, %arg1: tensor<3xf16>, %arg2: tensor<3xi1>):
  %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %1 = "tapec.cast"(%arg1) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %2 = "tapec.constant"() {value = 0.5 : f64, dtype = "f32"} : () -> tensor<f32>
  %3 = "tapec.maximum"(%1, %2) : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %4 = "tapec.select"(%arg2, %0, %3) : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %5 = "tapec.neg"(%4) : (tensor<3xf32>) -> tensor<3xf32>
  "tapec.return"(%5) : (tensor<3xf32>) -> ()
""",
    ),
    (
        "cast_back: sums, and numbers that the narrower dtype has not, are rounded",
        """
^bb0(%arg0: tensor<3xf16>):
  %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %1 = "tapec.constant"() {value = 0.1 : f64, dtype = "f32"} : () -> tensor<f32>
  %2 = "tapec.add"(%0, %0) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %3 = "tapec.maximum"(%0, %1) : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %4 = "tapec.cast"(%2) {dtype = "f16"} : (tensor<3xf32>) -> tensor<3xf16>
  %5 = "tapec.cast"(%3) {dtype = "f16"} : (tensor<3xf32>) -> tensor<3xf16>
  %6 = "tapec.cast"(%4) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  %7 = "tapec.cast"(%5) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
  "tapec.return"(%6, %7) : (tensor<3xf32>, tensor<3xf32>) -> ()
""",
        None,
    ),
]
