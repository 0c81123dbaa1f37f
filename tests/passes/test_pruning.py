"""What `dce` takes out of loops and branches."""

from __future__ import annotations

import numpy as np
import pytest
from graph_text import body_of, graph_of

from tapec.ir.verifier import verify
from tapec.passes.dce import DeadCodeElimination
from tapec.runtime.interpreter import interpret

SCAN = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<f64>, %arg3: tensor<3xf64>):
  %0:5 = "tapec.scan"(%arg0, %arg0, %arg1, %arg2, %arg3) ({
  ^bb0(%arg4: tensor<f64>, %arg5: tensor<f64>, %arg6: tensor<f64>, %arg7: tensor<f64>, %arg8: tensor<f64>):
    %1 = "tapec.mul"(%arg5, %arg4) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %2 = "tapec.add"(%arg6, %arg5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %3 = "tapec.add"(%arg7, %arg8) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %4 = "tapec.exp"(%arg7) : (tensor<f64>) -> tensor<f64>
    "tapec.return"(%1, %2, %3, %4, %arg8) : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 3 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<f64>, tensor<f64>, tensor<3xf64>, tensor<3xf64>)
""".strip()  # noqa: E501
SCAN_ARRAYS = [np.asarray(a) for a in (1.5, 2.0, 0.3, [1.0, 4.0, 9.0])]


def pruned(text, arrays):
    graph = graph_of(text)
    result = DeadCodeElimination().run(graph)
    verify(result)
    for a, b in zip(interpret(graph, arrays)[0], interpret(result, arrays)[0], strict=True):
        assert a.tobytes() == b.tobytes()
    return result


def test_carries_that_only_feed_themselves_go():
    result = pruned(f'{SCAN}\n  "tapec.return"(%0#1) : (tensor<f64>) -> ()', SCAN_ARRAYS)
    expected = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<f64>, %arg3: tensor<3xf64>):
  %0:2 = "tapec.scan"(%arg0, %arg0, %arg1) ({
  ^bb0(%arg4: tensor<f64>, %arg5: tensor<f64>, %arg6: tensor<f64>):
    %1 = "tapec.mul"(%arg5, %arg4) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %2 = "tapec.add"(%arg6, %arg5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%1, %2) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 2 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  "tapec.return"(%0#1) : (tensor<f64>) -> ()
""".strip()  # noqa: E501
    assert body_of(result) == expected


@pytest.mark.parametrize(
    ("wanted", "kind", "carries", "operands", "ops"),
    [(0, "f64", 1, 2, 1), (2, "f64", 1, 2, 1), (3, "3xf64", 1, 2, 2), (4, "3xf64", 0, 1, 0)],
)
def test_what_one_result_needs(wanted, kind, carries, operands, ops):
    (op,) = pruned(f'{SCAN}\n  "tapec.return"(%0#{wanted}) : (tensor<{kind}>) -> ()', SCAN_ARRAYS).ops
    assert (op.attributes["carries"], len(op.operands), len(op.regions[0].ops)) == (carries, operands, ops)


def test_a_loop_that_nobody_reads_goes():
    assert pruned(f'{SCAN}\n  "tapec.return"(%arg0) : (tensor<f64>) -> ()', SCAN_ARRAYS).ops == []


@pytest.mark.parametrize("first", ["%arg0", "%arg2"])
def test_a_loop_that_reads_nothing_keeps_an_operand(first):
    consts, carries = (1, 0) if first == "%arg2" else (0, 1)
    returned, types, results = ("%1", "tensor<f64>", "tensor<3xf64>")
    if carries:
        returned, types, results = "%arg1, %1", "tensor<f64>, tensor<f64>", "(tensor<f64>, tensor<3xf64>)"
    text = f"""
^bb0(%arg0: tensor<f64>, %arg2: tensor<f64>):
  %0{":2" if carries else ""} = "tapec.scan"({first}) ({{
  ^bb0(%arg1: tensor<f64>):
    %1 = "tapec.constant"() {{value = 2.0 : f64, dtype = "f64"}} : () -> tensor<f64>
    "tapec.return"({returned}) : ({types}) -> ()
  }}) {{consts = {consts} : i64, carries = {carries} : i64, length = 3 : i64, reverse = false}} : (tensor<f64>) -> {results}
  "tapec.return"({"%0#1" if carries else "%0"}) : (tensor<3xf64>) -> ()
"""  # noqa: E501
    (op,) = pruned(text, [np.asarray(1.0), np.asarray(2.0)]).ops
    assert len(op.operands) == 1


def test_branches_lose_results_and_operands():
    text = """
^bb0(%arg0: tensor<i1>, %arg1: tensor<f64>, %arg2: tensor<f64>, %arg3: tensor<f64>):
  %0:2 = "tapec.cond"(%arg0, %arg1, %arg2, %arg3) ({
  ^bb0(%arg4: tensor<f64>, %arg5: tensor<f64>, %arg6: tensor<f64>):
    "tapec.return"(%arg4, %arg5) : (tensor<f64>, tensor<f64>) -> ()
  }, {
  ^bb0(%arg7: tensor<f64>, %arg8: tensor<f64>, %arg9: tensor<f64>):
    %1 = "tapec.exp"(%arg9) : (tensor<f64>) -> tensor<f64>
    "tapec.return"(%1, %arg7) : (tensor<f64>, tensor<f64>) -> ()
  }) : (tensor<i1>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  "tapec.return"(%0#1) : (tensor<f64>) -> ()
"""
    (op,) = pruned(text, [np.asarray(a) for a in (True, 1.0, 2.0, 3.0)]).ops
    assert len(op.operands) == 3
    assert [len(region.ops) for region in op.regions] == [0, 0]


def test_while_loops_keep_what_their_condition_reads():
    text = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<f64>, %arg3: tensor<f64>):
  %0:4 = "tapec.while_loop"(%arg0, %arg1, %arg2, %arg3) ({
  ^bb0(%arg4: tensor<f64>, %arg5: tensor<f64>, %arg6: tensor<f64>, %arg7: tensor<f64>):
    %1 = "tapec.lt"(%arg5, %arg4) : (tensor<f64>, tensor<f64>) -> tensor<i1>
    "tapec.return"(%1) : (tensor<i1>) -> ()
  }, {
  ^bb0(%arg8: tensor<f64>, %arg9: tensor<f64>, %arg10: tensor<f64>, %arg11: tensor<f64>):
    %2 = "tapec.add"(%arg9, %arg9) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %3 = "tapec.mul"(%arg10, %arg9) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %4 = "tapec.mul"(%arg11, %arg11) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%2, %3, %4) : (tensor<f64>, tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64} : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<f64>, tensor<i64>)
"""  # noqa: E501
    arrays = [np.asarray(a) for a in (9.0, 1.0, 2.0, 3.0)]
    (op,) = pruned(f'{text}\n  "tapec.return"(%0#1) : (tensor<f64>) -> ()', arrays).ops
    assert (len(op.operands), len(op.results)) == (3, 3)
    (op,) = pruned(f'{text}\n  "tapec.return"(%0#3) : (tensor<i64>) -> ()', arrays).ops
    assert (len(op.operands), len(op.results)) == (2, 2)
