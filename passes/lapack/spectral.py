"""QR factors, singular values, and eigenvalues."""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.passes.lapack.routine import Matrix, Routine
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.text_loops import counted


def qr(dtype: DType) -> list[FunctionText]:
    """`qr`."""
    r = Routine("qr", dtype, 2, 3)
    f, m, n = r.f, r.size["m"], r.size["n"]
    matrix, tau, work = r.scratch
    rows, columns, leading, room = r.integer(m), r.integer(n), r.leading(m), r.integer(r.size["lwork"])
    sizes = f.mul(m, n), f.mul(n, n)

    def one(i: Reg) -> None:
        scratch = r.by_columns(matrix, m)
        r.copy(m, n, r.operand(0, i), scratch)
        r.lapack("geqrf", rows, columns, matrix, leading, tau, work, room)
        triangle = r.by_rows(r.part(r.results[1], i, sizes[1]), n)
        r.copy_triangle(n, scratch, triangle, lower=False)
        r.lapack("orgqr", rows, columns, columns, matrix, leading, tau, work, room)
        r.copy(m, n, scratch, r.by_rows(r.part(r.results[0], i, sizes[0]), n))

    return r.for_each_matrix(one)


def eigh(dtype: DType) -> list[FunctionText]:
    """`eigh`, by divide and conquer."""
    r = Routine("eigh", dtype, 2, 3)
    f, n = r.f, r.size["n"]
    matrix, work, integers = r.scratch
    vectors, lower, extent, leading = r.letter("V"), r.letter("L"), r.integer(n), r.leading(n)
    room, integer_room = r.integer(r.size["lwork"]), r.integer(r.size["liwork"])
    size = f.mul(n, n)

    def one(i: Reg) -> None:
        scratch = r.by_columns(matrix, n)
        r.copy(n, n, r.operand(0, i), scratch)
        values = r.part(r.results[0], i, n)
        r.lapack("syevd", vectors, lower, extent, matrix, leading, values, work, room, integers, integer_room)
        r.copy(n, n, scratch, r.by_rows(r.part(r.results[1], i, size), n))

    return r.for_each_matrix(one)


def svd(dtype: DType) -> list[FunctionText]:
    """`svd`, by divide and conquer."""
    r = Routine("svd", dtype, 3, 5)
    f, m, n = r.f, r.size["m"], r.size["n"]
    matrix, left, right, work, integers = r.scratch
    k = f.intrinsic("smin", m, n)
    reduced, room = r.letter("S"), r.integer(r.size["lwork"])
    rows, columns, leading, leading_right = r.integer(m), r.integer(n), r.leading(m), r.leading(k)
    sizes = f.mul(m, k), f.mul(k, n)
    something = f.icmp("ne", k, i64(0))

    def one(i: Reg) -> None:
        u, s, vt = r.part(r.results[0], i, sizes[0]), r.part(r.results[1], i, k), r.part(r.results[2], i, sizes[1])
        r.copy(m, n, r.operand(0, i), r.by_columns(matrix, m))

        def factor() -> None:
            r.lapack(
                "gesdd", reduced, rows, columns, matrix, leading, s, left, leading, right, leading_right, work, room,
                integers,
            )  # fmt: skip

        when(f, something, factor)
        r.copy(m, k, r.by_columns(left, m), r.by_rows(u, k))
        r.copy(k, n, r.by_columns(right, k), r.by_rows(vt, n))

    return r.for_each_matrix(one)


def eig(dtype: DType) -> list[FunctionText]:
    """`eig`, which fails on infinities and NaN. Of a pair of conjugate eigenvectors LAPACK stores the real and the
    imaginary part of the first as columns.
    """
    r = Routine("eig", dtype, 2, 5)
    f, n = r.f, r.size["n"]
    matrix, real, imaginary, vectors, work = r.scratch
    without, wanted = r.letter("N"), r.letter("V")
    extent, leading, one_, room = r.integer(n), r.leading(n), r.integer(i64(1)), r.integer(r.size["lwork"])
    nothing, strange, size = r.number(0.0), f.alloca("i8", 1, align=1), f.mul(n, n)
    zero = f.number(0.0, r.element)

    def parts(pointer: Reg, count: Reg) -> Reg:
        return f.element_pointer(pointer, f.mul(count, i64(2)), r.element)

    def store(pointer: Reg, index: Reg, re: Reg, im: Reg) -> None:
        at = parts(pointer, index)
        f.store(re, at)
        f.store(im, f.element_pointer(at, i64(1), r.element))

    def one(i: Reg) -> None:
        r.copy(n, n, r.operand(0, i), r.by_columns(matrix, n))
        f.store(f.number(0, "i8"), strange, align=1)
        with counted(f, size) as j:
            x = f.load(f.element_pointer(matrix, j, r.element), r.element)
            finite = f.fcmp("oeq", f.fsub(x, x), zero)
            seen = f.convert("zext", f.binary("xor", finite, Reg("true", "i1")), "i8")
            f.store(f.binary("or", f.load(strange, "i8"), seen), strange, align=1)
        found = f.icmp("ne", f.load(strange, "i8"), f.number(0, "i8"))
        r.fail_if(found)

        def factor() -> None:  # of anything else LAPACK would print that its arguments are illegal
            r.lapack(
                "geev", without, wanted, extent, matrix, leading, real, imaginary, nothing, one_, vectors, leading,
                work, room,
            )  # fmt: skip

        when(f, f.binary("xor", found, Reg("true", "i1")), factor)
        values = parts(r.results[0], f.mul(i, n))
        result = parts(r.results[1], f.mul(i, f.mul(n, n)))
        columns = Matrix(vectors, i64(1), n)
        with counted(f, n) as j:
            re, im = (f.load(f.element_pointer(x, j, r.element), r.element) for x in (real, imaginary))
            store(values, j, re, im)
            single, second = f.fcmp("oeq", im, zero), f.fcmp("olt", im, zero)
            # LAPACK puts the eigenvalue with the positive imaginary part first. Where it failed these numbers may be
            # anything, and a pair must not reach beyond the columns.
            first = f.select(second, f.intrinsic("smax", f.sub(j, i64(1)), i64(0)), j)
            other = f.select(single, j, f.intrinsic("smin", f.add(first, i64(1)), f.sub(n, i64(1))))
            with counted(f, n) as row:
                v_re = f.load(r.at(columns, row, first), r.element)
                v_im = f.load(r.at(columns, row, other), r.element)
                v_im = f.select(single, zero, f.select(second, f.fneg(v_im), v_im))
                store(result, f.add(f.mul(row, n), j), v_re, v_im)

    return r.for_each_matrix(one)
