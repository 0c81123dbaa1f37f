"""Loops that become one."""

from __future__ import annotations

import numpy as np
from graph_text import body_of, graph_of

import tapec as tp
from tapec.ops import control
from tapec.passes.adjoint import adjoint
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.merge_loops import MergeLoops
from tapec.passes.splice import splice
from tapec.passes.tangent import tangent
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import optimised

LOOP = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<3xf64>):
  %0 = "tapec.scan"(%arg0, %arg1, %arg2) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<f64>, %arg5: tensor<f64>):
    %1 = "tapec.mul"(%arg3, %arg4) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %2 = "tapec.add"(%1, %arg5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%2) : (tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 1 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>, tensor<3xf64>) -> tensor<f64>
""".strip()  # noqa: E501

STACKING = """
  %3:2 = "tapec.scan"(%arg0, %arg1, %arg2) ({
  ^bb0(%arg6: tensor<f64>, %arg7: tensor<f64>, %arg8: tensor<f64>):
    %4 = "tapec.mul"(%arg6, %arg7) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %5 = "tapec.add"(%4, %arg8) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%5, %arg7) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 1 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
  "tapec.return"(%0, %3#1) : (tensor<f64>, tensor<3xf64>) -> ()
""".strip("\n")  # noqa: E501


def scans(graph):
    return [op for op in graph.ops if op.primitive is control.scan]


def merged(text):
    graph = graph_of(text)
    result = MergeLoops().run(graph)
    arrays = [np.asarray(a) for a in (0.7, 1.3, [1.0, -2.0, 4.0])]
    for a, b in zip(interpret(graph, arrays)[0], interpret(result, arrays)[0], strict=True):
        assert a.tobytes() == b.tobytes()
    return result


def test_a_loop_and_the_one_that_also_stacks_its_carries():
    expected = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<3xf64>):
  %0:2 = "tapec.scan"(%arg0, %arg1, %arg2) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<f64>, %arg5: tensor<f64>):
    %1 = "tapec.mul"(%arg3, %arg4) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %2 = "tapec.add"(%1, %arg5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%2, %arg4) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64, carries = 1 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
  "tapec.return"(%0#0, %0#1) : (tensor<f64>, tensor<3xf64>) -> ()
""".strip()  # noqa: E501
    assert body_of(merged(f"{LOOP}\n{STACKING}")) == expected


def test_other_carries_directions_lengths_and_orders_stay_apart():
    for old, new in (
        ("mul", "sub"),
        ("reverse = false", "reverse = true"),
        ('"tapec.scan"(%arg0, %arg1', '"tapec.scan"(%arg0, %arg0'),
    ):
        head, _, tail = STACKING.partition("\n")
        changed = f"{head}\n{tail}".replace(old, new)
        assert len(scans(merged(f"{LOOP}\n{changed}"))) == 2


def test_a_loop_that_starts_from_what_another_gave_stays():
    assert len(scans(merged(f"{LOOP}\n{STACKING.replace('(%arg0, %arg1, %arg2) ({', '(%arg0, %0, %arg2) ({')}"))) == 2


def test_carries_with_one_first_value_are_told_apart_by_what_they_become():
    """Both carries begin with the same value; the second loop has the second one alone, in the first place."""
    text = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<3xf64>):
  %0:2 = "tapec.scan"(%arg0, %arg0, %arg2) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<f64>, %arg5: tensor<f64>):
    %1 = "tapec.add"(%arg3, %arg5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %2 = "tapec.mul"(%arg4, %arg5) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%1, %2) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 0 : i64, carries = 2 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<f64>)
  %3:2 = "tapec.scan"(%arg0, %arg2) ({
  ^bb0(%arg6: tensor<f64>, %arg7: tensor<f64>):
    %4 = "tapec.mul"(%arg6, %arg7) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%4, %arg6) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 0 : i64, carries = 1 : i64, length = 3 : i64, reverse = false} : (tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
  "tapec.return"(%0#0, %0#1, %3#0, %3#1) : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<3xf64>) -> ()
""".strip()  # noqa: E501
    (op,) = scans(merged(text))
    assert op.attributes["carries"] == 2
    assert len(op.regions[0].ops) == 2


def test_value_and_gradient_run_forward_once():
    for derivative in (adjoint, tangent):
        graph = graph_of(f'{LOOP}\n  "tapec.return"(%0) : (tensor<f64>) -> ()')
        made = derivative(graph, graph.outputs, graph.inputs)
        seeds = [graph.add_input(v.type) for v in made.graph.inputs[: len(made.graph.inputs) - len(made.residuals)]]
        mapping = splice(made.graph, graph, [*seeds, *made.residuals])
        graph.outputs += [mapping[v] for v in made.graph.outputs]
        before, after = len(scans(graph)), scans(optimised(graph))
        assert len(after) == before - 1
        assert [op.attributes["reverse"] for op in after] == [False, True][: len(after)]


def test_loops_in_loops_are_merged_too():
    def loss(a, xs):
        def outer(c, row):
            return tp.scan(lambda d, x: (np.sin(d) * x, None), c, row)[0], None

        return tp.scan(outer, a, xs)[0]

    f = tp.value_and_grad(loss)
    graph = f.inspect(np.array(0.3), np.ones((2, 3))).optimised
    # forward and backward, each with a loop inside; the inner forward loop is run again to stack what it needs
    assert graph.count('"tapec.scan"') == 5
    assert graph.count('"tapec.sin"') == 2


def test_graphs_without_regions_stay():
    graph = graph_of('^bb0(%arg0: tensor<f64>):\n  "tapec.return"(%arg0) : (tensor<f64>) -> ()')
    assert MergeLoops().run(graph) is graph


def test_merging_is_stable():
    once = merged(f"{LOOP}\n{STACKING}")
    assert body_of(CommonSubexpressionElimination().run(MergeLoops().run(once))) == body_of(once)
