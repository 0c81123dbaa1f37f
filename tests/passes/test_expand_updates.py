"""`expand-updates`: updates as selections, with the bits of the primitives."""

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import update
from tapec.ops.symbolic import apply
from tapec.passes.expand_updates import ExpandUpdates
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5])


def programs():
    window = {"start": (3, 0), "step": (-2, 3)}
    whole, part = SPECIAL.reshape(1, 6).repeat(4, 0), SPECIAL[:4].reshape(2, 2)
    yield "slice_set", lambda x, u: apply(update.slice_set, x, u, **window), [whole, part]
    yield "put", lambda x, i, u: apply(update.put, x, i, u), [SPECIAL.reshape(2, 3), np.array([5, 0, 1]), SPECIAL[1:4]]
    yield "put nothing", lambda x, i, u: apply(update.put, x, i, u), [SPECIAL, np.zeros(0, np.int64), SPECIAL[:0]]
    yield "scalars", lambda x, u: apply(update.slice_set, x, u, start=(), step=()), [SPECIAL[0], SPECIAL[1]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("name", [name for name, *_ in programs()])
def test_expanded_and_compiled_graphs_have_the_same_bits(name, dtype):
    function, operands = next((f, a) for n, f, a in programs() if n == name)
    with np.errstate(invalid="ignore"):
        arrays = [a if a.dtype == np.int64 else np.asarray(a).astype(dtype) for a in operands]
    graph = graph_of(function, *arrays)
    (expected,), _ = interpret(graph, arrays)
    expanded = ExpandUpdates().run(graph)
    assert not {op.primitive for op in expanded.ops} & {update.slice_set, update.put}
    (found,), _ = interpret(expanded, arrays)
    _, (compiled,), _ = compile_graph(graph).run(arrays)
    assert found.tobytes() == expected.tobytes()
    assert compiled.tobytes() == expected.tobytes()


def test_other_ops_stay_as_they_are():
    graph = graph_of(lambda x, y: x * y + x, np.ones(3), np.ones(3))
    assert str(ExpandUpdates().run(graph)) == str(graph)


def test_updates_inside_loops_are_expanded():
    import tapec as tp

    def body(carry, row):
        return apply_set(carry, row), row

    def apply_set(carry, row):
        from tapec.dispatch import apply as run

        return run(update.slice_set, (carry, row[:1]), {"start": (1,), "step": (1,)})

    program = tp.function(lambda x, rows: tp.scan(body, x, rows)[0])
    x, rows = np.arange(3.0), np.arange(8.0).reshape(4, 2)
    assert np.asarray(program(x, rows)).tolist() == [0.0, 6.0, 2.0]
    assert np.asarray(program(x, rows + 1.0)).tolist() == [0.0, 7.0, 2.0]
