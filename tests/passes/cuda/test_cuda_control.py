"""Loops and branches as one kernel on the NVIDIA target."""

import numpy as np
import pytest
from control_graphs import F64, I64, arrays_for, f64, graph_with, joined, region
from cuda_programs import check_graph, lorenz, scan_graph, softmax

from tapec.ir import dtypes
from tapec.ir.types import tensor_type
from tapec.ops import control, indexing
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, broadcast, matmul, reduce_sum, reshape
from tapec.passes.adjoint import adjoint
from tapec.passes.cuda import planner
from tapec.passes.cuda.plan import Control, Launch


def one_kernel(graph, arrays=None):
    plan = check_graph(graph, arrays if arrays is not None else arrays_for(graph))
    (item,) = [i for i in plan.items if isinstance(i, Launch) and "product" not in i.kernel.name]
    return item.kernel


@pytest.mark.parametrize("n", [1, 31, 33, 1025])
def test_trajectories_meet_no_other(n):
    """A scan over rows that do not meet: every block of threads has some of them, for all rounds."""
    kernel = one_kernel(scan_graph([f64(n)] * 3, [], lorenz, 7))
    assert (kernel.grid > 1) == (n > 256 or n == 33 or n == 1025)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 2, 5])
@pytest.mark.parametrize("n", [3, 40, 100])
def test_slices(n, length, reverse):
    """Carries small and large (in two places that take turns), slices read and written."""

    def body(c, carry, x):
        new = apply(ew.sin, carry * c + x)
        return new, new * x

    graph = scan_graph([f64(n)], [f64(length, n)], body, length, consts=[f64()], reverse=reverse)
    one_kernel(graph)


def test_rows_of_vectors():
    """Every row is a vector, of which the body takes sums."""

    def body(w, state, x):
        total = broadcast(reshape(reduce_sum(state * w, (1,)), (70, 1)), (70, 3))
        return apply(ew.tanh, total + state * x), total

    kernel = one_kernel(scan_graph([f64(70, 3)], [f64(4, 70, 3)], body, 4, consts=[f64(3)]))
    assert kernel.grid > 1


def test_a_cell_with_a_product():
    """Steps that meet stay in one block of threads, matrix products among them."""

    def body(w, h, x):
        new = apply(ew.tanh, matmul(h, w) + x)
        return new, reduce_sum(new, (0,))

    kernel = one_kernel(scan_graph([f64(5, 8)], [f64(6, 5, 8)], body, 6, consts=[f64(8, 8)]))
    assert kernel.grid == 1


def test_gathers_and_scatters_inside():
    indices = tensor_type(dtypes.I64, (4,))

    def body(i, h, x):
        taken = apply(indexing.take, h, i, axis=0)
        return apply(indexing.scatter_add, h, i, taken * x, axis=0), taken

    graph = scan_graph([f64(9)], [f64(3, 4)], body, 3, consts=[indices])
    arrays = arrays_for(graph)
    arrays[0] = np.array([1, 8, 1, -2])
    one_kernel(graph, arrays)


@pytest.mark.parametrize("n", [1, 3, 40])
def test_while(n):
    """A loop that goes on as long as a sum is small; large carries may end in either place."""

    def test(limit, x):
        return apply(ew.lt, reduce_sum(x, (0,)), limit)

    for bound in (0.5, 5.0, 11.0, 400.0):
        graph = graph_with(
            control.while_loop,
            [F64, f64(n)],
            {"consts": 1},
            region([F64, f64(n)], test),
            region([F64, f64(n)], lambda limit, x: x * 1.5 + limit * 0.01),
        )
        one_kernel(graph, [np.array(bound), arrays_for(graph)[1]])


def test_branches():
    cases = [lambda x: x * 2.0, lambda x: apply(ew.exp, x), lambda x: x - x]
    for n in (1, 33, 300):
        graph = graph_with(control.cond, [I64, f64(n)], {}, *[region([f64(n)], case) for case in cases])
        for index in (-3, 0, 1, 2, 7):
            one_kernel(graph, [np.array(index), arrays_for(graph)[1]])


@pytest.mark.parametrize("dtype", [dtypes.I32, dtypes.U32, dtypes.I8], ids=str)
def test_branches_by_other_integers(dtype):
    types = [tensor_type(dtype, ()), f64(5)]
    graph = graph_with(control.cond, types, {}, *[region([f64(5)], lambda x, i=i: x * i) for i in (1.0, 2.0, 3.0)])
    for index in (0, 1, 2, 100) if dtype.kind == "u" else (-100, 0, 1, 2, 100):
        one_kernel(graph, [np.array(index, dtype.numpy), arrays_for(graph)[1]])


def test_loops_in_loops():
    inner_types = [F64, f64(5)]

    def outer(c, x):
        builder = x.builder
        body = region(inner_types, lambda c, x: (x * c + 0.1, x))
        op = builder.emit(
            control.scan, (c.value, x.value), {"consts": 1, "carries": 1, "length": 3, "reverse": False}, (body,)
        )
        return type(x)(builder, op.results[0]), reduce_sum(type(x)(builder, op.results[1]), (0, 1))

    one_kernel(scan_graph([f64(5)], [], outer, 4, consts=[F64]))


def test_a_branch_in_a_loop():
    """The choice depends on the carry."""

    def body(x):
        builder = x.builder
        positive = apply(ew.gt, reduce_sum(x, (0,)), reduce_sum(x * 0.0, (0,)))
        index = apply(ew.cast, positive, dtype="i64")
        regions = (region([f64(6)], lambda x: x + 3.0), region([f64(6)], lambda x: x * 0.5 - 1.0))
        op = builder.emit(control.cond, (index.value, x.value), {}, regions)
        return type(x)(builder, op.results[0])

    one_kernel(scan_graph([f64(6)], [], body, 9))


@pytest.mark.parametrize("n", [3, 40])
def test_gradients_of_loops(n, monkeypatch):
    """What the loop stores for its gradient lies row by row: in one kernel, and from the host."""

    def body(c, x, y):
        return apply(ew.sin, x * c) + y, apply(ew.exp, -y) * x

    graph = scan_graph([f64(n)] * 2, [], body, 5, consts=[f64()])
    joint = joined(graph, adjoint(graph, graph.outputs, list(graph.inputs)))
    check_graph(joint, arrays_for(joint))
    monkeypatch.setattr(planner, "control_kernels", lambda *_: None)
    check_graph(joint, arrays_for(joint))


# Too large for one kernel --------------------------------------------------------------------------------------------


def on_the_host(graph, arrays=None):
    plan = check_graph(graph, arrays if arrays is not None else arrays_for(graph))
    assert any(isinstance(item, Control) for item in plan.items)
    assert "on the host" in str(plan)


@pytest.fixture
def nothing_fits(monkeypatch):
    monkeypatch.setattr(planner, "control_kernels", lambda *_: None)


@pytest.mark.parametrize("reverse", [False, True])
def test_loops_of_the_host(reverse, nothing_fits):
    def body(c, carry, total, x):
        new = apply(ew.sin, carry * c + x)
        return new, total + reduce_sum(new, (0,)), new * x

    for n, length in ((3, 4), (50, 5), (50, 0)):
        on_the_host(scan_graph([f64(n), F64], [f64(length, n)], body, length, consts=[f64()], reverse=reverse))


def test_while_of_the_host(nothing_fits):
    types = [F64, f64(40)]
    body = region(types, lambda limit, x: x * 1.5 + limit * 0.01)
    test = region(types, lambda limit, x: apply(ew.lt, reduce_sum(x, (0,)), limit))
    graph = graph_with(control.while_loop, types, {"consts": 1}, test, body)
    for bound in (0.5, 100.0, 400.0):
        on_the_host(graph, [np.array(bound), arrays_for(graph)[1]])


def test_branches_of_the_host(nothing_fits):
    cases = [region([f64(9)], lambda x: x * 2.0), region([f64(9)], lambda x: apply(ew.exp, x))]
    graph = graph_with(control.cond, [I64, f64(9)], {}, *cases)
    for index in (-3, 0, 1, 7):
        on_the_host(graph, [np.array(index), arrays_for(graph)[1]])


def test_a_chain_in_a_loop_of_the_host(nothing_fits):
    """What a chain leaves for later rounds is no memory of its own."""

    def body(carry):
        new = softmax(carry + carry * 0.5)
        return new, reduce_sum(new, (0, 1))

    on_the_host(scan_graph([f64(130, 9)], [], body, 4))


def test_reverse_mode_of_while():
    """Rows that a while loop stores, and the loops that read them."""
    types = [F64, f64(4)]
    test = region(types, lambda limit, x: apply(ew.lt, reduce_sum(x, (0,)), limit))
    graph = graph_with(
        control.while_loop,
        types,
        {"consts": 1},
        test,
        region(types, lambda limit, x: apply(ew.sin, x) * 2.0 + x * limit * 0.1),
    )
    joint = joined(graph, adjoint(graph, [graph.outputs[0]], list(graph.inputs)))
    for bound in (2.0, 9.0):
        arrays = [np.array(bound), arrays_for(graph)[1]]
        arrays += [np.ones(v.shape) for v in joint.inputs[2:]]
        on_the_host(joint, arrays)
