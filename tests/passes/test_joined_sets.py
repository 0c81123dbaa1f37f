"""Sets of values that are unions of few others."""

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply
from tapec.passes import joined_sets, sparsity


def test_long_chains_make_few_unions(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    union = joined_sets.union

    def counted(a, b):
        made.append(0)
        return union(a, b)

    monkeypatch.setattr(joined_sets, "union", counted)

    def chain(x, y, z):
        for _ in range(40):
            x = apply(ew.mul, apply(ew.add, x, y), apply(ew.sin, z))
        return x

    graph = graph_of(chain, np.ones(5), np.ones((1,)), np.ones(5))
    found = sparsity.sparsity(graph, graph.outputs, graph.inputs).sets[0]
    assert found.toarray().astype(int).tolist() == [[*row, 1, *row] for row in np.eye(5, dtype=int).tolist()]
    assert len(made) == 2
