"""Cases of the rules of `tapec.passes.rewrites.scales`."""

from simplify_cases.case import Case

CASES: list[Case] = [
    (
        "doubled_product",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 100.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%0, %arg0) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.add"(%1, %2) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %4 = "tapec.add"(%arg0, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %5 = "tapec.add"(%4, %4) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%3, %5) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 200.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 4.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.mul"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "doubled_product: other factors, fractions, what overflows, and integers stay",
        """
^bb0(%arg0: tensor<3xf64>, %arg1: tensor<3xf32>, %arg2: tensor<3xi32>):
  %0 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = 5.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.mul"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %4 = "tapec.add"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %5 = "tapec.constant"() {value = 1.1 : f64, dtype = "f64"} : () -> tensor<f64>
  %6 = "tapec.mul"(%arg0, %5) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %7 = "tapec.add"(%6, %6) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %8 = "tapec.constant"() {value = 2.0e+38 : f64, dtype = "f32"} : () -> tensor<f32>
  %9 = "tapec.mul"(%arg1, %8) : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %10 = "tapec.add"(%9, %9) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %11 = "tapec.add"(%arg2, %arg2) : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  %12 = "tapec.add"(%11, %11) : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  "tapec.return"(%4, %7, %10, %12) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf32>, tensor<3xi32>) -> ()
""",
        None,
    ),
    (
        "product_of_scaled",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.add"(%arg0, %arg0) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.mul"(%1, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.constant"() {value = -4.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %4 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %5 = "tapec.mul"(%3, %4) : (tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2, %5) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 6.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.constant"() {value = -12.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %3 = "tapec.mul"(%arg0, %2) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1, %3) : (tensor<3xf64>, tensor<3xf64>) -> ()
""",
    ),
    (
        "product_of_scaled: two roundings, halves and fractions stay",
        """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 3.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %2 = "tapec.mul"(%1, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %3 = "tapec.constant"() {value = 0.5 : f64, dtype = "f64"} : () -> tensor<f64>
  %4 = "tapec.mul"(%1, %3) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %5 = "tapec.constant"() {value = 0.1 : f64, dtype = "f64"} : () -> tensor<f64>
  %6 = "tapec.mul"(%arg0, %5) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  %7 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %8 = "tapec.mul"(%6, %7) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2, %4, %8) : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> ()
""",
        None,
    ),
]
