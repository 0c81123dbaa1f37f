"""The matrix product routine against NumPy: layouts, sizes, dtypes, batches, errors, and bits of the unrolled form."""

import ctypes
from itertools import product
from typing import Any

import numpy as np
import pytest

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.passes import matmul_kernel, matmul_names, matmul_text
from tapec.passes.llvm_text import FunctionText, Reg, memory_element, module_text
from tapec.runtime import jit, matmul

I64, PTR = ctypes.c_int64, ctypes.c_void_p
ROUTINE = ctypes.CFUNCTYPE(I64, I64, I64, I64, I64, PTR, I64, I64, I64, PTR, I64, I64, I64, PTR)
FLOATS = (dtypes.F32, dtypes.F64)
INTEGERS = tuple(d for d in dtypes.ALL if d.kind in "iu")


def call(dtype: DType, a: Any, b: Any, out: Any = None) -> tuple[int, Any]:
    """Runs the routine on `(batch, m, k)` and `(batch, k, n)` arrays with the strides that they have."""
    (batch, m, k), n = a.shape, b.shape[2]
    c = np.full((batch, m, n), 77, dtype.numpy) if out is None else out
    size = dtype.itemsize
    status = ROUTINE(matmul.address(dtype))(
        batch, m, n, k, a.ctypes.data, *(s // size for s in a.strides), b.ctypes.data, *(s // size for s in b.strides),
        c.ctypes.data,
    )  # fmt: skip
    return status, c


def laid_out(values: Any, layout: str) -> Any:
    """The same `(batch, rows, columns)` values in another memory layout."""
    batch, rows, columns = values.shape
    if layout == "rows":
        return np.ascontiguousarray(values)
    if layout == "columns":
        return np.ascontiguousarray(values.transpose(0, 2, 1)).transpose(0, 2, 1)
    if layout == "wide rows":
        room = np.zeros((batch, rows, columns + 3), values.dtype)
        room[:, :, :columns] = values
        return room[:, :, :columns]
    room = np.zeros((batch, columns, rows + 5), values.dtype)
    room[:, :, :rows] = values.transpose(0, 2, 1)
    return room.transpose(0, 2, 1)[:, :rows, :]


LAYOUTS = ("rows", "columns", "wide rows", "wide columns")
SIZES = [
    (1, 1, 1), (2, 2, 2), (3, 5, 7), (8, 8, 8), (1, 9, 13), (13, 9, 1), (9, 1, 13), (1, 1, 40), (17, 33, 5),
    (4, 16, 300), (1, 60, 70), (60, 1, 70), (1, 1, 700), (40, 50, 60), (33, 31, 64), (200, 201, 1), (1, 300, 1),
    (300, 1, 1), (2, 90, 300),
]  # fmt: skip


def fill(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Any:
    if dtype.is_float:
        return rng.standard_normal(shape).astype(dtype.numpy)
    info = np.iinfo(dtype.numpy)
    return rng.integers(info.min, info.max, shape, dtype.numpy, endpoint=True)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_layouts(dtype: DType, size: tuple[int, int, int]) -> None:
    m, n, k = size
    rng = np.random.default_rng(m * 10_000 + n * 100 + k)
    a, b = fill(rng, dtype, (2, m, k)), fill(rng, dtype, (2, k, n))
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    scale = np.matmul(np.abs(a).astype(np.float64), np.abs(b).astype(np.float64))
    bound = k * np.finfo(dtype.numpy).eps * scale
    for left, right in product(LAYOUTS, LAYOUTS):
        status, c = call(dtype, laid_out(a, left), laid_out(b, right), np.full((2, m, n), np.nan, dtype.numpy))
        assert status == 0, (left, right)
        assert np.all(np.abs(c - exact) <= bound), (left, right)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_wrap_as_numpys(dtype: DType) -> None:
    rng = np.random.default_rng(3)
    for m, n, k in [(3, 5, 7), (1, 20, 300), (70, 1, 9), (20, 90, 30), (64, 64, 64)]:
        a, b = fill(rng, dtype, (2, m, k)), fill(rng, dtype, (2, k, n))
        for left, right in product(LAYOUTS[:3], LAYOUTS[1:]):
            status, c = call(dtype, laid_out(a, left), laid_out(b, right))
            assert status == 0
            assert np.array_equal(c, np.matmul(a, b))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("empty", ["batch", "m", "n", "k"])
@pytest.mark.parametrize("extent", [4, 200])
def test_empty(dtype: DType, empty: str, extent: int) -> None:
    sizes = {"batch": 2, "m": extent, "n": extent, "k": extent} | {empty: 0}
    batch, m, n, k = sizes.values()
    status, c = call(dtype, np.ones((batch, m, k), dtype.numpy), np.ones((batch, k, n), dtype.numpy))
    assert status == 0
    assert np.array_equal(c, np.zeros((batch, m, n)))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("size", [(3, 4, 5), (50, 60, 70), (1, 60, 70), (60, 1, 70), (100, 1, 2), (50, 60, 1)], ids=str)
def test_shared_right_operand(dtype: DType, size: tuple[int, int, int]) -> None:
    m, n, k = size
    rng = np.random.default_rng(5)
    b = fill(rng, dtype, (1, k, n))
    for layout in LAYOUTS:
        a = laid_out(fill(rng, dtype, (3, m, k)), layout)
        for right in LAYOUTS:
            shared = np.broadcast_to(laid_out(b, right), (3, k, n))
            status, c = call(dtype, a, shared)
            assert status == 0
            np.testing.assert_allclose(c, np.matmul(a, shared), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("size", [(1, 50, 60), (50, 1, 60), (40, 50, 1), (1, 200, 1), (3, 4, 1)], ids=str)
def test_strides_of_unit_axes_are_not_looked_at(size: tuple[int, int, int]) -> None:
    m, n, k = size
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((1, m, k)), rng.standard_normal((1, k, n))
    _, expected = call(dtypes.F64, a, b)
    for odd in (0, -8, 8 * 2**40):
        wild = [
            np.lib.stride_tricks.as_strided(
                x, x.shape, [odd if extent == 1 else s for extent, s in zip(x.shape, x.strides, strict=True)]
            )
            for x in (a, b)
        ]
        status, c = call(dtypes.F64, *wild)
        assert status == 0
        assert c.tobytes() == expected.tobytes()


def test_signed_zero_and_special_values() -> None:
    a = np.array([[[-1.0, np.inf, np.nan]]])
    b = np.array([[[0.0, 1.0], [1.0, -1.0], [0.0, 0.0]]])
    _, c = call(dtypes.F64, a[:, :, :2], b[:, :2])
    assert np.array_equal(c, [[[np.inf, -np.inf]]])
    assert np.isnan(call(dtypes.F64, a, b)[1]).all()


def test_small_products_take_any_strides() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.standard_normal((2, 9, 14)), rng.standard_normal((2, 7, 22))
    for left, right in [(a[:, ::-1, ::2], b[:, :, ::-2]), (np.broadcast_to(a[:, :1, :7], (2, 5, 7)), b[:, ::-1])]:
        _, c = call(dtypes.F64, left, right)
        np.testing.assert_allclose(c, np.matmul(left, right), rtol=1e-13, atol=1e-13)


def chain(dtype: DType, a: Any, b: Any) -> Any:
    """The product as one sum over the inner axis, wrapping."""
    c = np.zeros((a.shape[0], b.shape[1]), dtype.numpy)
    for p in range(a.shape[1]):
        c = c + a[:, p : p + 1] * b[p : p + 1, :]
    return c


UNROLLED = [
    (m, n, k) for m, n, k in product((1, 2, 3, 4, 5), (1, 2, 3, 4, 7, 8, 9, 16, 17, 33), (1, 2, 3, 5, 12))
    if matmul_kernel.is_unrolled(dtypes.F64, m, n, k)
]  # fmt: skip


@pytest.mark.parametrize("dtype", [dtypes.F32, dtypes.F64, dtypes.I32, dtypes.U8], ids=str)
def test_unrolled_form_has_the_routines_bits(dtype: DType) -> None:
    rng = np.random.default_rng(11)
    cases = [s for i, s in enumerate(UNROLLED) if i % 7 == dtype.bits % 7 and matmul_kernel.is_unrolled(dtype, *s)]
    functions, runs = [], []
    for serial, (m, n, k) in enumerate(cases):
        left, right = LAYOUTS[serial % 4], LAYOUTS[serial // 4 % 4]
        a, b = laid_out(fill(rng, dtype, (1, m, k)), left), laid_out(fill(rng, dtype, (1, k, n)), right)
        f = FunctionText(f"f{serial}", "ptr %a, ptr %b, ptr %c")
        strides = [tuple(s // dtype.itemsize for s in x.strides[1:]) for x in (a, b)]
        matmul_kernel.emit_small_matmul(
            f, dtype, m, n, k, Reg("%a", "ptr"), strides[0], Reg("%b", "ptr"), strides[1], Reg("%c", "ptr")
        )
        f.line("ret void")
        functions.append(f)
        runs.append((a, b))
    library = jit.compile_module(module_text(functions))
    assert len(cases) > 10
    for serial, (a, b) in enumerate(runs):
        status, expected = call(dtype, a, b)
        c = np.full_like(expected, 55)
        ctypes.CFUNCTYPE(None, PTR, PTR, PTR)(library.address(f"f{serial}"))(
            a.ctypes.data, b.ctypes.data, c.ctypes.data
        )
        assert status == 0
        assert c.tobytes() == expected.tobytes(), cases[serial]
        if not dtype.is_float:
            assert np.array_equal(c[0], chain(dtype, a[0], b[0]))


def test_small_floating_products_round_once_per_step() -> None:
    x = 1.0 + 2.0**-30
    a, b = np.array([[[-(x * x), x]]]), np.array([[[1.0], [x]]])
    assert call(dtypes.F64, a, b)[1][0, 0, 0] == 2.0**-60


def test_threshold_and_unrolling_agree_with_each_other() -> None:
    assert matmul_names.is_small(dtypes.F64, 32, 32, 32)
    assert not matmul_names.is_small(dtypes.F64, 32, 32, 33)
    assert not matmul_names.is_small(dtypes.F64, 1, 2, 65)
    assert matmul_names.is_small(dtypes.I32, 100, 100, 100)
    for m, n, k in product(range(1, 9), (1, 5, 64, 200, 600), range(1, 20)):
        if matmul_kernel.is_unrolled(dtypes.F64, m, n, k):
            assert matmul_names.is_small(dtypes.F64, m, n, k)
    assert not matmul_kernel.is_unrolled(dtypes.F64, 0, 3, 3)


def test_memory_elements_cover_the_dtypes() -> None:
    for dtype in (*FLOATS, *INTEGERS):
        text = module_text(matmul_text.matmul_routine(dtype))
        assert memory_element(dtype) in text
