"""Loops of which a carry has a tangent from some round on only are not rolled before forward mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum
from tapec.passes.activity import active_values
from tapec.passes.numbering import GraphNumbering
from tapec.passes.reroll import Reroll
from tapec.passes.tangent_starts import TangentStarts

X, W = np.random.default_rng(0).normal(size=(2, 5))


def steps(x: Sym, w: Sym) -> Sym:
    for _ in range(40):
        x = apply(ew.sin, x) * w + x
    return reduce_sum(x, (0,))


def total(x: Sym, w: Sym) -> Sym:
    """What is added up begins with something that has no tangent."""
    found = w
    for _ in range(40):
        found = found + apply(ew.sin, x) * w
    return reduce_sum(found, (0,))


def of_no_tangent(x: Sym, w: Sym) -> Sym:
    """No carry has any."""
    found = w
    for _ in range(40):
        found = found + apply(ew.sin, w) * w
    return reduce_sum(found * x, (0,))


@pytest.mark.parametrize(("program", "rolls"), [(steps, True), (total, False), (of_no_tangent, True)])
def test_which_loops_are_rolled(program: Callable[..., Sym], rolls: bool) -> None:
    graph = graph_of(program, X, W)
    numbers = GraphNumbering(graph)
    active = numbers.flags(active_values(graph, graph.inputs[:1])[0])
    found = Reroll(least_ops=8).rerolled(numbers, {}, active, TangentStarts)
    assert (found is not None) == rolls
