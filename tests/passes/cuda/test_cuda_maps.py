"""Elementwise nests on the NVIDIA target."""

import numpy as np
import pytest
from cuda_programs import SIZES, Case, check, everything, numbers

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import apply, broadcast, cast, transpose
from tapec.passes.cuda.kernel import BLOCK


@pytest.mark.parametrize("n", SIZES)
def test_odd_sizes(n):
    x, y = numbers(n), numbers(n, seed=1)
    plan = check(Case(lambda x, y: (apply(ew.exp, x) * y, x + 1.0), (x, y)))
    assert len(plan.kernels) == (n > 0)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i4", "i8", "u4", "?"])
def test_every_primitive(dtype):
    arrays = tuple(numbers(37, dtype=dtype, seed=s) for s in range(3))
    if dtype in ("f4", "f8"):
        arrays[0][:4] = (1e30, np.inf, np.nan, -0.0)  # 1e30: sines of it take a way of their own
    check(Case(everything, arrays))


def test_sixteen_bytes_of_the_widest_array():
    """A float64 array beside a float32 one leaves two positions a thread; alone, float32 has four and bytes eight."""
    n = 16 * BLOCK
    for case, positions in (
        (Case(lambda x: x + 1.0, (numbers(n),)), 4),
        (Case(lambda x: cast(x, dtypes.F64), (numbers(n),)), 2),
        (Case(lambda x: x + 1, (numbers(n, dtype="i1"),)), 8),
    ):
        (kernel,) = check(case).kernels
        assert kernel.grid == 16 // positions


@pytest.mark.parametrize("shape", [(3, 5), (4, 8), (2, 3, 4), (33, 31)])
def test_broadcast_and_strided(shape):
    row, column = numbers(shape[-1]), numbers(*shape[:-1], 1, seed=1)
    x = numbers(*shape, seed=2)

    def function(x, row, column):
        mixed = x * broadcast(row, shape) + broadcast(column, shape)
        window = {
            "start": (0,) * len(shape),
            "step": (1,) * (len(shape) - 1) + (2,),
            "size": (*shape[:-1], shape[-1] // 2),
        }
        return mixed, apply(movement.slice_, x, **window) + 1.0

    check(Case(function, (x, row, column)))


def test_windows():
    x = numbers(5, 6)
    check(Case(lambda x: apply(movement.unslice, x, start=(1, 2), step=(2, 1), shape=(12, 9)) + 1.0, (x,)))


def test_concat():
    check(Case(lambda x, y: apply(movement.concat, x, y * 2.0, axis=0), (numbers(33, 4), numbers(7, 4, seed=1))))


@pytest.mark.parametrize("shape", [(8, 8), (33, 65), (31, 100), (1, 40), (7, 40)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "?"])
def test_transposed(shape, dtype):
    """What is contiguous along another axis than the last goes through shared memory."""
    x, y = numbers(*shape, dtype=dtype), numbers(*shape[::-1], dtype=dtype, seed=1)
    plan = check(Case(lambda x, y: (transpose(x, (1, 0)) + y, transpose(x, (1, 0)) + transpose(x, (1, 0))), (x, y)))
    assert (plan.kernels[0].shared_bytes > 0) == (min(shape) >= 8)


@pytest.mark.parametrize("operands", [5, 6])
def test_as_many_tiles_as_shared_memory_holds(operands):
    """Five tiles of float64 fit; with six the kernel does without."""

    def function(*xs):
        total = transpose(xs[0], (1, 0))
        for x in xs[1:]:
            total = total + transpose(x, (1, 0))
        return total * 2.0

    (kernel,) = check(Case(function, tuple(numbers(40, 36, dtype="f8", seed=s) for s in range(operands)))).kernels
    assert (kernel.shared_bytes > 0) == (operands == 5)


def test_axes_permuted():
    for permutation in ((0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1)):
        check(Case(lambda x, p=permutation: apply(ew.exp, transpose(x, p)), (numbers(9, 34, 10),)))
