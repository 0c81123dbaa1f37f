"""What every graph pass must keep, on random graphs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import assert_same_bits, evaluate, graphs, random_inputs, structure

from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES, creation, movement
from tapec.ops import elementwise as ew
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.graph_pass import Pass
from tapec.passes.plain_products import PlainProducts
from tapec.passes.push_slices import PushSlices
from tapec.passes.simplify import Simplify

ELEMENTWISE = [p for p in PRIMITIVES.values() if p.family.name in {"elementwise", "creation"} and p.exact]
MOVEMENT = [p for p in PRIMITIVES.values() if p.family.name in {"movement", "concatenation", "reduction", "creation"}]
PRODUCTS = [
    ew.add,
    ew.sub,
    ew.mul,
    ew.div,
    ew.strong_mul,
    ew.neg,
    ew.abs,
    ew.cast,
    creation.constant,
    movement.broadcast,
]
SLICES = [ew.add, ew.mul, ew.neg, ew.exp, ew.select, movement.slice_, movement.slice_, movement.slice_]
PASSES = [
    DeadCodeElimination(),
    CommonSubexpressionElimination(),
    Simplify(),
    Simplify(differentiated=True),
    PushSlices(least_bytes=0),
    PlainProducts(),
]


@pytest.mark.parametrize("graph_pass", PASSES, ids=repr)
@given(graph=graphs(), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_the_pass_keeps_every_bit_of_the_outputs(graph_pass: Pass, graph: Graph, seed: int) -> None:
    """Special values included; the input graph is left alone, the output graph is valid."""
    before = structure(graph)
    out = graph_pass.run(graph)
    verify(out)
    assert structure(graph) == before
    assert [v.type for v in out.inputs] == [v.type for v in graph.inputs]
    inputs = random_inputs(graph, seed)
    assert_same_bits(evaluate(out, inputs), evaluate(graph, inputs))


@pytest.mark.parametrize("primitives", [ELEMENTWISE, MOVEMENT, PRODUCTS], ids=["elementwise", "movement", "products"])
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_simplify_where_rules_are_dense(primitives: list[Primitive], data: st.DataObject, seed: int) -> None:
    """Few primitives in longer graphs, so that rules meet their patterns, and each other's results."""
    graph = data.draw(graphs(max_ops=16, primitives=primitives))
    inputs = random_inputs(graph, seed)
    assert_same_bits(evaluate(Simplify().run(graph), inputs), evaluate(graph, inputs))


@given(graph=graphs(max_ops=16, primitives=SLICES), seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_slices_of_elementwise_ops_and_of_one_another(graph: Graph, seed: int) -> None:
    """Many slices, so that they are pushed through several ops."""
    out = PushSlices(least_bytes=0).run(graph)
    verify(out)
    inputs = random_inputs(graph, seed)
    assert_same_bits(evaluate(out, inputs), evaluate(graph, inputs))


@pytest.mark.parametrize("graph_pass", PASSES, ids=repr)
@given(graph=graphs())
@settings(max_examples=50, deadline=None)
def test_a_second_run_changes_nothing(graph_pass: Pass, graph: Graph) -> None:
    """One sweep reaches the fixed point (dead ops aside, which are dce's)."""
    once = DeadCodeElimination().run(graph_pass.run(graph))
    assert structure(DeadCodeElimination().run(graph_pass.run(once))) == structure(once)


@given(graph=graphs())
@settings(max_examples=50, deadline=None)
def test_guards_and_their_order_stay(graph: Graph) -> None:
    """Guards outlive passes, though no output depends on them."""
    for graph_pass in PASSES:
        out = graph_pass.run(graph)
        found, expected = ([op.attributes for op in g.ops if op.primitive is creation.guard] for g in (out, graph))
        assert found == expected
