"""Derivatives of solves and of Cholesky factors.

Both modes of a solve use the factors again that the primal computed. Sources: Giles, "Collected matrix derivative
results for forward and reverse mode algorithmic differentiation" (2008); Murray, "Differentiation of the Cholesky
decomposition" (2016).
"""

from __future__ import annotations

from tapec.ops import linalg
from tapec.ops.symbolic import Sym, apply, matmul
from tapec.passes.derivatives.matrices import from_lower, lower_half, to_lower, triangle, triangular, turned
from tapec.passes.derivatives.table import Excused, Explicit, Rows


def _difference(moving: dict[int, Sym], position: int, product: Sym | None) -> Sym:
    """The tangent of the operand at `position` less a product, where there are such."""
    given = moving.get(position)
    if product is None:
        assert given is not None
        return given
    return -product if given is None else given - product


# Solving -------------------------------------------------------------------------------------------------------------


def _push_lu_solve(
    moving: dict[int, Sym], out: Sym, a: Sym, packed: Sym, pivots: Sym, b: Sym, *, transposed: bool
) -> Sym:
    da = moving.get(0)
    product = None if da is None else matmul(turned(da) if transposed else da, out)
    return apply(linalg.lu_solve, a, packed, pivots, _difference(moving, 3, product), transposed=transposed)


def _pull_lu_solve(
    active: tuple[int, ...], ct: Sym, out: Sym, a: Sym, packed: Sym, pivots: Sym, b: Sym, *, transposed: bool
) -> dict[int, Sym]:
    y = apply(linalg.lu_solve, a, packed, pivots, ct, transposed=not transposed)
    received = {3: y}
    if 0 in active:
        received[0] = -(matmul(out, turned(y)) if transposed else matmul(y, turned(out)))
    return {i: received[i] for i in active}


def _push_triangular_solve(
    moving: dict[int, Sym], out: Sym, a: Sym, b: Sym, *, lower: bool, transposed: bool, unit: bool
) -> Sym:
    product = None
    if 0 in moving:
        da = triangle(moving[0], below=lower, strict=unit)
        product = matmul(turned(da) if transposed else da, out)
    return triangular(a, _difference(moving, 1, product), lower=lower, transposed=transposed, unit=unit)


def _pull_triangular_solve(
    active: tuple[int, ...], ct: Sym, out: Sym, a: Sym, b: Sym, *, lower: bool, transposed: bool, unit: bool
) -> dict[int, Sym]:
    y = triangular(a, ct, lower=lower, transposed=not transposed, unit=unit)
    received = {1: y}
    if 0 in active:
        product = matmul(out, turned(y)) if transposed else matmul(y, turned(out))
        received[0] = -triangle(product, below=lower, strict=unit)
    return {i: received[i] for i in active}


# Cholesky factors ----------------------------------------------------------------------------------------------------


def _push_cholesky(moving: dict[int, Sym], out: Sym, a: Sym) -> Sym:
    half = triangular(out, from_lower(moving[0]), lower=True)
    return matmul(out, lower_half(triangular(out, turned(half), lower=True)))


def _pull_cholesky(active: tuple[int, ...], ct: Sym, out: Sym, a: Sym) -> dict[int, Sym]:
    p = lower_half(matmul(turned(out), ct))
    half = triangular(out, p + turned(p), lower=True, transposed=True)
    whole = triangular(out, turned(half), lower=True, transposed=True)
    return {0: to_lower(whole * 0.5)}


ROWS: Rows = {
    linalg.lu: Excused("the factors serve solves and determinants, whose derivative flows through the matrix itself"),
    linalg.lu_solve: Explicit((0, 3), _push_lu_solve, _pull_lu_solve),
    linalg.triangular_solve: Explicit((0, 1), _push_triangular_solve, _pull_triangular_solve),
    linalg.cholesky: Explicit((0,), _push_cholesky, _pull_cholesky),
}
