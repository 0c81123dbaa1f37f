"""Temporaries in the dtype that they had before a cast: which, and that no bit depends on it."""

from __future__ import annotations

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import apply, cast, matmul, reduce_sum
from tapec.passes import narrow_stores
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch):
    monkeypatch.setattr(narrow_stores, "BEYOND_CACHES", 0)


def check(function, *arrays):
    """Compiled and interpreted bits; the dtypes of the large temporaries."""
    graph = graph_of(function, *arrays)
    executable = compile_graph(graph)
    assert_same_bits(executable.run(list(arrays))[1], interpret(graph, list(arrays))[0])
    return sorted(b.dtype.name for b in executable.program.temporaries if b.size > 1000)


def mask(x):
    """Read once for the sum, and again behind it."""
    m = cast(apply(ew.exp, x) > 1.0, dtypes.F64)
    return m * reduce_sum(m, (0, 1))


X = np.random.default_rng(0).normal(size=(60, 50))


def test_a_mask_takes_a_byte():
    assert check(mask, X) == ["i1"]


@pytest.mark.parametrize("dtype", [dtypes.F16, dtypes.bfloat16()], ids=str)
def test_a_result_of_sixteen_bits_is_kept_with_sixteen_bits(dtype):
    def f(x):
        y = apply(ew.exp, x)
        return y - reduce_sum(y, (0, 1))

    assert check(f, X.astype(dtype.numpy)) == [dtype.name]


def test_what_fits_into_caches_stays(monkeypatch):
    monkeypatch.setattr(narrow_stores, "BEYOND_CACHES", X.nbytes + 1)
    assert check(mask, X) == ["f64"]


def test_what_is_stored_anyway_is_read_from_there(monkeypatch):
    monkeypatch.setattr(narrow_stores, "BEYOND_CACHES", X.nbytes)

    def f(x):
        y = apply(ew.exp, x)
        return y, y - reduce_sum(y, (0, 1))

    assert check(f, X.astype(np.float16)) == []


def test_a_cast_to_fewer_values_stays():
    def f(x):
        y = cast(apply(ew.exp, x), dtypes.F32)
        return y - reduce_sum(y, (0, 1))

    assert check(f, X) == ["f32"]


def test_what_a_product_reads_stays():
    def f(x):
        m = cast(apply(ew.exp, x) > 1.0, dtypes.F64)
        return matmul(m, x), m * reduce_sum(m, (0, 1))

    assert "f64" in check(f, np.ascontiguousarray(X[:50, :50]))


def test_chains_of_casts():
    """The mask as float16, and that as float32: both are read behind the sums."""

    def f(x):
        m = cast(apply(ew.exp, x) > 1.0, dtypes.F16)
        total = cast(reduce_sum(cast(m, dtypes.F32), (0, 1)), dtypes.F16)
        wide = cast(m, dtypes.F32) * cast(total, dtypes.F32)
        return m * total, wide

    check(f, X)


def test_zeros_outside_of_windows():
    def f(x):
        m = cast(apply(ew.exp, x) > 1.0, dtypes.F64)
        total = reduce_sum(m, (0, 1))
        return apply(movement.unslice, m, start=(1, 2), step=(1, 1), shape=(62, 54)) + total

    check(f, X)
