"""Cases of the rules of `tapec.passes.rewrites.movement`."""
# ruff: noqa: E501 - the text form has one op a line, however long

from simplify_cases.case import Case

CASES: list[Case] = [
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
