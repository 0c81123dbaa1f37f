"""`expand_updates`: updates as selections, with the bits of the primitives."""

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import indexing, update
from tapec.ops.symbolic import apply
from tapec.passes.expand_updates import ExpandUpdates
from tapec.runtime.interpreter import interpret

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5])
WINDOW = {"start": (3, 0), "step": (-2, 3)}
WHOLE, PART = SPECIAL.reshape(1, 6).repeat(4, 0), SPECIAL[:4].reshape(2, 2)
AT = np.array([[2, -1], [0, 2]])
PROGRAMS = {
    "slice_set": (lambda x, u: apply(update.slice_set, x, u, **WINDOW), [WHOLE, PART]),
    "slice_add": (lambda x, u: apply(update.slice_add, x, u, **WINDOW), [WHOLE, PART]),
    "put": (
        lambda x, i, u: apply(indexing.put, x, i, u, axis=1, distinct=False),
        [WHOLE[:3], AT, WHOLE[:3, :4].reshape(3, 2, 2)],
    ),
    "put one": (lambda x, i, u: apply(indexing.put, x, i, u, axis=0, distinct=True), [WHOLE, np.array(-2), SPECIAL]),
    "put nothing": (
        lambda x, i, u: apply(indexing.put, x, i, u, axis=0, distinct=True),
        [SPECIAL, np.zeros(0, np.int64), SPECIAL[:0]],
    ),
    "scalars": (lambda x, u: apply(update.slice_set, x, u, start=(), step=()), [SPECIAL[0], SPECIAL[1]]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("name", PROGRAMS)
def test_expanded_graphs_have_the_same_bits(name, dtype):
    function, operands = PROGRAMS[name]
    with np.errstate(invalid="ignore"):
        arrays = [a if a.dtype == np.int64 else np.asarray(a).astype(dtype) for a in operands]
    graph = graph_of(function, *arrays)
    (expected,), _ = interpret(graph, arrays)
    expanded = ExpandUpdates().run(graph)
    assert not {op.primitive for op in expanded.ops} & {update.slice_set, update.slice_add, indexing.put}
    with np.errstate(all="ignore"):
        (found,), _ = interpret(expanded, arrays)
    assert found.tobytes() == expected.tobytes()


def test_other_ops_stay_as_they_are():
    graph = graph_of(lambda x, y: x * y + x, np.ones(3), np.ones(3))
    assert str(ExpandUpdates().run(graph)) == str(graph)
