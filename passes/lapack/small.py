"""Factors and solutions of small matrices, without LAPACK.

Up to `SMALL` rows, what a call of LAPACK does besides the arithmetic takes longer than the arithmetic (OpenBLAS even
wakes its threads to solve with a 2 x 2 matrix). Loops whose innermost one runs along contiguous elements, which LLVM
makes vectors of, take a tenth of its time. They do what LAPACK's unblocked routines do, with divisions where those
multiply by a reciprocal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tapec.passes.lapack.routine import Matrix, Routine
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.text_loops import counted

SMALL: Final = 16


def by_size(r: Routine, small: Callable[[], None], large: Callable[[], None]) -> None:
    """Writes both ways: `small` for matrices of up to `SMALL` rows, `large` for others."""
    f, n = r.f, r.size["n"]
    when(f, f.icmp("sle", n, i64(SMALL)), small)
    when(f, f.icmp("sgt", n, i64(SMALL)), large)


def factor(r: Routine, packed: Reg, pivots: Reg) -> None:
    """LU factors with partial pivoting of a matrix that lies by columns, in place; rows are counted from 1."""
    f, n, kind = r.f, r.size["n"], r.element
    a = r.by_columns(packed, n)
    largest, place = f.alloca(kind, 1), f.alloca("i64", 1)
    with counted(f, n) as j:
        after = f.add(j, i64(1))
        f.store(f.intrinsic("fabs", f.load(r.at(a, j, j), kind)), largest)
        f.store(j, place)
        with counted(f, n, start=after) as i:
            size = f.intrinsic("fabs", f.load(r.at(a, i, j), kind))

            def larger(i: Reg = i, size: Reg = size) -> None:
                f.store(size, largest)
                f.store(i, place)

            when(f, f.fcmp("ogt", size, f.load(largest, kind)), larger)
        p = f.load(place, "i64")
        f.store(f.convert("trunc", f.add(p, i64(1)), "i32"), f.element_pointer(pivots, j, "i32"))
        with counted(f, n) as c:
            _swap(r, r.at(a, j, c), r.at(a, p, c))
        pivot = f.load(r.at(a, j, j), kind)

        def divide(j: Reg = j, after: Reg = after, pivot: Reg = pivot) -> None:
            with counted(f, n, start=after) as i:
                at = r.at(a, i, j)
                f.store(f.fdiv(f.load(at, kind), pivot), at)

        # A column of zeros is left as it is: determinants are right, and solving looks for it.
        when(f, f.fcmp("une", pivot, f.number(0.0, kind)), divide)
        with counted(f, n, start=after) as c:
            _subtract(r, after, n, f.load(r.at(a, j, c), kind), lambda i: r.at(a, i, j), lambda i: r.at(a, i, c))


def solve_factored(r: Routine, packed: Reg, pivots: Reg, work: Reg) -> None:
    """Solves with such factors, or with their transpose, `k` right-hand sides that lie by columns, in place."""
    f, n, kind = r.f, r.size["n"], r.element
    a, b = r.by_columns(packed, n), r.by_columns(work, n)
    transposed = r.nonzero("transposed")

    def forward() -> None:
        with counted(f, r.size["k"]) as c:
            with counted(f, n) as j:
                _swap(r, r.at(b, j, c), r.at(b, _row(r, pivots, j), c))
            with counted(f, n) as j:
                _eliminate(r, a, b, c, j, f.add(j, i64(1)), n)
            with counted(f, n) as t:
                j = f.sub(f.sub(n, i64(1)), t)
                at = r.at(b, j, c)
                f.store(f.fdiv(f.load(at, kind), f.load(r.at(a, j, j), kind)), at)
                _eliminate(r, a, b, c, j, i64(0), j)

    def backward() -> None:
        with counted(f, r.size["k"]) as c:
            with counted(f, n) as j:
                _gather(r, a, b, c, j, i64(0), j)
                at = r.at(b, j, c)
                f.store(f.fdiv(f.load(at, kind), f.load(r.at(a, j, j), kind)), at)
            with counted(f, n) as t:
                j = f.sub(f.sub(n, i64(1)), t)
                _gather(r, a, b, c, j, f.add(j, i64(1)), n)
            with counted(f, n) as t:
                j = f.sub(f.sub(n, i64(1)), t)
                _swap(r, r.at(b, j, c), r.at(b, _row(r, pivots, j), c))

    when(f, f.binary("xor", transposed, Reg("true", "i1")), forward)
    when(f, transposed, backward)


def factor_symmetric(r: Routine, result: Reg) -> None:
    """The Cholesky factor of the lower triangle of a matrix that lies by rows, in place; fails as LAPACK does."""
    f, n, kind = r.f, r.size["n"], r.element
    a = r.by_rows(result, n)
    total = f.alloca(kind, 1)

    def remainder(i: Reg, j: Reg) -> Reg:
        """a[i, j] without the products of the factors' rows before column j."""
        f.store(f.load(r.at(a, i, j), kind), total)
        with counted(f, j) as k:
            product = f.fmul(f.load(r.at(a, i, k), kind), f.load(r.at(a, j, k), kind))
            f.store(f.fsub(f.load(total, kind), product), total)
        return f.load(total, kind)

    with counted(f, n) as j:
        square = remainder(j, j)
        r.fail_if(f.fcmp("ole", square, f.number(0.0, kind)))
        root = f.intrinsic("sqrt", square)
        f.store(root, r.at(a, j, j))
        with counted(f, n, start=f.add(j, i64(1))) as i:
            f.store(f.fdiv(remainder(i, j), root), r.at(a, i, j))


def solve_triangular(r: Routine, a: Matrix, result: Reg) -> None:
    """Solves with one triangle of `a`, or with its transpose, right-hand sides that lie by rows, in place."""
    f, n, k, kind = r.f, r.size["n"], r.size["k"], r.element
    transposed, unit = r.nonzero("transposed"), r.nonzero("unit")
    lower = f.binary("xor", r.nonzero("lower"), transposed)
    op = Matrix(a.pointer, f.select(transposed, a.column, a.row), f.select(transposed, a.row, a.column))
    b = r.by_rows(result, k)
    with counted(f, n) as t:
        j = f.select(lower, t, f.sub(f.sub(n, i64(1)), t))
        pivot = f.select(unit, f.number(1.0, kind), f.load(r.at(op, j, j), kind))
        with counted(f, k) as c:
            at = r.at(b, j, c)
            f.store(f.fdiv(f.load(at, kind), pivot), at)
        first, last = f.select(lower, f.add(j, i64(1)), i64(0)), f.select(lower, n, j)
        with counted(f, last, start=first) as i:
            _subtract(r, i64(0), k, f.load(r.at(op, i, j), kind), lambda c: r.at(b, j, c), lambda c: r.at(b, i, c))


# Steps ---------------------------------------------------------------------------------------------------------------


def _row(r: Routine, pivots: Reg, j: Reg) -> Reg:
    """The row that row `j` was swapped with, counted from 0."""
    row = r.f.convert("sext", r.f.load(r.f.element_pointer(pivots, j, "i32"), "i32"), "i64")
    return r.f.sub(row, i64(1))


def _swap(r: Routine, one: Reg, other: Reg) -> None:
    first, second = r.f.load(one, r.element), r.f.load(other, r.element)
    r.f.store(second, one)
    r.f.store(first, other)


def _subtract(
    r: Routine, start: Reg, stop: Reg, factor: Reg, source: Callable[[Reg], Reg], target: Callable[[Reg], Reg]
) -> None:
    """target[i] -= source[i] * factor, for i from `start` to `stop`."""
    f = r.f
    with counted(f, stop, start=start) as i:
        at = target(i)
        f.store(f.fsub(f.load(at, r.element), f.fmul(f.load(source(i), r.element), factor)), at)


def _eliminate(r: Routine, a: Matrix, b: Matrix, c: Reg, j: Reg, start: Reg, stop: Reg) -> None:
    """Takes unknown `j` out of the equations from `start` to `stop`."""
    known = r.f.load(r.at(b, j, c), r.element)
    _subtract(r, start, stop, known, lambda i: r.at(a, i, j), lambda i: r.at(b, i, c))


def _gather(r: Routine, a: Matrix, b: Matrix, c: Reg, j: Reg, start: Reg, stop: Reg) -> None:
    """Takes the unknowns from `start` to `stop` out of the transposed equation `j`."""
    f, kind, at = r.f, r.element, r.at(b, j, c)
    with counted(f, stop, start=start) as i:
        product = f.fmul(f.load(r.at(a, i, j), kind), f.load(r.at(b, i, c), kind))
        f.store(f.fsub(f.load(at, kind), product), at)
