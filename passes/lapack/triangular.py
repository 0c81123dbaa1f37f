"""LU and Cholesky factors, and solving with triangles."""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.passes.lapack.routine import Routine
from tapec.passes.lapack.small import SMALL, by_size, factor, factor_symmetric, solve_factored, solve_triangular
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.text_loops import counted


def lu(dtype: DType) -> list[FunctionText]:
    """`lu`. A zero on the diagonal is no failure: determinants are right, and solving looks for it."""
    r = Routine("lu", dtype, 2, 0)
    n = r.size["n"]
    size = r.f.mul(n, n)
    extent, leading = r.integer(n), r.leading(n)

    def one(i: Reg) -> None:
        packed, pivots = r.part(r.results[0], i, size), r.part(r.results[1], i, n, "i32")
        r.copy(n, n, r.operand(0, i), r.by_columns(packed, n))
        by_size(
            r,
            lambda: factor(r, packed, pivots),
            lambda: r.lapack("getrf", extent, extent, packed, leading, pivots, may_fail=False),
        )

    return r.for_each_matrix(one, SMALL)


def lu_solve(dtype: DType) -> list[FunctionText]:
    """`lu_solve`, which fails where the diagonal of U has a zero, even if there are no right-hand sides."""
    r = Routine("lu_solve", dtype, 1, 1)
    f, n, k = r.f, r.size["n"], r.size["k"]
    (scratch,) = r.scratch
    transposed = r.choice(r.nonzero("transposed"), "T", "N")
    extent, leading, count = r.integer(n), r.leading(n), r.integer(k)
    square, size = f.mul(n, n), f.mul(n, k)
    single = f.icmp("eq", k, i64(1))

    def one(i: Reg) -> None:
        packed, pivots = r.dense(1, i, square), r.dense(2, i, n, "i32")
        with counted(f, n) as j:
            pivot = f.load(f.element_pointer(packed, f.mul(j, f.add(n, i64(1))), r.element), r.element)
            r.fail_if(f.fcmp("oeq", pivot, f.number(0.0, r.element)))
        result = r.part(r.results[0], i, size)
        work = f.select(single, result, scratch)  # one column lies alike by rows and by columns
        r.copy(n, k, r.operand(3, i), r.by_columns(work, n))
        by_size(
            r,
            lambda: solve_factored(r, packed, pivots, work),
            lambda: r.lapack(
                "getrs", transposed, extent, count, packed, leading, pivots, work, leading, may_fail=False
            ),
        )
        when(
            f,
            f.icmp("ne", k, i64(1)),
            lambda: r.copy(n, k, r.by_columns(scratch, n), r.by_rows(result, k)),
        )

    return r.for_each_matrix(one, SMALL)


def cholesky(dtype: DType) -> list[FunctionText]:
    """`cholesky`, which fails where the matrix is not positive definite. By columns, the result is upper triangular."""
    r = Routine("cholesky", dtype, 1, 0)
    n = r.size["n"]
    size = r.f.mul(n, n)
    upper, extent, leading = r.letter("U"), r.integer(n), r.leading(n)

    def one(i: Reg) -> None:
        result = r.part(r.results[0], i, size)
        r.copy_triangle(n, r.operand(0, i), r.by_rows(result, n), lower=True)
        by_size(r, lambda: factor_symmetric(r, result), lambda: r.lapack("potrf", upper, extent, result, leading))

    return r.for_each_matrix(one, SMALL)


def triangular_solve(dtype: DType) -> list[FunctionText]:
    """`triangular_solve`. By columns BLAS sees b' and, if the rows of `a` are contiguous, a': it solves x' op(a)' = b'.

    A zero on the diagonal gives what dividing by it gives.
    """
    r = Routine("triangular_solve", dtype, 1, 0)
    f, n, k = r.f, r.size["n"], r.size["k"]
    right, one_ = r.letter("R"), r.number(1.0)
    extent, count, width = r.integer(n), r.integer(k), r.leading(k)
    # Strides of an extent of 1 mean nothing, and any layout will do.
    rows = f.binary("or", f.icmp("eq", Reg("%in0_column", "i64"), i64(1)), f.icmp("sle", n, i64(1)))
    lower, transposed, unit = r.nonzero("lower"), r.nonzero("transposed"), r.nonzero("unit")
    triangle = r.choice(f.binary("xor", lower, rows), "L", "U")
    turned = r.choice(f.binary("xor", transposed, rows), "N", "T")
    diagonal = r.choice(unit, "U", "N")
    stride = f.select(rows, Reg("%in0_row", "i64"), Reg("%in0_column", "i64"))
    leading = r.integer(f.intrinsic("smax", stride, f.intrinsic("smax", n, i64(1))))
    size = f.mul(n, k)

    def one(i: Reg) -> None:
        a = r.operand(0, i)
        result = r.part(r.results[0], i, size)
        r.copy(n, k, r.operand(1, i), r.by_rows(result, k))
        by_size(
            r,
            lambda: solve_triangular(r, a, result),
            lambda: r.call(
                "trsm", right, triangle, turned, diagonal, count, extent, one_, a.pointer, leading, result, width
            ),
        )

    return r.for_each_matrix(one, SMALL)
