"""The rules of `simplify`: text before and after, and the same bits on special values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_text import body_of, graph_of
from random_graphs import assert_same_bits, evaluate, random_inputs
from simplify_cases import elementwise, functions, logic, movement, scales, signs_in_products, sums_and_quotients

from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.ir.verifier import verify
from tapec.ops import elementwise as ew
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.rewrites import RULES
from tapec.passes.simplify import Simplify

CASES = [
    *sums_and_quotients.CASES,
    *signs_in_products.CASES,
    *functions.CASES,
    *elementwise.CASES,
    *logic.CASES,
    *movement.CASES,
    *scales.CASES,
]
_IDS = [title for title, _, _ in CASES]


def simplified(graph: Graph, graph_pass: Simplify | None = None) -> Graph:
    """The graph after `simplify` and `dce`."""
    return DeadCodeElimination().run((graph_pass or Simplify()).run(graph))


@pytest.mark.parametrize(("title", "before", "after"), CASES, ids=_IDS)
def test_text(title: str, before: str, after: str | None) -> None:
    """Each rule makes exactly the text that stands here."""
    assert body_of(simplified(graph_of(before))) == (before if after is None else after).strip()


@pytest.mark.parametrize(("title", "before", "after"), CASES, ids=_IDS)
def test_bits(title: str, before: str, after: str | None) -> None:
    """Each rule keeps the bits, on arrays rich in zeros of both signs, infinities and NaN."""
    graph = graph_of(before)
    out = simplified(graph)
    verify(out)
    for seed in range(25):
        inputs = random_inputs(graph, seed)
        assert_same_bits(evaluate(out, inputs), evaluate(graph, inputs))


def test_every_rule_has_a_case() -> None:
    """A new rule without a case fails here."""
    rules = {rule.__name__ for rules in RULES.values() for rule in rules}
    assert {title.partition(":")[0] for title in _IDS} == rules


EXP = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.exp"(%0) : (tensor<f64>) -> tensor<f64>
  %2 = "tapec.mul"(%arg0, %1) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
"""


def test_an_evaluator_folds_what_is_not_exact() -> None:
    """The evaluator gets the op on 0-d arrays; what it returns becomes the constant."""

    def evaluate_op(primitive: Primitive, arrays: list[Any], attributes: dict[str, Any]) -> Any:
        assert (primitive, arrays, attributes) == (ew.exp, [np.array(2.0)], {})
        return np.float64(7.0)

    assert (
        body_of(simplified(graph_of(EXP), Simplify(evaluate=evaluate_op)))
        == """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 7.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""".strip()
    )


def test_stop_gradient_goes_once_all_derivatives_are_taken() -> None:
    """Not before: a derivative would then flow through it."""
    before = """
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
  %1 = "tapec.stop_gradient"(%0) : (tensor<3xf64>) -> tensor<3xf64>
  %2 = "tapec.neg"(%1) : (tensor<3xf64>) -> tensor<3xf64>
  "tapec.return"(%2) : (tensor<3xf64>) -> ()
"""
    assert body_of(simplified(graph_of(before))) == before.strip()
    assert (
        body_of(simplified(graph_of(before), Simplify(differentiated=True)))
        == """
^bb0(%arg0: tensor<3xf64>):
  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()
""".strip()
    )


def test_new_ops_take_location_and_phase_of_the_op_they_replace() -> None:
    """So that errors and tables still name the user's line."""
    graph = graph_of("""
^bb0(%arg0: tensor<3xf64>):
  %0 = "tapec.constant"() {value = 8.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.div"(%arg0, %0) {tapec.phase = "adjoint"} : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64> loc("a.py":5:0)
  "tapec.return"(%1) : (tensor<3xf64>) -> ()
""")
    made = simplified(graph).ops
    assert [op.primitive.name for op in made] == ["constant", "mul"]
    assert [(str(op.location), op.phase) for op in made] == [("a.py:5", "adjoint")] * 2


def test_a_long_chain_takes_one_sweep() -> None:
    """No op is looked at twice: each second link gives the input back, and the pass makes no op for it."""
    lines = ["^bb0(%arg0: tensor<3xf64>):", '  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>']
    lines += [f'  %{i} = "tapec.neg"(%{i - 1}) : (tensor<3xf64>) -> tensor<3xf64>' for i in range(1, 2000)]
    graph = graph_of("\n".join([*lines, '  "tapec.return"(%1999) : (tensor<3xf64>) -> ()']))
    once = Simplify().run(graph)
    assert len(once.ops) == 1000
    assert once.outputs == once.inputs
