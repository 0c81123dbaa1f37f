"""Conversions of floats of 16 bits: every one of them, and numbers around all ties, against NumPy's own."""

from __future__ import annotations

from math import frexp

import numpy as np
import pytest
from scalar_kernels import Case, any_bits, kernels, padded, same_bits

from tapec.ir import dtypes
from tapec.ops import elementwise as ew

SHORT = [dtypes.F16, dtypes.bfloat16()]
EVERY = np.arange(1 << 16, dtype=np.uint16)


def _casts(source, target, *arrays):
    """What scalars and vectors give for each array."""
    cases = [Case(ew.cast, (source,), width, {"dtype": target.name}) for width in (1, 4, 8, 16)]
    return [[run(padded(array)) for run in kernels(cases)] for array in arrays]


@pytest.mark.parametrize("target", [*dtypes.ALL, dtypes.bfloat16()], ids=str)
@pytest.mark.parametrize("short", SHORT, ids=str)
def test_every_number_goes_everywhere(short, target):
    x = EVERY.view(short.numpy)
    with np.errstate(all="ignore"):
        expected = ew.cast.meaning(x, dtype=target.name)
    for found in _casts(short, target, x)[0]:
        assert same_bits(found, expected).all()


def _around_ties(short, wide):
    """Numbers of a wider dtype that lie on, just below and just above the middle between two neighbours."""
    infinity = short.numpy.type(np.inf).view(np.uint16)
    there = EVERY[:infinity].view(short.numpy).astype(wide)
    middles = there[:-1] / wide(2) + there[1:] / wide(2)
    near = np.concatenate([middles, np.nextafter(middles, wide(0)), np.nextafter(middles, wide(np.inf)), there])
    return np.concatenate([near, -near])


@pytest.mark.parametrize("source", [dtypes.F32, dtypes.F64], ids=str)
@pytest.mark.parametrize("short", SHORT, ids=str)
def test_floats_round_once(short, source):
    rng = np.random.default_rng(0)
    top = short.largest
    beyond = 2.0 ** frexp(top)[1] * (1 - 2.0 ** -(short.digits + 1))  # a tie with what would come behind the range
    numbers = [top, beyond, np.nextafter(beyond, 0), 1e30, np.inf, np.nan, 2.0**-25, 2.0**-25 * 1.001, 0.0]
    edges = source.numpy.type(numbers)
    x = np.concatenate([any_bits(rng, source, 1 << 14), _around_ties(short, source.numpy.type), edges, -edges])
    for found in _casts(source, short, x)[0]:
        with np.errstate(all="ignore"):
            assert same_bits(found, padded(x).astype(short.numpy)).all()


def test_float64_is_not_rounded_by_way_of_float32():
    """1 + 2**-11 is a tie of float16; a little more is not, but float32 would make it one."""
    x = padded(np.array([1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-11 - 2.0**-40, 1 + 3 * 2.0**-11 - 2.0**-40]))
    for found in _casts(dtypes.F64, dtypes.F16, x)[0]:
        assert found[:3].tolist() == [1 + 2.0**-10, 1.0, 1 + 2.0**-10]


@pytest.mark.parametrize("source", [d for d in dtypes.ALL if d.kind in "biu"], ids=str)
@pytest.mark.parametrize("short", SHORT, ids=str)
def test_integers(short, source):
    rng = np.random.default_rng(0)
    if source.kind == "b":
        x = np.array([True, False])
    else:
        info = np.iinfo(source.numpy)
        ends = [n for n in (2047, 2048, 2049, 2051, 65519, 65520, 70000) if n <= info.max]
        x = np.concatenate([np.array(ends, source.numpy), rng.integers(info.min, info.max, 500, source.numpy, True)])
    for found in _casts(source, short, x)[0]:
        with np.errstate(all="ignore"):
            assert same_bits(found, padded(x).astype(short.numpy)).all()
