"""What fuses, and what must not."""

from __future__ import annotations

import numpy as np
from graph_making import graph_of
from hypothesis import given, settings
from random_graphs import graphs

from tapec.ir.graph import Graph
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, matmul, reduce_sum, transpose
from tapec.passes.fuse import fuse
from tapec.passes.materialize import materialize

X = np.zeros((8, 5))
B = np.zeros(5)


def _groups(graph: Graph) -> list[str]:
    return ["+".join(n.op.primitive.name for n in g.nodes) for g in fuse(materialize(graph)).groups]


def test_an_elementwise_chain_with_its_broadcast_enters_the_reductions_that_eat_it() -> None:
    """One nest, two results."""

    def f(x: Sym, b: Sym) -> tuple[Sym, Sym]:
        y = apply(ew.exp, x + b)
        return reduce_sum(y, (1,)), reduce_sum(y * y, (1,))

    assert _groups(graph_of(f, X, B)) == ["add+exp+sum+mul+sum"]


def test_reductions_over_other_axes_and_what_needs_a_result_stand_apart() -> None:
    """Softmax's numerator, its sum over rows, and the quotient; a sum over columns."""

    def f(x: Sym) -> tuple[Sym, Sym]:
        y = apply(ew.exp, x)
        rows = reduce_sum(y, (0,))
        return y / rows, reduce_sum(y, (1,))

    assert _groups(graph_of(f, X)) == ["exp+sum", "div+sum"]


def test_a_transposed_read_is_not_in_a_register() -> None:
    """x + x.T of a computed x takes two nests."""

    def f(x: Sym) -> Sym:
        y = x * 2.0
        return y + transpose(y, (1, 0))

    assert _groups(graph_of(f, np.zeros((4, 4)))) == ["mul", "add"]


def test_no_cycle_through_a_library_step() -> None:
    """The op behind the product must not join the one before it, which the product needs."""

    def f(x: Sym) -> Sym:
        y = x * 2.0
        return y + matmul(y, y)

    assert _groups(graph_of(f, np.zeros((4, 4)))) == ["mul", "matmul", "add"]


@given(graph=graphs())
@settings(max_examples=100, deadline=None)
def test_every_group_reads_only_what_stands_before_it(graph: Graph) -> None:
    """On random graphs, for every operand and its memory."""
    fused = fuse(materialize(graph))
    home = {id(n): g for g, group in enumerate(fused.groups) for n in group.nodes}
    made: dict[object, list[int]] = {}
    for group in fused.groups:
        for node in group.nodes:
            for value in node.op.results:
                made.setdefault(value, []).append(home[id(node)])
    for group in fused.groups:
        for node in group.nodes:
            for view in node.reads(fused.views):
                assert all(g <= home[id(node)] for g in made.get(view.base, []))
