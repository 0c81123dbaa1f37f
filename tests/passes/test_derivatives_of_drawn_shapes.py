"""The derivative table on operands whose shapes, axes and windows Hypothesis draws: both modes, at order 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derivative_cases import ABOVE_ONE, POSITIVE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_graphs import STRAIGHT, graphs

from tapec.dispatch import apply
from tapec.ir import dtypes
from tapec.ir.graph import Graph, Value
from tapec.ops import creation, sampling
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Excused, Missing
from tapec.tensor import make
from tapec.testing import check_grads

DRAWN = [
    p
    for p in STRAIGHT
    if p.arity
    and not isinstance(DERIVATIVES[p], Excused | Missing)
    # A guard's value is a count, and a sample's derivative is not that of its value: tests/random/test_gamma.py.
    and p not in (creation.guard, sampling.gamma_sample)
]


def replay(graph: Graph, inputs: dict[Value, Any]) -> list[Any]:
    """The graph's outputs, its ops applied to tensors one by one, as a user's function would apply them."""
    known = dict(inputs)
    for op in graph.ops:
        known[op.result] = apply(op.primitive, tuple([known[v] for v in op.operands]), op.attributes)
    return [known[v] for v in graph.outputs]


@pytest.mark.parametrize("primitive", DRAWN, ids=lambda p: p.name)
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_derivative_of_a_drawn_application(primitive, data):
    graph = data.draw(graphs(max_ops=1, primitives=(primitive,), guards=False))
    made = [op for op in graph.ops if op.primitive is primitive]
    assume(made)
    graph.outputs = [made[0].result]
    # Central differences want float64 all the way.
    assume(made[0].result.type.dtype is dtypes.F64)
    used = {v for op in graph.ops for v in op.operands}
    moving = [v for v in graph.inputs if v in used and v.type.dtype is dtypes.F64]
    assume(moving)
    low = 0.3 if primitive.name in POSITIVE else ABOVE_ONE.get(primitive.name, -2.0)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    fixed = {
        v: make(rng.integers(0, 2, v.shape).astype(v.type.dtype.numpy)) for v in graph.inputs if v not in set(moving)
    }

    def run(*tensors: Any) -> list[Any]:
        return replay(graph, fixed | dict(zip(moving, tensors, strict=True)))

    points = [numbers(v.shape, low, seed) + 0.013 * seed for seed, v in enumerate(moving)]
    check_grads(run, points, order=2)
