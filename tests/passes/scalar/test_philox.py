"""Philox's row gives the bits of its meaning, for every unsigned dtype, scalar and vector, and in eager runs."""

import numpy as np
import pytest
from scalar_kernels import Case, kernels

from tapec.dispatch import apply
from tapec.ir import dtypes
from tapec.ops import sampling
from tapec.tensor import make

BITS = [sampling.philox_low, sampling.philox_high]


def operands(dtype, count=512):
    rng = np.random.default_rng(1)
    arrays = [rng.integers(0, 2**dtype.bits, count, dtype=np.uint64, endpoint=False) if dtype.bits < 64
              else rng.integers(0, 2**64 - 1, count, dtype=np.uint64, endpoint=True) for _ in range(3)]  # fmt: skip
    for array, value in zip(arrays, (0, 2**dtype.bits - 1, 0), strict=True):
        array[0] = value
    return [a.astype(dtype.numpy) for a in arrays]


@pytest.mark.parametrize("dtype", [dtypes.U8, dtypes.U16, dtypes.U32, dtypes.U64], ids=repr)
@pytest.mark.parametrize("primitive", BITS, ids=lambda p: p.name)
def test_bits_of_the_meaning(primitive, dtype):
    arrays = operands(dtype)
    expected = primitive.meaning(*arrays)
    for run in kernels([Case(primitive, (dtype,) * 3, width) for width in (1, 4, 16)]):
        np.testing.assert_array_equal(run(*arrays), expected)


@pytest.mark.parametrize("primitive", BITS, ids=lambda p: p.name)
def test_eager_runs(primitive):
    low, high, key = operands(dtypes.U64)
    out = apply(primitive, (make(low), make(high[:1]), make(key[0])))
    np.testing.assert_array_equal(out.numpy(), primitive.meaning(low, high[:1], key[0]))
