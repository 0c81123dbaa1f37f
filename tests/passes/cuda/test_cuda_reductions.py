"""Reductions on the NVIDIA target: the bits of the CPU's order, whatever the shape."""

import numpy as np
import pytest
from cuda_programs import SIZES, Case, check, numbers, softmax

from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import apply, matmul, reduce_sum, transpose
from tapec.passes.cuda import folding

REDUCTIONS = (reduction.sum, reduction.prod, reduction.max, reduction.min)


def several(x):
    """All reductions of one nest, of an expression that a kernel computes on the way."""
    y = apply(ew.exp, x)
    return (*[apply(r, y, axes=(x.type.rank - 1,)) for r in REDUCTIONS], y)


@pytest.mark.parametrize("n", [n for n in SIZES if n])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_row(n, dtype):
    check(Case(several, (numbers(n, dtype=dtype),)))


@pytest.mark.parametrize("n", [4096, 2048 * 5 + 7, 2048 * 300 + 1, 2048 * 1030])
def test_a_long_row(n):
    plan = check(Case(lambda x: reduce_sum(x * x, (0,)), (numbers(n),)))
    assert 2 <= len(plan.kernels) <= 3


def test_parts_folded_again_and_again(monkeypatch):
    """What one kernel folds of many parts is folded by the next."""
    monkeypatch.setattr(folding, "_MOST", 4)
    plan = check(Case(lambda x: reduce_sum(x * x, (0,)), (numbers(2048 * 40 + 1),)))
    assert [k.name.split("_")[3:] for k in plan.kernels] == [[], ["fold"], ["fold", "2"], ["fold", "3"]]


@pytest.mark.parametrize(
    "shape", [(1, 5), (7, 3), (40, 16), (33, 31), (300, 33), (5, 2049), (3, 6000), (0, 4), (4, 0), (300, 2049)]
)
def test_rows(shape):
    check(Case(lambda x: reduce_sum(x, (1,)), (numbers(*shape),)))


@pytest.mark.parametrize(
    "shape", [(5, 1), (3, 7), (31, 33), (129, 5), (300, 64), (2049, 3), (40_000, 2), (128 * 70, 36)]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_columns(shape, dtype):
    check(
        Case(lambda x: (reduce_sum(x * 2.0, (0,)), apply(reduction.max, x, axes=(0,))), (numbers(*shape, dtype=dtype),))
    )


@pytest.mark.parametrize("axes", [(0, 2), (1, 3), (0, 1, 3), (0,), (1, 2), (3,), (0, 1, 2, 3)])
def test_several_axes(axes):
    check(Case(lambda x: reduce_sum(x, axes), (numbers(3, 5, 7, 34),)))


@pytest.mark.parametrize("dtype", ["?", "i1", "i4", "i8", "u4"])
def test_integers_and_booleans(dtype):
    x = numbers(9, 37, dtype=dtype)
    wanted = (reduction.max, reduction.min) if dtype == "?" else REDUCTIONS
    for axis in (0, 1):
        check(Case(lambda x, axis=axis: tuple(apply(r, x, axes=(axis,)) for r in wanted), (x,)))


def test_zeros_and_nans():
    x = numbers(4, 50)
    x[0], x[1, 3], x[2, :] = -0.0, np.nan, np.where(np.arange(50) % 2, 0.0, -0.0)
    for axis in (0, 1):
        check(Case(lambda x, axis=axis: tuple(apply(r, x, axes=(axis,)) for r in REDUCTIONS), (x,)))


def test_many_reductions_in_one_nest():
    """Shared memory holds a part of a block's elements at once."""

    def function(x):
        return tuple(reduce_sum(x * float(i + 1), (1,)) for i in range(12))

    (first, *_) = check(Case(function, (numbers(3, 2100, dtype="f8"),))).kernels
    assert first.shared_bytes <= 48 * 1024


def test_softmax():
    """One kernel, in which what a nest leaves for the next stays in shared memory."""
    for shape in ((33, 130), (300, 7), (1000, 33), (2, 2100), (1, 5)):
        for dtype in ("f4", "f8"):
            plan = check(Case(softmax, (numbers(*shape, dtype=dtype),)))
            assert len(plan.kernels) == 1 or shape[0] == 1


def test_what_dies_inside_a_chain_keeps_its_memory():
    """One block of threads may have begun to write what comes last while another still reads what came first."""

    def function(x):
        return softmax(matmul(x, x)), transpose(x, (1, 0)) + softmax(x * 2.0)

    check(Case(function, (numbers(150, 150),)))


def test_long_rows_one_after_the_other():
    """Rows of several blocks inside one kernel, and sums of columns of rows."""
    check(Case(softmax, (numbers(130, 5000),)))
    check(Case(lambda x: reduce_sum(apply(ew.exp, reduce_sum(x, (2,))), (1,)), (numbers(40, 3, 5),)))
    check(Case(lambda x: reduce_sum(reduce_sum(x * x, (1,)), (1,)), (numbers(140, 300, 5),)))
