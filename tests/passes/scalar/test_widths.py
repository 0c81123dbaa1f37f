"""A lane's result depends neither on the width of the vector nor on its neighbours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scalar_kernels import Case, any_bits, kernels, same_bits

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.passes.scalar.table import ROWS

INEXACT = [p for p in ROWS if not p.exact and "f" in p.operand_kinds]


def mixed(rng, dtype, count):
    """Ordinary numbers with huge ones, special ones and random bits strewn in."""
    x = (rng.standard_normal(count) * np.exp(rng.uniform(-9, 6, count))).astype(dtype.numpy)
    rare = rng.random(count) < 0.2
    x[rare] = any_bits(rng, dtype, int(rare.sum()))
    rare = rng.random(count) < 0.05
    x[rare] = rng.choice([0.0, -0.0, math.inf, -math.inf, math.nan, 1, -1], rare.sum())
    return x


@pytest.mark.parametrize("dtype", [dtypes.F32, dtypes.F64], ids=repr)
@pytest.mark.parametrize("primitive", [*INEXACT, ew.floor_divide, ew.remainder], ids=lambda p: p.name)
def test_every_width_gives_the_same_bits(primitive, dtype):
    rng = np.random.default_rng(23)
    arrays = [mixed(rng, dtype, 4096) for _ in range(primitive.arity)]
    shuffle = rng.permutation(4096)
    operands = (dtype,) * primitive.arity
    scalar, *vectors = kernels([Case(primitive, operands, width) for width in (1, 4, 8, 16)])
    expected = scalar(*arrays)
    assert np.isfinite(expected).sum() > 1000
    for run in vectors:
        assert same_bits(run(*arrays), expected).all()
        assert same_bits(run(*(a[shuffle] for a in arrays)), expected[shuffle]).all()
