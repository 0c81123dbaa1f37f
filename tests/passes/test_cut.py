"""Functions cut into selections, work and sums: what is left in the middle, and where its elements belong."""

import numpy as np
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, reduction, update
from tapec.ops.symbolic import apply, broadcast, reshape
from tapec.passes.cut import separate, whole
from tapec.passes.selections import selections
from tapec.passes.sparsity import Known
from tapec.passes.terms import terms

X = np.ones(6)


def nothing(_):
    return None


def sliced(x, start, size, step=1):
    return apply(movement.slice_, x, start=(start,), size=(size,), step=(step,))


def unsliced(x, start, size):
    return apply(movement.unslice, x, start=(start,), step=(1,), shape=(size,))


def cut_of(function, *arrays, known=()):
    """The cut by the first argument; those named in `known` have these elements."""
    graph = graph_of(function, *arrays)
    elements = {graph.inputs[i]: Known(arrays[i], graph.inputs[i]) for i in known}
    sizes = [value.type.size for value in graph.outputs]
    return graph, separate(graph, graph.outputs, sizes, graph.inputs[:1], elements)


def primitives(cut):
    return [op.primitive.name for op in cut.graph.ops]


def places(side):
    return [where.tolist() for where in side.places]


# Selections ----------------------------------------------------------------------------------------------------------


def test_what_is_picked_and_scaled():
    def function(x, index):
        tail = sliced(x, 1, 5)
        padded = unsliced(tail, 2, 8)
        picked = apply(indexing.take, padded, index, axis=0)
        doubled = picked + picked
        return apply(ew.exp, doubled), tail * sliced(x, 0, 5)

    graph = graph_of(function, X, np.array([0, 2, 7]))
    x, index = graph.inputs
    known = {index: np.array([0, 2, 7])}
    found = selections(graph, [x], known.get)
    assert found[graph.ops[0].result].sources.tolist() == [1, 2, 3, 4, 5]
    assert found[graph.ops[1].result].sources.tolist() == [-1, -1, 1, 2, 3, 4, 5, -1]
    exponential = found[graph.outputs[0]]
    assert exponential.sources.tolist() == [-1, 1, -1]
    assert not exponential.plain
    assert exponential.root is graph.ops[2].result
    assert graph.outputs[1] not in found
    unknown = selections(graph, [x], nothing)
    assert graph.ops[2].result not in unknown


def test_repetition_and_updates():
    def function(x, new, index):
        row = broadcast(reshape(x, (1, 6)), (2, 6))
        changed = apply(update.slice_set, x, new, start=(3,), step=(-2,))
        put = apply(indexing.put, x, index, sliced(x, 0, 2), axis=0, distinct=True)
        added = apply(update.slice_add, x, new, start=(0,), step=(1,))
        return row, changed, put, added

    graph = graph_of(function, X, np.ones(2), np.array([5, 4]))
    index = {graph.inputs[2]: np.array([5, 4])}
    found = selections(graph, graph.inputs[:1], index.get)
    row, changed, put, added = graph.outputs
    assert found[row].sources.tolist() == [[0, 1, 2, 3, 4, 5]] * 2
    assert found[changed].sources.tolist() == [0, -1, 2, -1, 4, 5]
    assert found[put].sources.tolist() == [0, 1, 2, 3, 1, 0]
    assert added not in found


# Terms ---------------------------------------------------------------------------------------------------------------


def test_sums_are_taken_apart_and_nothing_else_is():
    def function(x, index):
        a, b = sliced(x, 1, 5) * sliced(x, 0, 5), sliced(x, 0, 6) * x
        total = unsliced(a, 1, 6) + apply(indexing.scatter_add, b, index, a, axis=0)
        return total, apply(reduction.sum, reshape(b, (2, 3)), axes=(1,)), a - a

    graph = graph_of(function, X, np.array([0, 0, 1, 2, 5]))
    index = {graph.inputs[1]: np.array([0, 0, 1, 2, 5])}
    found = terms(graph, graph.outputs, [6, 2, 5], graph.inputs[:1], index.get)
    made = sorted((term.value.op.primitive.name, term.value.shape, term.rows.tolist()) for term in found)
    assert made == [
        ("mul", (5,), [0, 0, 1, 2, 5]),
        ("mul", (5,), [1, 2, 3, 4, 5]),
        ("mul", (6,), [0, 1, 2, 3, 4, 5]),
        ("reshape", (2, 3), [[6, 6, 6], [7, 7, 7]]),
        ("sub", (5,), [8, 9, 10, 11, 12]),
    ]
    unknown = terms(graph, graph.outputs[:1], [6], graph.inputs[:1], nothing)
    assert {term.value.op.primitive.name for term in unknown} == {"mul", "scatter_add"}


def test_a_sum_that_is_used_twice_stays_whole():
    def function(x):
        total = unsliced(sliced(x, 1, 5) * 2.0, 1, 6)
        return total, total * x

    graph = graph_of(function, X)
    found = terms(graph, graph.outputs, [6, 6], graph.inputs, nothing)
    assert [term.value for term in found] == graph.outputs


# Cuts ----------------------------------------------------------------------------------------------------------------


def test_a_stencil_has_nothing_in_common():
    def function(x):
        padded = unsliced(x, 1, 8)
        return sliced(padded, 0, 6) * sliced(padded, 1, 6) - sliced(padded, 2, 6)

    _, cut = cut_of(function, X)
    assert primitives(cut) == ["mul", "sub"]
    assert places(cut.variables) == [[-1, 0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, -1]]
    assert cut.links.toarray().astype(int).tolist() == np.hstack([np.eye(6, dtype=int)] * 3).tolist()
    assert not any(cut.scaled)


def test_blocks_of_equal_places():
    def function(x):
        return unsliced(sliced(x, 0, 3) * sliced(x, 0, 3), 0, 6) + unsliced(apply(ew.sin, sliced(x, 0, 3)), 0, 6)

    _, cut = cut_of(function, X)
    assert cut.variables.blocks == [0, 0, 0]
    assert cut.terms.blocks == [0, 0]
    assert cut.links.toarray().astype(int).tolist() == np.eye(3, dtype=int).tolist()


def test_a_scaled_selection_ends_where_it_is_picked():
    def function(x):
        y = apply(ew.exp, x)
        return sliced(y, 1, 5) * sliced(y, 0, 5)

    graph, cut = cut_of(function, X)
    assert primitives(cut) == ["mul"]
    assert cut.scaled == [True, True]
    assert [cut.origins[v] for v in cut.variables.values] == list(graph.outputs[0].op.operands)


def test_what_broadcasts_is_one_variable_for_each_repetition():
    def function(x, matrix):
        return x * matrix + sliced(x, 0, 1)

    _, cut = cut_of(function, X, np.ones((2, 6)))
    assert primitives(cut) == ["add"]
    assert [v.shape for v in cut.variables.values] == [(2, 6), (2, 6)]
    assert places(cut.variables) == [[0, 1, 2, 3, 4, 5] * 2, [0] * 12]
    assert cut.scaled == [True, False]


def test_the_whole():
    def function(x):
        return sliced(x, 1, 5) * sliced(x, 0, 5)

    graph = graph_of(function, X)
    cut = whole(graph, [None, *graph.outputs], [2, 5], graph.inputs, {})
    assert cut.graph is graph
    assert places(cut.terms) == [[2, 3, 4, 5, 6]]
    assert places(cut.variables) == [[0, 1, 2, 3, 4, 5]]
    assert cut.links.nnz == 10
