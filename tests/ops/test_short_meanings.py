"""Reference meanings on floats of 16 bits are those on float32, rounded once, in NumPy's loops and in `ml_dtypes`'."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from random_graphs import assert_same_bits
from scalar_kernels import any_bits

from tapec.ir import dtypes
from tapec.ops import PRIMITIVES, reduction
from tapec.ops import elementwise as ew

SHORT = [dtypes.F16, dtypes.bfloat16()]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 3.0, np.inf, -np.inf, np.nan, 65504.0, -65504.0, 2.0**-24, -(2.0**-24)]
EXACT = [p for p in PRIMITIVES.values() if p.family is ew.ELEMENTWISE and p.exact and "f" in p.operand_kinds]
REDUCING = [reduction.max, reduction.min, reduction.argmax, reduction.argmin, reduction.cumsum, PRIMITIVES["argsort"]]


def arrays_of(primitive, dtype):
    """Every number, or pairs of special ones and of others."""
    if primitive.arity == 1:
        return [np.arange(1 << 16, dtype=np.uint16).view(dtype.numpy)]
    rng = np.random.default_rng(0)
    with np.errstate(over="ignore"):
        special = np.array(SPECIAL).astype(dtype.numpy)
    grids = [g.ravel() for g in np.meshgrid(special, special)]
    arrays = [np.concatenate([g, any_bits(rng, dtype, 1 << 14)]) for g in (*grids, grids[0])][: primitive.arity]
    return [np.arange(arrays[0].size) % 2 == 0, *arrays[1:]] if primitive is ew.select else arrays


def check(primitive, dtype, arrays, attributes):
    wide = [a.astype(np.float32) if a.dtype == dtype.numpy else a for a in arrays]
    with np.errstate(all="ignore"):
        found = primitive.meaning(*arrays, **attributes)
        expected = primitive.meaning(*wide, **attributes)
        expected = expected.astype(dtype.numpy) if expected.dtype == np.float32 else expected
    assert_same_bits([found], [expected])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NaNs of bfloat16 that signal
@pytest.mark.parametrize("dtype", SHORT, ids=str)
@pytest.mark.parametrize("primitive", EXACT, ids=lambda p: p.name)
def test_elementwise(primitive, dtype):
    given: dict[str, list[dict[str, Any]]] = {
        "cast": [{"dtype": d.name} for d in dtypes.ALL if d is not dtypes.F32 and not d.is_short],
        "integer_pow": [{"exponent": n} for n in (-3, -1, 0, 1, 2, 3, 7)],
    }
    for attributes in given.get(primitive.name, [{}]):
        check(primitive, dtype, arrays_of(primitive, dtype), attributes)


@pytest.mark.parametrize("dtype", SHORT, ids=str)
@pytest.mark.parametrize("primitive", REDUCING, ids=lambda p: p.name)
def test_along_an_axis(primitive, dtype):
    rng = np.random.default_rng(0)
    values = {"axes": (0,), "axis": 0, "reverse": True}
    for x in (
        rng.normal(size=(300, 7)),
        rng.integers(-2, 3, (50, 4)),
        np.where(rng.random((9, 9)) < 0.2, np.nan, -0.0),
    ):
        attributes = {name: values[name] for name in primitive.attributes}
        check(primitive, dtype, [x.astype(dtype.numpy)], attributes)
