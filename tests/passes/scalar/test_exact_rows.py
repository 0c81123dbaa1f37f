"""Rows of primitives whose reference meaning is exact give its bits, for every dtype, scalar and vector."""

from __future__ import annotations

import numpy as np
import pytest
from scalar_kernels import Case, any_bits, kernels, padded, same_bits

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.passes.scalar.table import ROWS
from tapec.passes.widen import moves

WIDTHS = (1, 8)
FLOATS = [
    0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2, 2.5, 3, -3, 7.5, 1 / 3, 0.1, -0.3, 1e-9, np.inf, -np.inf, np.nan,
    127.5, 128, -128.5, 255.5, 256, 32767.9, -32769, 65535.5, 2.0**24, 2.0**31, -(2.0**31), 2.0**32, 2.0**52 + 1,
    2.0**63, -(2.0**63), 2.0**64, 1e20, -1e20,
]  # fmt: skip


def values(dtype):
    rng = np.random.default_rng(7)
    if dtype is dtypes.BOOL:
        return np.array([False, True])
    if dtype.is_float:
        info = np.finfo(dtype.numpy)
        ends = [info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal, -info.smallest_subnormal]
        size = np.exp(rng.uniform(-7, 7, 40))
        with np.errstate(over="ignore"):
            given = np.array(FLOATS + ends).astype(dtype.numpy)
        return np.concatenate(
            [
                given,
                any_bits(rng, dtype, 50),
                (size * rng.choice([-1, 1], 40)).astype(dtype.numpy),
            ]
        )
    info = np.iinfo(dtype.numpy)
    special = [0, 1, 2, 3, 5, 7, 10, 100, info.max, info.max - 1, info.max // 2, info.min, info.min + 1]
    if dtype.kind == "i":
        special += [-1, -2, -3, -7, -100]
    return np.concatenate(
        [np.array(special, dtype.numpy), rng.integers(info.min, info.max, 50, dtype.numpy, endpoint=True)]
    )


def pairs(dtype):
    return [padded(grid.ravel()) for grid in np.meshgrid(values(dtype), values(dtype))]


def attributes_of(primitive, dtype):
    if primitive is ew.cast:
        return [{"dtype": target.name} for target in dtypes.ALL]
    if primitive is ew.integer_pow:
        return [{"exponent": n} for n in (0, 1, 2, 3, 5, 10, *((-1, -3) if dtype.is_float else ()))]
    return [{}]


@pytest.mark.parametrize("primitive", [p for p in ROWS if p.exact], ids=lambda p: p.name)
def test_bits_of_the_reference(primitive):
    # What computes with floats of 16 bits is a row of float32 between two casts.
    dtypes_taken = [d for d in dtypes.ALL if d.kind in primitive.operand_kinds and (not d.is_short or moves(primitive))]
    cases, arguments = [], []
    for dtype in dtypes_taken:
        arrays = pairs(dtype) if primitive.arity > 1 else [padded(values(dtype))]
        operands = (dtype,) * len(arrays)
        if primitive.arity == 3 and primitive is not ew.select:
            arrays = [*arrays, np.roll(arrays[0], 7)]
            operands = (dtype,) * 3
        if primitive is ew.select:
            arrays = [np.arange(arrays[0].size) % 3 == 0, *arrays]
            operands = (dtypes.BOOL, *operands)
        for attributes in attributes_of(primitive, dtype):
            for width in WIDTHS:
                cases.append(Case(primitive, operands, width, attributes))
                arguments.append(arrays)
    for case, run, arrays in zip(cases, kernels(cases), arguments, strict=True):
        with np.errstate(all="ignore"):
            expected = np.ascontiguousarray(primitive.meaning(*arrays, **case.attributes))
        got = run(*arrays)
        wrong = np.flatnonzero(~same_bits(got, expected))[:5]
        assert not wrong.size, (case, [a[wrong] for a in arrays], got[wrong], expected[wrong])


@pytest.mark.parametrize("dtype", [dtypes.I8, dtypes.U8], ids=repr)
@pytest.mark.parametrize("primitive", [ew.floor_divide, ew.remainder], ids=lambda p: p.name)
def test_all_divisions_of_bytes(primitive, dtype):
    info = np.iinfo(dtype.numpy)
    every = np.arange(info.min, info.max + 1).astype(dtype.numpy)
    a, b = (grid.ravel() for grid in np.meshgrid(every, every))
    (run,) = kernels([Case(primitive, (dtype, dtype), 16)])
    with np.errstate(all="ignore"):
        assert np.array_equal(run(a, b), primitive.meaning(a, b))


@pytest.mark.parametrize("dtype", [dtypes.F32, dtypes.F64], ids=repr)
def test_remainder_of_any_two_floats(dtype):
    rng = np.random.default_rng(3)
    a, b = any_bits(rng, dtype, 2**14), any_bits(rng, dtype, 2**14)
    with np.errstate(all="ignore"):
        near = rng.integers(1, 2**20, 2**13) * b[: 2**13].astype(np.float64)
        a[: 2**13] = near.astype(dtype.numpy)  # quotients that are close to integers
        for primitive in (ew.floor_divide, ew.remainder):
            expected = primitive.meaning(a, b)
            for run in kernels([Case(primitive, (dtype, dtype), width) for width in (1, 4)]):
                wrong = np.flatnonzero(~same_bits(run(a, b), expected))[:5]
                assert not wrong.size, (a[wrong], b[wrong])


@pytest.mark.parametrize("dtype", [dtypes.I16, dtypes.U16, dtypes.I32, dtypes.U32, dtypes.I64, dtypes.U64], ids=repr)
def test_integer_quotients_next_to_whole_numbers(dtype):
    rng = np.random.default_rng(5)
    info = np.iinfo(dtype.numpy)
    b = rng.integers(1, 1000, 2**12).astype(dtype.numpy)
    multiple = rng.integers(info.min, info.max, 2**12, dtype.numpy, endpoint=True) // b * b
    with np.errstate(all="ignore"):
        a = multiple + rng.integers(0, 3, 2**12).astype(dtype.numpy) - dtype.numpy.type(1)
        for primitive in (ew.floor_divide, ew.remainder):
            (run,) = kernels([Case(primitive, (dtype, dtype), 8)])
            assert np.array_equal(run(a, b), primitive.meaning(a, b))
