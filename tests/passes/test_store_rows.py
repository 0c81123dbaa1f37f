"""While loops that store rows while they run, for the loops against them."""

from __future__ import annotations

import resource
import sys
from typing import Any

import numpy as np
import pytest
from control_graphs import F64, graph_with, region
from graph_text import body_of, graph_of

import tapec as tp
from tapec.errors import NotDifferentiableError, ShapeError
from tapec.ir.graph import Graph, Op
from tapec.ir.parser import parse_graph
from tapec.ir.printer import print_graph
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES, control, rows
from tapec.passes.adjoint import adjoint
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.splice import splice
from tapec.passes.store_rows import StoreRows
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import optimised

BEFORE = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<f64>):
  %0:2 = "tapec.while_loop"(%arg0, %arg1) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<f64>):
    %1 = "tapec.lt"(%arg4, %arg3) : (tensor<f64>, tensor<f64>) -> tensor<i1>
    "tapec.return"(%1) : (tensor<i1>) -> ()
  }, {
  ^bb0(%arg5: tensor<f64>, %arg6: tensor<f64>):
    %2 = "tapec.mul"(%arg6, %arg6) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%2) : (tensor<f64>) -> ()
  }) {consts = 1 : i64} : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<i64>)
  %3:2 = "tapec.sweeps"(%0#1, %arg1, %arg2) ({
  ^bb0(%arg7: tensor<f64>):
    %4 = "tapec.mul"(%arg7, %arg7) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%4, %arg7, %arg7) : (tensor<f64>, tensor<f64>, tensor<f64>) -> ()
  }, {
  ^bb0(%arg8: tensor<f64>, %arg9: tensor<f64>, %arg10: tensor<f64>):
    %5 = "tapec.mul"(%arg8, %arg9) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %6 = "tapec.add"(%5, %arg10) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%6) : (tensor<f64>) -> ()
  }) {consts = 0 : i64, carries = array<i64: 1, 1>, reverse = array<i1: false, true>} : (tensor<i64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  "tapec.return"(%0#0, %3#0, %3#1) : (tensor<f64>, tensor<f64>, tensor<f64>) -> ()
""".strip()  # noqa: E501

AFTER = """
^bb0(%arg0: tensor<f64>, %arg1: tensor<f64>, %arg2: tensor<f64>):
  %0:3 = "tapec.while_rows"(%arg0, %arg1) ({
  ^bb0(%arg3: tensor<f64>, %arg4: tensor<f64>):
    %1 = "tapec.lt"(%arg4, %arg3) : (tensor<f64>, tensor<f64>) -> tensor<i1>
    "tapec.return"(%1) : (tensor<i1>) -> ()
  }, {
  ^bb0(%arg5: tensor<f64>, %arg6: tensor<f64>):
    %2 = "tapec.mul"(%arg6, %arg6) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%2, %arg6) : (tensor<f64>, tensor<f64>) -> ()
  }) {consts = 1 : i64} : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<i64>, tensor<2xi64>)
  %3 = "tapec.sweep_rows"(%0#2, %arg2) ({
  ^bb0(%arg7: tensor<f64>, %arg8: tensor<f64>):
    %4 = "tapec.mul"(%arg7, %arg8) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    %5 = "tapec.add"(%4, %arg8) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "tapec.return"(%5) : (tensor<f64>) -> ()
  }) {consts = 0 : i64, carries = array<i64: 1>, reverse = array<i1: true>} : (tensor<2xi64>, tensor<f64>) -> tensor<f64>
  "tapec.return"(%0#0, %0#0, %3) : (tensor<f64>, tensor<f64>, tensor<f64>) -> ()
""".strip()  # noqa: E501

ARRAYS = [np.array(50.0), np.array(1.1), np.array(0.7)]


def of(graph: Graph, primitive: Any) -> list[Op]:
    return [op for op in graph.ops if op.primitive is primitive]


def same_results(before: Graph, after: Graph, arrays: list[Any]) -> None:
    """Interpreted before and after, and compiled."""
    verify(after)
    expected = interpret(before, arrays)[0]
    for found in (interpret(after, arrays)[0], compile_graph(after).run(arrays)[1]):
        for a, b in zip(found, expected, strict=True):
            assert np.asarray(a).tobytes() == b.tobytes()


def test_before_and_after():
    """Equal parts of a row are one."""
    graph = graph_of(BEFORE)
    made = StoreRows().run(graph)
    assert body_of(made) == AFTER
    same_results(graph, made, ARRAYS)
    same_results(graph, made, [np.array(1.0), *ARRAYS[1:]])  # no round at all
    again = parse_graph(print_graph(made), PRIMITIVES)
    assert print_graph(again) == print_graph(made)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('%4 = "tapec.mul"', '%4 = "tapec.add"'),  # another carry
        ("array<i1: false, true>", "array<i1: true, true>"),
        ('"tapec.sweeps"(%0#1, %arg1', '"tapec.sweeps"(%0#1, %0#0'),  # another first carry
    ],
)
def test_another_loop_stays(old: str, new: str):
    graph = graph_of(BEFORE.replace(old, new))
    made = StoreRows().run(graph)
    assert not of(made, rows.while_rows)
    same_results(graph, made, ARRAYS)


def while_graph() -> Graph:
    return graph_with(
        control.while_loop,
        [F64, F64],
        {"consts": 1},
        region([F64, F64], lambda limit, x: x < limit),
        region([F64, F64], lambda limit, x: x * x + limit * 0.01),
    )


def test_value_and_gradient_run_forward_once():
    graph = while_graph()
    made = adjoint(graph, graph.outputs[:1], graph.inputs)
    seed = graph.add_input(made.graph.inputs[0].type)
    joint = Graph("joint", graph.inputs, list(graph.ops))
    mapping = splice(made.graph, joint, [seed, *made.residuals])
    joint.outputs = [*graph.outputs, *[mapping[v] for v in made.graph.outputs]]
    after = optimised(joint)
    assert [len(of(after, p)) for p in (rows.while_rows, rows.sweep_rows, control.while_loop, control.sweeps)] == [
        1,
        1,
        0,
        0,
    ]
    (op,) = of(after, rows.sweep_rows)
    assert len(op.regions) == 1
    same_results(joint, after, ARRAYS)


def test_forward_mode_runs_forward_once():
    """Values, and values beside tangents, are one loop."""

    def loops(f: Any, *args: Any) -> list[Op]:
        _, path = f._run(f._take_apart(args, {}))
        return [op for op in path.executable.graph.ops if op.regions]

    def power(x):
        return tp.while_loop(lambda c: c < 50.0, lambda c: c * c + 0.1, x)

    (op,) = loops(tp.function(lambda x: tp.jvp(power, (x,), (1.0,))), 1.2)
    assert op.primitive is control.while_loop
    found = loops(tp.function(lambda x: tp.hvp(power, (x,), (1.0,))), 1.2)
    assert [op.primitive for op in found] == [rows.while_rows, rows.sweep_rows]


def test_rows_are_for_one_op():
    """Two derivatives of one loop: the second runs it again, and no pass makes one value of two."""
    text = BEFORE.rpartition('  "tapec.return"')[0]
    second = text[text.index("  %3:2 =") :].replace("(%0#1, %arg1, %arg2)", "(%0#1, %arg1, %arg0)")
    for number in (6, 5, 4, 3):
        second = second.replace(f"%{number}", f"%{number + 4}")
    for number in (10, 9, 8, 7):
        second = second.replace(f"%arg{number}", f"%arg{number + 4}")
    types = "tensor<f64>, tensor<f64>, tensor<f64>"
    graph = graph_of(f'{text}{second}  "tapec.return"(%0#0, %3#1, %7#1) : ({types}) -> ()')
    made = CommonSubexpressionElimination().run(DeadCodeElimination().run(StoreRows().run(graph)))
    assert len(of(made, rows.sweep_rows)) == len(of(made, control.sweeps)) == 1
    same_results(graph, made, ARRAYS)


def test_what_it_makes_is_not_differentiated():
    made = StoreRows().run(graph_of(BEFORE))
    with pytest.raises(NotDifferentiableError, match="made when all derivatives have been taken"):
        adjoint(made, made.outputs[:1], made.inputs)


def test_types():
    body = region([F64, F64], lambda c, row: c * row)
    attributes = {"consts": 0, "carries": (1,), "reverse": (True,)}
    with pytest.raises(ShapeError, match="sweep_rows: the rounds must be"):
        graph_with(rows.sweep_rows, [F64, F64], attributes, body)


# Memory --------------------------------------------------------------------------------------------------------------


def peak() -> int:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def logistic(x, rounds):
    return tp.while_loop(lambda s: s[1] < rounds, lambda s: (np.sin(s[0]) + 0.5 * x, s[1] + 1), (x, 0))[0]


def test_rows_of_a_run_that_a_guard_ends_are_given_back():
    """Each call takes the other branch than the last one, and so is run in vain with the first one's code."""

    @tp.grad
    def f(x, rounds, sign):
        y = logistic(x * np.ones(20), rounds)
        total = np.sum(y)
        return total * 2.0 if total * sign > 0.0 else total * 3.0

    signs = [1.0, -1.0]
    found = [f(0.3, 10_000, sign) for sign in signs]  # rows of 1.6 MB
    for sign in signs:
        f(0.3, 10_000, sign)
    before = peak()
    for _ in range(20):
        assert [f(0.3, 10_000, sign) for sign in signs] == found
    assert peak() - before < 32e6


def test_long_programs():
    """Cut into functions; the place that says where the rows lie is shared by them."""

    def f(x, rounds):
        for _ in range(40):  # no round like another one, so that they stay as they are
            x = np.cumsum(x[1:]) * 0.03
        y = logistic(x[0], rounds)
        return np.sum(np.cumsum(x * y))

    x = np.linspace(0.1, 0.5, 50)
    gradient = tp.value_and_grad(f)
    found = gradient(x, 500)[1]
    assert "@kernel_part1" in gradient.inspect(x, 500).llvm_ir
    for i in (0, 7, 49):
        step = np.eye(50)[i] * 1e-6
        slope = (gradient(x + step, 500)[0] - gradient(x - step, 500)[0]) / 2e-6
        np.testing.assert_allclose(found[i], slope, rtol=1e-6, atol=1e-9)
