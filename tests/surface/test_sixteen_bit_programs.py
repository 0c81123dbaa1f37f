"""Random programs on arrays of 16 bits: NumPy's own results, by NumPy's loops and those of `ml_dtypes`, op by op.

Left out is what `ml_dtypes` has differently: `np.sort` with NaNs, remainders, signs of zeros. Values are compared with
NumPy's, and bits between eager and compiled runs.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from random_graphs import assert_same_bits

import tapec as tp

DTYPES = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
ONE = [
    lambda x: -x,
    lambda x: abs(x),
    lambda x: np.sqrt(abs(x)),
    lambda x: np.floor(x),
    lambda x: np.rint(x),
    lambda x: np.square(x),
    lambda x: np.isnan(x).astype(x.dtype),
    lambda x: x.T,
    lambda x: x[::-1],
    lambda x: np.roll(x, 1, axis=1),
    lambda x: np.concatenate([x[1:], x[:1]]),
    lambda x: np.max(abs(x), axis=0) + x,
    lambda x: np.min(abs(x), axis=1, keepdims=True) * x,
    lambda x: x * x.dtype.type(0.1) + x.dtype.type(1e-3),
    lambda x: (x.astype(np.float64) * 1.0009765625001).astype(x.dtype),
    lambda x: (x.astype(np.float32) * np.float32(3.1)).astype(x.dtype),
    lambda x: (x.astype(np.float32) + np.float32(1)).astype(DTYPES[x.dtype == DTYPES[0]]).astype(x.dtype),
    lambda x: np.where(abs(x) < x.dtype.type(100), x, x.dtype.type(0)).astype(np.int32).astype(x.dtype),
]
TWO = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: np.where((a > b) | (a != a), a, b),
    lambda a, b: (a >= b).astype(a.dtype) * a,
]


def program(rng):
    """A function of three matrices that gives four."""
    steps = []
    for known in range(3, 3 + int(rng.integers(3, 14))):
        table = (ONE, TWO)[int(rng.integers(2))]
        steps.append((table[rng.integers(len(table))], rng.integers(0, known, 1 if table is ONE else 2)))

    def function(*matrices):
        values = list(matrices)
        for op, operands in steps:
            values.append(op(*[values[i] for i in operands]))
        return values[-1], values[-2], values[-3], values[len(values) // 2]

    return function


def matrix(rng, n, dtype, kind):
    if kind == 0:  # any bits: subnormal numbers, infinities and NaNs among them
        return rng.integers(0, 1 << 16, (n, n)).astype(np.uint16).view(dtype)
    return (rng.normal(size=(n, n)) if kind == 1 else rng.integers(-5, 6, (n, n))).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("n", [1, 3, 7, 70])  # 70: large enough for the kernels of eager runs
def test_programs(n, dtype):
    for seed in range(8):
        rng = np.random.default_rng([seed, n])
        function = program(rng)
        matrices = [matrix(rng, n, dtype, seed % 3) for _ in range(3)]
        with np.errstate(all="ignore"):
            expected = function(*matrices)
            eager = [np.asarray(t) for t in function(*map(tp.constant, matrices))]
            compiled = tp.function(function)
            compiled(*matrices)  # records; the second call runs machine code alone
            assert_same_bits(compiled(*matrices), eager)
            for found, wanted in zip(eager, expected, strict=True):
                assert found.dtype == wanted.dtype
                assert np.array_equal(found.astype(np.float32), wanted.astype(np.float32), equal_nan=True)
