"""Eager runs on large arrays of 16 bits go by kernels: these have NumPy's bits, which small ones show."""

from __future__ import annotations

import numpy as np
import pytest
from random_graphs import assert_same_bits
from scalar_kernels import any_bits

from tapec.ir import dtypes
from tapec.ops import PRIMITIVES, reduction
from tapec.ops import elementwise as ew
from tapec.runtime.conversions import converted
from tapec.runtime.eager import LARGE, execute

SHORT = [dtypes.F16, dtypes.bfloat16()]
PIECE = 1000
SIZE = 5 * PIECE
EXACT = [
    p for p in PRIMITIVES.values()
    if p.family is ew.ELEMENTWISE and p.exact and not p.attributes and "f" in p.operand_kinds and p.arity < 3
]  # fmt: skip


def in_pieces(function, *arrays):
    return np.concatenate([function(*[a[i : i + PIECE] for a in arrays]) for i in range(0, SIZE, PIECE)])


@pytest.mark.parametrize("dtype", SHORT, ids=str)
@pytest.mark.parametrize("primitive", EXACT, ids=lambda p: p.name)
def test_large_arrays_have_the_bits_of_small_ones(primitive, dtype):
    assert SIZE >= LARGE > PIECE
    rng = np.random.default_rng(0)
    arrays = [any_bits(rng, dtype, SIZE) for _ in range(primitive.arity)]
    with np.errstate(all="ignore"):
        whole = execute(primitive, arrays, {})
        parts = in_pieces(lambda *some: execute(primitive, list(some), {}), *arrays)
        spread = execute(primitive, [arrays[0], *[a[:1] for a in arrays[1:]]], {})
        small = in_pieces(lambda x: execute(primitive, [x, *[a[:1] for a in arrays[1:]]], {}), arrays[0])
    assert_same_bits([whole, spread], [parts, small])


@pytest.mark.parametrize("other", dtypes.ALL, ids=str)
@pytest.mark.parametrize("dtype", SHORT, ids=str)
def test_casts(dtype, other):
    x = any_bits(np.random.default_rng(1), dtype, SIZE)
    with np.errstate(all="ignore"):
        there = execute(ew.cast, [x], {"dtype": other.name})
        assert_same_bits([there], [in_pieces(lambda p: execute(ew.cast, [p], {"dtype": other.name}), x)])
        back = execute(ew.cast, [there], {"dtype": dtype.name})
        assert_same_bits([back], [in_pieces(lambda p: execute(ew.cast, [p], {"dtype": dtype.name}), there)])


@pytest.mark.parametrize("dtype", SHORT, ids=str)
def test_arrays_that_are_not_dense(dtype):
    x = np.arange(2.0 * SIZE).reshape(100, 100).astype(dtype.numpy)
    for view in (x.T, x[:, ::-1], x[::2]):
        assert_same_bits([converted(view, dtypes.F32)], [view.astype(np.float32)])
        assert_same_bits([execute(ew.add, [view, view], {})], [(view.astype("f4") * 2).astype(dtype.numpy)])


def test_what_leaves_the_range_is_infinite_without_a_warning():
    for size in (3, LARGE):
        assert np.isposinf(converted(np.full(size, 1e6, np.float32), dtypes.F16)).all()
        assert np.isposinf(execute(reduction.sum, [np.full(size, 3e4, np.float16)], {"axes": (0,)}))
