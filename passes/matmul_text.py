"""Matrix products as LLVM text: one routine per dtype, called by eager and compiled code alike, so that bits agree.

Small products, and all integer ones, run through a loop of our own (`passes.matmul_kernel`) that adds in the order of
the inner axis; larger ones go to BLAS. Which of the two it is depends on the sizes only (`is_small` there).
"""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.matmul_kernel import SMALL_PRODUCT, SMALL_VECTOR_PRODUCT, small_kernel
from tapec.passes.matmul_names import (
    ALONE_BEGIN,
    ALONE_END,
    BAD_STRIDES,
    BLAS_LIMIT,
    DONE,
    TOO_LARGE,
    blas_names,
    blas_symbol,
    panel_symbol,
    symbol,
)
from tapec.passes.text_loops import counted

SIGNATURE: Final = (
    "i64 %batch, i64 %m, i64 %n, i64 %k, ptr %a, i64 %a_batch, i64 %a_row, i64 %a_col, "
    "ptr %b, i64 %b_batch, i64 %b_row, i64 %b_col, ptr %c"
)


def matmul_routine(dtype: DType, *, alone: bool = False) -> list[FunctionText]:
    """The functions of one module that multiplies matrices of this dtype.

    `i64 tapec_matmul_f64(batch, m, n, k, a, a_batch, a_row, a_col, b, b_batch, b_row, b_col, c)` writes the dense
    row-major `(batch, m, n)` array `c`, which must not overlap the operands. Strides are in elements. Where BLAS runs,
    each matrix must have one unit stride and, along its other axis, a stride no smaller than the first one's extent;
    the stride of an axis of extent 1 is not looked at. The routine returns 0; 2 where an extent or a stride does not
    fit the 32 bits that BLAS takes; 3 where strides break that rule. On 2 and 3 `c` is not written.

    Args:
        dtype: any but booleans.
        alone: whether BLAS can be told to use one thread (`passes.blas_alone_text`).
    """
    f = FunctionText(symbol(dtype), SIGNATURE, "i64")
    size = dtype.itemsize
    arg = {name: Reg(f"%{name}", "i64") for name in ("batch", "m", "n", "k", "a_batch", "a_row", "a_col")}
    arg |= {name: Reg(f"%{name}", "i64") for name in ("b_batch", "b_row", "b_col")}
    a, b, c = Reg("%a", "ptr"), Reg("%b", "ptr"), Reg("%c", "ptr")
    zero = f.number(0, "i64")
    per_matrix = f.mul(arg["m"], arg["n"])
    elements = f.mul(arg["batch"], per_matrix)
    nothing = f.icmp("eq", elements, zero)
    f.branch_if(nothing, "done", "some")
    f.label("some")
    f.branch_if(f.icmp("eq", arg["k"], zero), "zeros", "product")
    f.label("zeros")
    _fill_zero(f, c, f.mul(elements, f.number(size, "i64")))
    f.branch("done")
    f.label("done")
    f.line(f"ret i64 {DONE}")
    f.label("product")
    element = memory_element(dtype)
    if dtype.is_float:
        one = f.number(1, "i64")
        vector = f.binary("or", f.icmp("eq", arg["m"], one), f.icmp("eq", arg["n"], one))
        limit = f.select(vector, f.number(SMALL_VECTOR_PRODUCT, "i64"), f.number(SMALL_PRODUCT, "i64"))
        f.branch_if(f.icmp("sle", f.mul(per_matrix, arg["k"]), limit), "small", "large")
        f.label("small")
    with counted(f, arg["batch"]) as i:
        f.call(
            f"{symbol(dtype)}_small",
            "void",
            *(arg[name] for name in ("m", "n", "k")),
            f.element_pointer(a, f.mul(i, arg["a_batch"]), element),
            arg["a_row"],
            arg["a_col"],
            f.element_pointer(b, f.mul(i, arg["b_batch"]), element),
            arg["b_row"],
            arg["b_col"],
            f.element_pointer(c, f.mul(i, per_matrix), element),
        )
    f.branch("done")
    if dtype.is_float:
        f.label("large")
        _large(f, dtype, arg, a, b, c, alone)
    panels = [_panel(dtype)] if dtype.is_float else []
    return [small_kernel(f"{symbol(dtype)}_small", dtype), *panels, f]


def _fill_zero(f: FunctionText, pointer: Reg, count: Reg) -> None:
    f.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    f.line(f"call void @llvm.memset.p0.i64(ptr {pointer.text}, i8 0, i64 {count.text}, i1 false)")


class _Operand:
    """How BLAS sees one row-major `(rows, columns)` matrix: as its transpose stored by columns, or as itself so.

    `plain` says that its rows are contiguous: column-major, BLAS has the transpose. Otherwise its columns are.
    """

    def __init__(self, f: FunctionText, rows: Reg, columns: Reg, row: Reg, column: Reg) -> None:
        one = f.number(1, "i64")
        one_row, one_column = f.icmp("eq", rows, one), f.icmp("eq", columns, one)
        self.plain = f.binary(
            "and",
            f.binary("or", one_column, f.icmp("eq", column, one)),
            f.binary("or", one_row, f.icmp("sge", row, columns)),
        )
        across = f.binary(
            "and",
            f.binary("or", one_row, f.icmp("eq", row, one)),
            f.binary("or", one_column, f.icmp("sge", column, rows)),
        )
        self.valid = f.binary("or", self.plain, across)
        self.leading = f.select(self.plain, f.select(one_row, columns, row), f.select(one_column, rows, column))


def _boxed(f: FunctionText, value: Reg) -> Reg:
    """A pointer to an integer, as BLAS takes it."""
    box = f.alloca("i32", 1, align=4)
    f.store(f.convert("trunc", value, "i32"), box)
    return box


def _flag(f: FunctionText, condition: Reg, then: str, otherwise: str) -> Reg:
    box = f.alloca("i8", 1, align=1)
    f.store(f.select(condition, f.number(ord(then), "i8"), f.number(ord(otherwise), "i8")), box)
    return box


def _scalar(f: FunctionText, value: float, element: str) -> Reg:
    box = f.alloca(element, 1, align=8)
    f.store(f.number(value, element), box)
    return box


def _panel(dtype: DType) -> FunctionText:
    """`void panel(m, n, k, a, a_row, a_col, b, b_row, b_col, c, c_row)`: one call of `gemm`, whose `c` has a stride.

    BLAS thinks in columns: the row-major product `c = a b` is `c' = b' a'` there, primes being transposes.
    """
    signature = (
        "i64 %m, i64 %n, i64 %k, ptr %a, i64 %a_row, i64 %a_col, ptr %b, i64 %b_row, i64 %b_col, ptr %c, i64 %c_row"
    )
    f = FunctionText(panel_symbol(dtype), signature, "void")
    m, n, k, a_row, a_col, b_row, b_col, c_row = (
        Reg(f"%{x}", "i64") for x in ("m", "n", "k", "a_row", "a_col", "b_row", "b_col", "c_row")
    )
    element = memory_element(dtype)
    left, right = _Operand(f, m, k, a_row, a_col), _Operand(f, k, n, b_row, b_col)
    gemm, _ = blas_names(dtype)
    f.call(
        blas_symbol(gemm), "void", _flag(f, right.plain, "N", "T"), _flag(f, left.plain, "N", "T"), _boxed(f, n),
        _boxed(f, m), _boxed(f, k), _scalar(f, 1.0, element), Reg("%b", "ptr"), _boxed(f, right.leading),
        Reg("%a", "ptr"), _boxed(f, left.leading), _scalar(f, 0.0, element), Reg("%c", "ptr"), _boxed(f, c_row),
    )  # fmt: skip
    f.line("ret void")
    return f


def _large(f: FunctionText, dtype: DType, arg: dict[str, Reg], a: Reg, b: Reg, c: Reg, alone: bool) -> None:
    """BLAS: `gemm` by way of the panel routine, `gemv` where one side is a vector."""
    element = memory_element(dtype)
    one = f.number(1, "i64")
    m, n, k = arg["m"], arg["n"], arg["k"]
    left = _Operand(f, m, k, arg["a_row"], arg["a_col"])
    right = _Operand(f, k, n, arg["b_row"], arg["b_col"])
    f.branch_if(f.binary("and", left.valid, right.valid), "fitting", "misfit")
    f.label("misfit")
    f.line(f"ret i64 {BAD_STRIDES}")
    f.label("fitting")
    # One right operand for the whole batch, and rows that follow each other at one distance: it is one product.
    row = f.select(f.icmp("eq", m, one), arg["a_batch"], arg["a_row"])
    merged = f.icmp("sgt", arg["batch"], one)
    for condition in (
        f.icmp("eq", arg["b_batch"], f.number(0, "i64")),
        f.binary("or", f.icmp("eq", k, one), f.icmp("eq", arg["a_col"], one)),
        f.icmp("eq", arg["a_batch"], f.mul(m, row)),
        f.icmp("sge", row, k),
    ):
        merged = f.binary("and", merged, condition)
    batch = f.select(merged, one, arg["batch"])
    rows = f.select(merged, f.mul(m, arg["batch"]), m)
    a_leading = f.select(merged, row, left.leading)
    largest = rows
    for other in (n, k, a_leading, right.leading):
        largest = f.intrinsic("smax", largest, other)
    f.branch_if(f.icmp("slt", largest, f.number(BLAS_LIMIT, "i64")), "fits", "large_exit")
    f.label("large_exit")
    f.line(f"ret i64 {TOO_LARGE}")
    f.label("fits")
    p_m, p_n, p_k, p_one = (_boxed(f, x) for x in (rows, n, k, one))
    p_lda, p_ldb = _boxed(f, a_leading), _boxed(f, right.leading)
    p_alpha, p_beta = _scalar(f, 1.0, element), _scalar(f, 0.0, element)

    def routine(name: str, *pointers: Reg) -> None:
        f.call(blas_symbol(name), "void", *pointers)

    _, gemv = blas_names(dtype)
    if alone:
        f.call(ALONE_BEGIN, "void")
    f.branch("batches")
    f.label("batches")
    c_step = f.mul(rows, n)
    with counted(f, batch) as i:
        at_a = f.element_pointer(a, f.mul(i, arg["a_batch"]), element)
        at_b = f.element_pointer(b, f.mul(i, arg["b_batch"]), element)
        at_c = f.element_pointer(c, f.mul(i, c_step), element)
        f.branch_if(f.icmp("eq", n, one), "matrix_vector", "not_mv")

        f.label("matrix_vector")
        _fill_zero(f, at_c, f.mul(rows, f.number(dtype.itemsize, "i64")))
        step = _boxed(f, f.select(f.icmp("eq", k, one), one, arg["b_row"]))
        trans = _flag(f, left.plain, "T", "N")
        first, second = _ordered(f, left.plain, p_k, p_m)
        routine(gemv, trans, first, second, p_alpha, at_a, p_lda, at_b, step, p_beta, at_c, p_one)
        f.branch("called")

        f.label("not_mv")
        f.branch_if(f.icmp("eq", rows, one), "vector_matrix", "matrix_matrix")

        f.label("vector_matrix")
        _fill_zero(f, at_c, f.mul(n, f.number(dtype.itemsize, "i64")))
        step = _boxed(f, f.select(f.icmp("eq", k, one), one, arg["a_col"]))
        trans = _flag(f, right.plain, "N", "T")
        first, second = _ordered(f, right.plain, p_n, p_k)
        routine(gemv, trans, first, second, p_alpha, at_b, p_ldb, at_a, step, p_beta, at_c, p_one)
        f.branch("called")

        f.label("matrix_matrix")
        a_row = f.select(merged, row, arg["a_row"])
        at = (at_a, a_row, arg["a_col"], at_b, arg["b_row"], arg["b_col"], at_c, n)
        f.call(panel_symbol(dtype), "void", rows, n, k, *at)
        f.branch("called")
        f.label("called")
    if alone:
        f.call(ALONE_END, "void")
    f.branch("done")


def _ordered(f: FunctionText, condition: Reg, p: Reg, q: Reg) -> tuple[Reg, Reg]:
    """(p, q) where the condition holds, else (q, p)."""
    return f.select(condition, p, q), f.select(condition, q, p)
