"""Every family of kernels at odd sizes, around warps and blocks, nothing and one included: the interpreter's bits."""

import numpy as np
import pytest
from control_graphs import F64, I64, f64, graph_with, region
from cuda_programs import (
    SHORT,
    check_graph,
    lorenz,
    normalised,
    numbers,
    philox,
    scan_graph,
    shortened,
    softmax,
    takes_single,
)
from graph_making import graph_of

from tapec.ops import contraction, control, indexing, ordering, reduction
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, matmul, reduce_sum, take, transpose
from tapec.passes.cuda import scatters

SIZES = (0, 1, 31, 33, 1025)


def scatter_add(x, i, updates):
    return apply(indexing.scatter_add, x, i, updates, axis=0)


def scatter_add_along(x, i, updates):
    return apply(indexing.scatter_add_along, x, i, updates, axis=0)


def take_along(x, i):
    return apply(indexing.take_along, x, i, axis=0)


def where(n):
    return np.random.default_rng(n).integers(-7, 7, n)


# Of each family a function, and its operands at a size.
FAMILIES = {
    "map": (lambda x: apply(ew.exp, x) * 2.0, lambda n: (numbers(n),)),
    "map of float64": (lambda x: apply(ew.tanh, x), lambda n: (numbers(n, dtype="f8"),)),
    "running sums": (lambda x: apply(reduction.cumsum, x * 2.0, axis=0, reverse=True), lambda n: (numbers(n, 3),)),
    "transpose": (lambda x: transpose(x, (1, 0)) * 2.0, lambda n: (numbers(n, 33),)),
    "row": (lambda x: reduce_sum(apply(ew.exp, x), (0,)), lambda n: (numbers(n),)),
    "rows": (lambda x: reduce_sum(apply(ew.exp, x), (1,)), lambda n: (numbers(33, n),)),
    "columns": (lambda x: reduce_sum(apply(ew.exp, x), (0,)), lambda n: (numbers(n, 33),)),
    "softmax": (softmax, lambda n: (numbers(5, max(n, 1)),)),
    "softmax of many rows": (softmax, lambda n: (numbers(n, 33),)),
    "normalisation": (normalised, lambda n: (numbers(33, max(n, 1), dtype="f8"),)),
    "take": (lambda x, i: take(x, i, 0), lambda n: (numbers(7, 4), where(n))),
    "take_along": (take_along, lambda n: (numbers(7), where(n))),
    "scatter_add": (scatter_add, lambda n: (numbers(7, 3), where(n), numbers(n, 3, seed=1))),
    "scatter_add_along": (scatter_add_along, lambda n: (numbers(7), where(n), numbers(n, seed=1))),
    "argsort": (lambda x: apply(ordering.argsort, x, axis=0), lambda n: (numbers(n),)),
    "argmax": (lambda x: apply(reduction.argmax, x, axis=1), lambda n: (numbers(n, 3),)),
    "product": (matmul, lambda n: (numbers(n, 17), numbers(17, 33, seed=1))),
    "inner product": (matmul, lambda n: (numbers(3, n), numbers(n, 5, seed=1))),
    "batched product": (
        lambda x, y: apply(contraction.matmul, x, y),
        lambda n: (numbers(min(n, 33), 5, 6), numbers(min(n, 33), 6, 7, seed=1)),
    ),
    "philox": (philox, lambda n: (np.arange(n, dtype="u8"),)),
}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_families(family, n):
    function, operands = FAMILIES[family]
    arrays = operands(n)
    check_graph(graph_of(function, *arrays), arrays)


@pytest.mark.parametrize("dtype", SHORT, ids=repr)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("family", [name for name, (_, operands) in FAMILIES.items() if takes_single(operands(1))])
def test_families_of_sixteen_bits(family, n, dtype):
    function, operands = FAMILIES[family]
    arrays = shortened(operands(n), dtype)
    check_graph(graph_of(function, *arrays), arrays)


@pytest.mark.parametrize("n", SIZES)
def test_sorted_scatter_adds(n, monkeypatch):
    monkeypatch.setattr(scatters, "_looks", lambda _: False)
    arrays = numbers(7, 3), where(n), numbers(n, 3, seed=1)
    check_graph(graph_of(scatter_add, *arrays), arrays)


def while_graph(n):
    types = [F64, f64(n)]
    test = region(types, lambda limit, x: apply(ew.lt, reduce_sum(x, (0,)), limit))
    return graph_with(control.while_loop, types, {"consts": 1}, test, region(types, lambda limit, x: x * 1.5 + limit))


def cond_graph(n):
    cases = [region([f64(n)], lambda x, i=i: x * i) for i in (1.0, 2.0)]
    return graph_with(control.cond, [I64, f64(n)], {}, *cases)


@pytest.mark.parametrize("n", SIZES)
def test_control_flow(n):
    """As one kernel, where the body is small."""
    x = numbers(n, dtype="f8")
    check_graph(scan_graph([f64(n)] * 3, [], lorenz, 5), [x, x + 1.0, x - 1.0])
    rows = scan_graph([f64(3)], [f64(n, 3)], lambda c, row: (c * 0.5 + row, c), n)
    check_graph(rows, [np.ones(3), numbers(n, 3, dtype="f8")])
    if n:  # of nothing the sum never grows
        check_graph(while_graph(n), [np.array(2.0), np.abs(x)])
    for index in (0, 1):
        check_graph(cond_graph(n), [np.array(index), x])
