"""Zeros, infinities, NaN and the ends of the range, as C99 has them (annex F)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scalar_kernels import Case, kernels, padded, same_bits

from tapec.ir import dtypes
from tapec.ops import elementwise as ew

INF, NAN = math.inf, math.nan
POINTS = {
    ew.exp: [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, 0.0), (1e30, INF), (-1e30, 0.0), (NAN, NAN)],
    ew.expm1: [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1), (1e30, INF), (-1e30, -1), (NAN, NAN)],
    ew.log: [(1, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (-1e-40, NAN), (-1, NAN), (NAN, NAN)],
    ew.log1p: [(0.0, 0.0), (-0.0, -0.0), (-1, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    ew.tanh: [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (1e30, 1), (NAN, NAN)],
    ew.sigmoid: [(0.0, 0.5), (-0.0, 0.5), (INF, 1), (-INF, 0.0), (-1e30, 0.0), (1e30, 1), (NAN, NAN)],
    ew.erf: [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (1e30, 1), (NAN, NAN)],
    ew.sin: [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    ew.cos: [(0.0, 1), (-0.0, 1), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    ew.atan: [(0.0, 0.0), (-0.0, -0.0), (INF, math.pi / 2), (-INF, -math.pi / 2), (1e30, math.pi / 2), (NAN, NAN)],
}
FLOATS = [dtypes.F32, dtypes.F64]


@pytest.mark.parametrize("dtype", FLOATS, ids=repr)
@pytest.mark.parametrize("primitive", POINTS, ids=lambda p: p.name)
def test_functions_of_one_argument(primitive, dtype):
    x, expected = (padded(np.array(column).astype(dtype.numpy)) for column in zip(*POINTS[primitive], strict=True))
    for run in kernels([Case(primitive, (dtype,), width) for width in (1, 8)]):
        assert same_bits(run(x), expected).all(), (x, run(x))


@pytest.mark.parametrize("dtype", FLOATS, ids=repr)
@pytest.mark.parametrize("primitive", [ew.expm1, ew.log1p, ew.sin, ew.tanh, ew.atan], ids=lambda p: p.name)
def test_subnormals_pass_through(primitive, dtype):
    least = np.finfo(dtype.numpy).smallest_subnormal
    x = np.concatenate([least * np.arange(1, 9), -least * np.arange(1, 9)]).astype(dtype.numpy)
    (run,) = kernels([Case(primitive, (dtype,), 4)])
    assert np.array_equal(run(x), x)


@pytest.mark.parametrize(
    ("dtype", "largest", "least"),
    [(dtypes.F64, 709.782712893384, -745.1332191019411), (dtypes.F32, 88.72283, -103.9720764)],
    ids=["f64", "f32"],
)
def test_exp_overflows_and_underflows_where_it_should(dtype, largest, least):
    numpy, info = dtype.numpy, np.finfo(dtype.numpy)
    top, bottom = numpy.type(largest), numpy.type(least)
    x = np.array([top, np.nextafter(top, numpy.type(INF)), bottom, np.nextafter(bottom, numpy.type(-INF))] * 2, numpy)
    for run in kernels([Case(ew.exp, (dtype,), width) for width in (1, 4)]):
        finite, infinite, tiny, zero = run(x)[:4]
        assert info.max * 0.999 < finite < INF
        assert infinite == INF
        assert tiny == info.smallest_subnormal
        assert zero == 0


POW = [
    *[(0.0, y, INF) for y in (-1, -2, -3, -0.5, -INF)], *[(-0.0, y, INF) for y in (-2, -0.5, -INF, -4)],
    *[(-0.0, y, -INF) for y in (-1, -3, -5)], *[(0.0, y, 0.0) for y in (1, 2, 3, 0.5, INF)],
    *[(-0.0, y, -0.0) for y in (1, 3)], *[(-0.0, y, 0.0) for y in (2, 0.5, INF)],
    (-1, INF, 1), (-1, -INF, 1), (1, NAN, 1), (1, INF, 1), (1, 5, 1), (NAN, 0.0, 1), (NAN, -0.0, 1), (INF, 0.0, 1),
    (0.0, 0.0, 1), (-0.0, 0.0, 1), (-2, 0.0, 1), (NAN, 1, NAN), (2, NAN, NAN), (-2, NAN, NAN), (NAN, NAN, NAN),
    (-2, 0.5, NAN), (-2, 1e-3, NAN), (-0.5, 1.5, NAN), (-2, 3, -8), (-2, 2, 4), (-2, -3, -0.125), (-2, -2, 0.25),
    (0.5, INF, 0.0), (0.5, -INF, INF), (2, INF, INF), (2, -INF, 0.0), (-0.5, INF, 0.0), (-2, INF, INF), (-2, -INF, 0.0),
    (INF, 2, INF), (INF, 0.5, INF), (INF, -1, 0.0), (INF, INF, INF), (INF, -INF, 0.0), (0.0, INF, 0.0),
    (-INF, 3, -INF), (-INF, 2, INF), (-INF, 0.5, INF), (-INF, -3, -0.0), (-INF, -2, 0.0), (-INF, -0.5, 0.0),
    (-INF, INF, INF), (-INF, -INF, 0.0), (2, 1e30, INF), (2, -1e30, 0.0), (0.5, 1e30, 0.0), (-2, 1e30, INF),
    (2, 10, 1024), (4, 0.5, 2), (9, -0.5, 1 / 3), (1e-30, 1e30, 0.0), (-1, 1e30, 1), (-1, 16777215, -1),
    (-1, 16777216, 1),
]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS, ids=repr)
def test_pow(dtype):
    x, y, expected = (padded(np.array(column).astype(dtype.numpy)) for column in zip(*POW, strict=True))
    for run in kernels([Case(ew.pow, (dtype, dtype), width) for width in (1, 8)]):
        got = run(x, y)
        wrong = np.flatnonzero(~same_bits(got, expected))
        assert not wrong.size, (x[wrong], y[wrong], got[wrong], expected[wrong])


def test_pow_of_odd_and_even_doubles_beyond_the_float32_range():
    x, y = np.full(4, -1.0), np.array([2.0**53 - 1, 2.0**53, 2.0**53 + 2, 4503599627370495.5])
    (run,) = kernels([Case(ew.pow, (dtypes.F64, dtypes.F64), 4)])
    assert same_bits(run(x, y), np.array([-1, 1, 1, NAN])).all()


@pytest.mark.parametrize("dtype", FLOATS, ids=repr)
def test_atan2(dtype):
    numpy = dtype.numpy
    special = np.array([0.0, -0.0, INF, -INF, NAN, 1, -1, 1e-38, 1e38], numpy)
    y, x = (padded(grid.ravel()) for grid in np.meshgrid(special, special))
    expected = np.array([math.atan2(float(a), float(b)) for a, b in zip(y, x, strict=True)]).astype(numpy)
    # In float32 the diagonals are an ulp off; in float64 they are exact.
    slack = np.spacing(numpy.type(0.8)) if dtype is dtypes.F32 else 0
    for run in kernels([Case(ew.atan2, (dtype, dtype), width) for width in (1, 8)]):
        got = run(y, x)
        wrong = np.flatnonzero(~same_bits(got, expected) & ~(np.abs(np.abs(got) - numpy.type(math.pi / 4)) <= slack))
        assert not wrong.size, (y[wrong], x[wrong], got[wrong], expected[wrong])
