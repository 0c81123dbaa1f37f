"""The index sets of every family, against dense Jacobians and against what is known of the op."""

import numpy as np
import pytest
from graph_making import graph_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import STRAIGHT, graphs, random_array

import tapec as tp
from tapec.errors import DensePatternError
from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ops import indexing, update
from tapec.ops.symbolic import apply
from tapec.passes import index_sets
from tapec.passes.activity import active_values
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Missing
from tapec.passes.sparsity import Known
from tapec.passes.sparsity import sparsity as propagate
from tapec.passes.tangent import tangent
from tapec.runtime.interpreter import interpret

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)) + 3.0
BANDED = np.triu(np.tril(RNG.normal(size=(4, 4)), 1))
INDEX = np.array([2, 0, 2, 1, 3])
ALONG = np.argsort(RNG.normal(size=(3, 4)), 1)


def dense(f, x):
    return tp.jacobian(f, mode="forward")(x).reshape(-1, x.size)


@tp.custom_gradient
def cubed(x, y):
    """Its second argument comes in another order."""
    return x * x * x + y[::-1], lambda ct: (3 * x * x * ct, ct[::-1])


@tp.custom_jvp
def halved(x):
    return x / 2


halved.defjvp(lambda primals, tangents: (halved(*primals), tangents[0] / 2 + 0 * tangents[0][::-1]))


def loop(x):
    return tp.fori_loop(0, 3, lambda _, c: np.sin(c) * x, x)


def scan(x):
    _, ys = tp.scan(lambda c, row: (c, row * row[::-1]), np.zeros(()), x)
    return ys


def grad_of_while(x):
    """Its rows depend on a constant and on a carry, its loop backward on its own carries too."""

    def energy(x):
        y, _ = tp.while_loop(lambda c: c[1] < 3, lambda c: (c[0] * np.sin(c[0] * x[::-1]), c[1] + 1.0), (x, 0.0))
        return np.sum(y)

    return tp.grad(energy)(x)


EXACT = {
    "elementwise": lambda x: np.sin(x) * x,
    "broadcast": lambda x: x + x[:1],
    "outer": lambda x: x[:, :1] * x[:1, :],
    "sum": lambda x: np.sum(x, 0),
    "max": lambda x: np.mean(x * x, 1),
    "prod": lambda x: np.prod(x),
    "transpose": lambda x: x.T[1:, ::-1],
    "reshape": lambda x: np.reshape(x, (2, 6))[1],
    "roll": lambda x: np.roll(x, 1) - x,
    "concat": lambda x: np.concatenate([x, np.ones((1, 4)), x[::-1]]),
    "stack": lambda x: np.stack([x, 2 * x], -1),
    "cumsum": lambda x: np.cumsum(x, 1),
    "cumsum of all": lambda x: np.cumsum(x),
    "sparse matrix right": lambda x: x @ BANDED,
    "sparse matrix left": lambda x: BANDED[:3, :3] @ x,
    "sparse vector": lambda x: x @ np.array([1.0, 0.0, 2.0, 0.0]),
    "batched sparse matrices": lambda x: np.matmul(x[:, None, :], np.stack([BANDED, BANDED.T, np.eye(4)])),
    "product with itself": lambda x: x @ x.T,
    "take": lambda x: x[:, INDEX],
    "integer arrays": lambda x: x[np.array([0, 2]), np.array([1, 3])],
    "take_along": lambda x: np.take_along_axis(x, ALONG, 1),
    "boolean mask": lambda x: x[np.array([True, False, True])],
    "gradient of take": lambda x: tp.grad(lambda z: np.sum(z[:, INDEX] ** 3))(x),
    "gradient of take_along": lambda x: tp.grad(lambda z: np.sum(np.take_along_axis(z, ALONG[:, :2], 1) ** 3))(x),
    "solve": lambda x: np.linalg.solve(x[:, :3] + 9.0 * np.eye(3), x[:, 3]),
    "batched det": lambda x: np.linalg.det(np.reshape(x, (3, 2, 2))),
    "loop": loop,
    "scan over rows": scan,
    "gradient of a while loop": grad_of_while,
    "stop_gradient": lambda x: tp.stop_gradient(x) * np.sum(x, 1, keepdims=True),
    "custom gradient": lambda x: cubed(x, np.sin(x)),
    "checkpoint": tp.checkpoint(lambda x: x * np.roll(x, 1)),
    "not connected": lambda x: np.sign(x),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact(name):
    f = EXACT[name]
    pattern = tp.sparsity(f, X)
    assert pattern.dtype == bool
    assert pattern.has_canonical_format
    np.testing.assert_array_equal(pattern.toarray(), dense(f, X) != 0)


SUPERSETS = {
    "difference": (lambda x: x - x, np.eye(12, dtype=bool)),
    "select": (lambda x: np.where(x > 3, x, 2 * x), np.eye(12, dtype=bool)),
    "maximum": (lambda x: np.maximum(x[0], x[1]), np.hstack([np.eye(4), np.eye(4), np.zeros((4, 4))]) > 0),
    "sort": (lambda x: np.sort(x[0]), np.eye(12, dtype=bool)[np.argsort(X[0])]),
    "cond": (
        lambda x: tp.cond(x[0, 0] > 3, lambda a: a[0], lambda a: a[1], x),
        np.hstack([np.eye(4), np.eye(4), np.zeros((4, 4))]) > 0,
    ),
    "carry": (lambda x: tp.scan(lambda c, row: (c + row, c), np.zeros(4), x)[0], np.hstack([np.eye(4)] * 3) > 0),
    "while": (
        lambda x: tp.while_loop(lambda c: np.sum(c) < 1e3, lambda c: c * np.roll(c, 1), x[0]),
        np.hstack([np.ones((4, 4)), np.zeros((4, 8))]) > 0,
    ),
    "custom_jvp": (halved, (np.eye(12) + np.kron(np.eye(3)[::-1], np.eye(4))) > 0),
    "rounds": (
        lambda x: tp.fori_loop(0, 2, lambda _, c: c * np.concatenate([np.ones(1), c[:-1]]), x[0]),
        np.hstack([np.tril(np.triu(np.ones((4, 4)), -2)), np.zeros((4, 8))]) > 0,
    ),
    "no rounds": (lambda x: tp.fori_loop(0, 0, lambda _, c: c * np.sum(x), x), np.eye(12, dtype=bool)),
    "index of the loop": (
        lambda x: tp.fori_loop(0, 2, lambda i, c: c + x[0, i], np.zeros(())),
        np.hstack([np.ones((1, 4)), np.zeros((1, 8))]) > 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SUPERSETS)
def test_stated_supersets(name):
    f, expected = SUPERSETS[name]
    pattern = tp.sparsity(f, X).toarray()
    np.testing.assert_array_equal(pattern, expected)
    assert not np.any((dense(f, X) != 0) & ~pattern)


STEPS = [
    np.tanh,
    lambda x: np.roll(x, 1, 0),
    lambda x: x * np.sum(x, 1, keepdims=True),
    lambda x: np.cumsum(x, 1)[:, ::-1],
    lambda x: x @ np.tril(np.ones((4, 4)), -1),
    lambda x: np.where(x > 0, x, x[::-1]),
    lambda x: x[np.array([2, 2, 0])],
    lambda x: np.reshape(x.T, (3, 4)),
    lambda x: np.concatenate([x[1:], x[:1] * x[1:2]]),
    lambda x: np.pad(x[1:2, 1:3], ((1, 1), (0, 2))) + x,
    lambda x: np.max(x, 0) - x,
    lambda x: np.sort(x, 0),
    lambda x: tp.grad(lambda z: np.sum(np.sin(z[:, INDEX])))(x),
    lambda x: tp.fori_loop(0, 2, lambda _, c: c * np.roll(x, 1, 1), x),
    lambda x: np.linalg.solve(np.eye(3) * 20 + x[:, :3], x),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), min_size=1, max_size=4), st.integers(0, 3))
def test_compositions_hold_every_nonzero(steps, seed):
    def f(x):
        for step in steps:
            x = STEPS[step](x)
        return x

    x = np.random.default_rng(seed).normal(size=(3, 4))
    assert not np.any((dense(f, x) != 0) & ~tp.sparsity(f, x).toarray())


DIFFERENTIABLE = [p for p in STRAIGHT if not isinstance(DERIVATIVES.get(p), Missing | None)]


@settings(max_examples=150, deadline=None)
@given(graphs(max_ops=6, primitives=DIFFERENTIABLE, guards=False), st.integers(0, 3), st.booleans())
def test_tangents_of_random_graphs_lie_in_the_sets(graph, seed, known):
    """Every primitive but linear algebra and control flow, whether or not what does not move is known."""
    rng = np.random.default_rng(seed)
    arrays = [random_array(value.type, rng) for value in graph.inputs]
    wrt = [value for value in graph.inputs if value.type.dtype is dtypes.F64]
    values = [value for op in graph.ops for value in op.results]
    graph.outputs = [value for value in values if value.type.dtype.is_float]
    targets = graph.outputs
    with np.errstate(all="ignore"):
        made = tangent(graph, targets, wrt)
        every = dict(zip(values, interpret(Graph("all", graph.inputs, graph.ops, values), arrays)[0], strict=True))
        every.update(zip(graph.inputs, arrays, strict=True))
        active = active_values(graph, wrt)[0]
        fixed = {v: Known(a, v) for v, a in every.items() if known and v not in active}
        sets = propagate(graph, targets, wrt, fixed).sets
        column = 0
        for i, value in enumerate(wrt):
            for j in range(value.type.size):
                seeds = [np.zeros(v.shape) for v in wrt]
                seeds[i].reshape(-1)[j] = 1.0
                found = iter(interpret(made.graph, [*seeds, *[every[v] for v in made.residuals]])[0])
                for target, rows, connected in zip(targets, sets, made.tangents, strict=True):
                    if connected is not None:
                        column_of = np.asarray(next(found)).reshape(-1)
                        moving = (column_of != 0) & ~np.isnan(column_of)  # a product's sums hold 0 * inf
                        assert rows is not None
                        assert not np.any(moving & ~rows.toarray()[:, column]), target
                column += 1


@pytest.mark.parametrize("length", range(8))
def test_rounds_reach_as_far_as_they_can(length):
    x = np.linspace(0.5, 1.5, 10)
    pattern = tp.sparsity(lambda x: tp.fori_loop(0, length, lambda _, c: c + np.sin(np.roll(c, 1)), x), x).toarray()
    first = np.arange(10) <= length
    np.testing.assert_array_equal(pattern, np.array([np.roll(first[::-1], i + 1) for i in range(10)]))


def test_time_is_near_linear():
    n = 10**5
    x = np.ones(n)
    pattern = tp.sparsity(lambda x: np.sin(x[1:]) * x[:-1] + np.cumsum(np.ones(n - 1)), x)
    assert pattern.shape == (n - 1, n)
    assert pattern.nnz == 2 * (n - 1)


def test_what_does_not_fit_raises(monkeypatch):
    monkeypatch.setattr(index_sets, "MOST_ENTRIES", 1000)
    with pytest.raises(DensePatternError, match=r"would have 10,000 entries among 100 arguments.*tp\.jvp"):
        tp.sparsity(lambda x: x - np.mean(x), np.ones(100))
    assert tp.sparsity(lambda x: x * x, np.ones(100)).nnz == 100


def test_what_was_read_is_named():
    graph = graph_of(lambda x, i: apply(indexing.take, x, i, axis=0), np.ones(4), np.zeros(2, np.int64))
    x, i = graph.inputs
    unknown = propagate(graph, graph.outputs, [x])
    assert unknown.read == ()
    assert unknown.sets[0].toarray().tolist() == [[True] * 4] * 2
    known = propagate(graph, graph.outputs, [x], {i: Known(np.array([3, -4]), i)})
    assert known.read == (i,)
    assert known.sets[0].toarray().astype(int).tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]


def test_updates():
    def replaced(x, new, positions):
        y = apply(update.slice_set, x, new, start=(3,), step=(-2,))
        return apply(indexing.put, y, positions, new, axis=0, distinct=True)

    graph = graph_of(replaced, np.ones(4), np.ones(2), np.zeros(2, np.int64))
    x, new, positions = graph.inputs
    known = propagate(graph, graph.outputs, [x, new], {positions: Known(np.array([2, 3]), positions)})
    assert [row.tolist() for row in np.split(known.sets[0].indices, known.sets[0].indptr[1:-1])] == [[0], [5], [4], [5]]
    assert known.read == (positions,)
    unknown = propagate(graph, graph.outputs, [x, new]).sets[0]
    assert unknown.nnz == 3 + 2 + 3 + 2  # each may be what it was, or either of the new ones
