"""Gathers, scatter-adds, sorts, running sums and small products on the NVIDIA target."""

import re

import numpy as np
import pytest
from control_graphs import f64
from cuda_programs import Case, check, check_graph, numbers, scan_graph

from tapec.errors import IndexOutOfRangeError, UnsupportedOnDeviceError
from tapec.ops import contraction, creation, indexing, linalg, movement, ordering, reduction, transform, update
from tapec.ops.symbolic import Sym, apply, matmul, take, transpose
from tapec.passes.cuda import planner, scatters
from tapec.passes.cuda.host_steps import HOST_STEPS
from tapec.passes.cuda.plan import Control
from tapec.passes.cuda.steps import STEPS
from tapec.passes.kernel_status import INDEX_OUT_OF_RANGE
from tapec.passes.materialize import CONTROL, LIBRARY
from tapec.runtime.cuda.emulated_program import EmulatedProgram
from tapec.runtime.cuda.program import device_plan
from tapec.runtime.interpreter import interpret


def indices(count, length, seed=0, dtype="i8"):
    low = 0 if dtype[0] == "u" else -length
    return np.random.default_rng([seed, count]).integers(low, length, count).astype(dtype)


@pytest.mark.parametrize(("shape", "axis"), [((5,), 0), ((33, 4), 0), ((7, 33), 1), ((3, 5, 8), 1), ((2, 31, 1), 1)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_take(shape, axis, dtype):
    x = numbers(*shape, dtype=dtype)
    for count in (0, 1, 33, 300):
        check(Case(lambda x, i: take(x, i, axis), (x, indices(count, shape[axis], dtype="i4"))))


def test_take_along():
    x = numbers(3, 33, 5)
    where = np.random.default_rng(0).integers(-33, 33, (3, 70, 5))
    check(Case(lambda x, i: apply(indexing.take_along, x, i, axis=1), (x, where)))


def test_scatter_add_in_the_middle(monkeypatch):
    for looks in (True, False):
        monkeypatch.setattr(scatters, "_looks", lambda _, looks=looks: looks)
        x, updates = numbers(3, 9, 4), numbers(3, 5000, 4, seed=1)
        i = indices(5000, 9)
        check(Case(lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=1), (x, i, updates)))


def test_scatter_add_along():
    x, updates = numbers(3, 33, 5), numbers(3, 70, 5, seed=1)
    where = np.random.default_rng(0).integers(-33, 33, (3, 70, 5))
    check(Case(lambda x, i, u: apply(indexing.scatter_add_along, x, i, u, axis=1), (x, where, updates)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, i, _: take(x, i, 0),
        lambda x, i, _: apply(indexing.take_along, x, i, axis=0),
        lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=0),
        lambda x, i, u: apply(indexing.scatter_add_along, x, i, u, axis=0),
    ],
)
def test_indices_out_of_range(function):
    """The status says so, and nothing outside the arrays is touched."""
    for length, wrong in ((5, 5), (5, -6), (5, 1 << 40), (0, 0)):
        case = Case(function, (numbers(length), np.array([wrong]), numbers(1)))
        with pytest.raises(IndexOutOfRangeError):
            interpret(case.graph, list(case.arrays))
        status, _, _ = EmulatedProgram(device_plan(case.graph)).run(case.arrays)
        assert status == INDEX_OUT_OF_RANGE


@pytest.mark.parametrize("shape", [(1,), (2,), (33,), (1025,), (5000,), (3, 40), (0,)])
@pytest.mark.parametrize("dtype", ["f4", "i8", "?"])
def test_argsort(shape, dtype):
    x = numbers(*shape, dtype=dtype)
    if dtype == "f4":
        x[..., 1::7], x[..., 2::9], x[..., ::5] = np.nan, -0.0, 0.0
    for axis in range(len(shape)):
        check(Case(lambda x, axis=axis: apply(ordering.argsort, x, axis=axis), (x,)))


@pytest.mark.parametrize("reverse", [False, True])
def test_cumsum(reverse):
    for axis in (0, 1):
        check(Case(lambda x, a=axis: apply(reduction.cumsum, x, axis=a, reverse=reverse), (numbers(33, 40),)))


def test_positions_of_extremes():
    x = numbers(33, 40)
    x[3, 5:7], x[4] = np.nan, 0.0
    for axis in (0, 1):
        for primitive in (reduction.argmax, reduction.argmin):
            check(Case(lambda x, a=axis, p=primitive: apply(p, x, axis=a), (x,)))


@pytest.mark.parametrize(
    ("m", "k", "n"),
    [(1, 3, 1), (2, 2, 2), (7, 5, 9), (4, 0, 3), (5, 700, 3), (31, 33, 16), (33, 16, 70), (65, 600, 64)],
)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_products(m, k, n, dtype):
    a, b = numbers(m, k, dtype=dtype), numbers(n, k, dtype=dtype, seed=1)
    check(Case(lambda a, b: matmul(a, transpose(b, (1, 0))), (a, b)))
    check(Case(matmul, (a, numbers(k, n, dtype=dtype))))


def test_products_that_underflow_keep_the_sign_of_zero():
    """The first block of a chain is its result, and not added to zero."""
    for shape in ((3, 3), (40, 40)):
        a, b = numbers(*shape, dtype="f8"), np.full(shape, -5e-324)
        a[:] = np.abs(a) / 8
        check(Case(matmul, (a, b)))


def test_batched_products():
    for m, k, n in ((4, 5, 6), (40, 20, 50)):
        check(Case(lambda a, b: apply(contraction.matmul, a, b), (numbers(3, m, k), numbers(3, k, n, seed=1))))


def test_large_products_are_tiles_too():
    plan = check(Case(matmul, (numbers(130, 515, dtype="f8"), numbers(515, 200, dtype="f8"))))
    assert [kernel.grid for kernel in plan.kernels] == [3 * 4]


def test_every_library_step_has_a_kernel_or_is_left_to_the_host():
    """But for what the passes before never leave, and what the planner does itself."""
    made_otherwise = {update.slice_set, update.slice_add, contraction.contract}
    assert LIBRARY - CONTROL - made_otherwise - {creation.guard} == (set(STEPS) | HOST_STEPS)
    assert not set(STEPS) & HOST_STEPS


def test_a_step_that_nothing_does(monkeypatch):
    monkeypatch.setattr(planner, "HOST_STEPS", HOST_STEPS - {linalg.cholesky})
    with pytest.raises(UnsupportedOnDeviceError, match="`cholesky`"):
        device_plan(Case(lambda x: apply(linalg.cholesky, x), (np.eye(20),)).graph)


def test_scatters_of_nothing():
    """Empty results, be the indices right or not."""
    for function in (indexing.scatter_add, indexing.scatter_add_along):
        along = function is indexing.scatter_add_along
        x, i = numbers(4, 0), np.zeros((2, 0) if along else 2, np.int64)
        case = Case(lambda x, i, u, f=function: apply(f, x, i, u, axis=0), (x, i, numbers(2, 0)))
        assert not check(case).kernels


def test_what_the_host_does_stands_in_the_plan():
    """Factorizations, and a solve that reads the factors of a matrix only."""

    def function(a, b):
        packed, pivots = factors(a)
        return apply(linalg.lu_solve, a, packed, pivots, b, transposed=False), apply(
            linalg.cholesky, matmul(a, transpose(a, (1, 0)))
        )

    a = numbers(5, 5, dtype="f8") + 4 * np.eye(5)
    plan = check(Case(function, (a, numbers(5, 2, dtype="f8"))))
    assert [step.primitive.name for step in plan.host_steps] == ["lu", "lu_solve", "cholesky"]
    assert re.search(r"on the host: \S+ = cholesky\(\S+\[5, 5\]\)", str(plan))


def factors(a):
    op = a.builder.emit(linalg.lu, (a.value,), {})
    return [Sym(a.builder, result) for result in op.results[:2]]


def backwards(x, axis):
    start = tuple(n - 1 if a == axis else 0 for a, n in enumerate(x.shape))
    step = tuple(-1 if a == axis else 1 for a in range(len(x.shape)))
    return apply(movement.slice_, x, start=start, size=x.shape, step=step)


@pytest.mark.parametrize("n", [2, 31, 33])
def test_the_host_reads_matrices_as_they_lie(n):
    """In a batch, transposed, and backwards, where the first element is the last in memory."""

    def function(a):
        turned = transpose(a, (0, 2, 1))
        positive = matmul(a, turned)
        found = [apply(linalg.cholesky, backwards(positive, 0))]
        for x in (turned, backwards(a, 1), backwards(backwards(a, 1), 2)):
            found += factors(x)
        return tuple(found)

    plan = check(Case(function, (numbers(2, n, n, dtype="f8") + 9 * np.eye(n),)))
    assert [step.primitive.name for step in plan.host_steps] == ["cholesky"] + ["lu"] * 3
    assert any(s < 0 for step in plan.host_steps for o in step.operands for s in o.strides)


@pytest.mark.parametrize("n", [1, 31, 33, 1025])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_fourier_transforms_are_left_to_the_host(n, dtype):
    def function(x):
        half = apply(transform.rfft, x)
        whole = apply(transform.fft, half * 2.0, inverse=True)
        return whole, apply(transform.irfft, half, size=n)

    plan = check(Case(function, (numbers(3, n, dtype=dtype),)))
    assert [step.primitive.name for step in plan.host_steps] == ["rfft", "fft", "irfft"]


def test_what_the_host_does_in_a_loop():
    """No kernel has it, so the loop is the host's too."""

    def body(a, b):
        packed, pivots = factors(a)
        return apply(linalg.lu_solve, a, packed, pivots, b, transposed=False)

    graph = scan_graph([f64(5, 2)], [], body, 7, consts=[f64(5, 5)])
    a = numbers(5, 5, dtype="f8") + 4 * np.eye(5)
    plan = check_graph(graph, [a, numbers(5, 2, dtype="f8")])
    assert [type(item) for item in plan.items] == [Control]
    assert [step.primitive.name for step in plan.host_steps] == ["lu", "lu_solve"]
