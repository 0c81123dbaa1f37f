"""Derivatives of determinants and pseudoinverses, whose values stand beside them as an operand.

Sources: Giles (2008), as in `solving`; Golub and Pereyra, "The differentiation of pseudo-inverses" (1973).
"""

from __future__ import annotations

from tapec.ops import elementwise as ew
from tapec.ops import linalg, reduction
from tapec.ops.symbolic import Sym, apply, cast, equal, matmul, select
from tapec.passes.derivatives.matrices import (
    diagonal,
    identity,
    numbered,
    per_matrix,
    positions,
    rows,
    sum_of_matrix,
    triangle,
    triangular,
    turned,
)
from tapec.passes.derivatives.table import Explicit, Rows


def _inverse_transposed(a: Sym, packed: Sym, pivots: Sym) -> Sym:
    return apply(linalg.lu_solve, a, packed, pivots, identity(a), transposed=True)


def _push_log_abs_det(moving: dict[int, Sym], out: Sym, *operands: Sym) -> Sym:
    return sum_of_matrix(_inverse_transposed(*operands[1:]) * moving[1])


def _pull_log_abs_det(active: tuple[int, ...], ct: Sym, out: Sym, *operands: Sym) -> dict[int, Sym]:
    return {1: per_matrix(ct) * _inverse_transposed(*operands[1:])}


def _push_det(moving: dict[int, Sym], out: Sym, *operands: Sym) -> Sym:
    return sum_of_matrix(_cofactors(out, *operands[1:]) * moving[1])


def _pull_det(active: tuple[int, ...], ct: Sym, out: Sym, *operands: Sym) -> dict[int, Sym]:
    return {1: per_matrix(ct) * _cofactors(out, *operands[1:])}


def _push_cofactor(moving: dict[int, Sym], out: Sym, *operands: Sym) -> Sym:
    da, inverse = moving[1], _inverse_transposed(*operands[1:])
    return out * per_matrix(sum_of_matrix(inverse * da)) - matmul(inverse, matmul(turned(da), out))


def _pull_cofactor(active: tuple[int, ...], ct: Sym, out: Sym, *operands: Sym) -> dict[int, Sym]:
    inverse = _inverse_transposed(*operands[1:])
    return {1: inverse * per_matrix(sum_of_matrix(ct * out)) - matmul(out, matmul(turned(ct), inverse))}


def _cofactors(det: Sym, a: Sym, packed: Sym, pivots: Sym) -> Sym:
    """The derivative of the determinant, right also where the last pivot is the only one that is zero.

    With a = P L U, the adjugate is det(a) inv(U) y for y = inv(L) inv(P). Where the last pivot u is zero that is found
    without dividing by it: the last row is D times that of y, D being the determinant without the factor u, and the
    others follow by substitution from det(a) y.
    """
    row, column = positions(a)  # of `packed`, which is stored by columns: L lies above its diagonal
    lower_factor = select(equal(row, column), 1.0, triangle(packed, below=False, strict=True))
    y = apply(linalg.lu_solve, a, lower_factor, pivots, identity(a), transposed=False)
    number = numbered(pivots)
    last = equal(number, a.shape[-1] - 1)
    factors = select(last, 1.0, diagonal(packed))
    swapped = apply(ew.ne, pivots, cast(number + 1, pivots.dtype))
    signed = select(swapped, -factors, factors)
    others = apply(reduction.prod, signed, axes=(len(signed.shape) - 1,))
    scaled = y * select(rows(last), per_matrix(others), per_matrix(det))
    corner = apply(ew.bit_and, equal(row, column), equal(column, a.shape[-1] - 1))
    value = turned(triangular(select(corner, 1.0, packed), scaled, lower=True, transposed=True))
    return apply(linalg.cofactor, value, a, packed, pivots)


def _push_pinv(moving: dict[int, Sym], out: Sym, value: Sym, a: Sym) -> Sym:
    da = moving[1]
    turned_da, p = turned(da), turned(out)
    tangent = -matmul(matmul(out, da), out)
    tangent = tangent + matmul(matmul(matmul(out, p), turned_da), _complement(a, out))
    return tangent + matmul(matmul(_complement(out, a), turned_da), matmul(p, out))


def _pull_pinv(active: tuple[int, ...], ct: Sym, out: Sym, value: Sym, a: Sym) -> dict[int, Sym]:
    p, g = turned(out), turned(ct)
    received = -matmul(matmul(p, ct), p)
    received = received + matmul(matmul(_complement(a, out), g), matmul(out, p))
    return {1: received + matmul(matmul(matmul(p, out), g), _complement(out, a))}


def _complement(a: Sym, b: Sym) -> Sym:
    """The identity less a product."""
    product = matmul(a, b)
    return identity(product) - product


ROWS: Rows = {
    linalg.log_abs_det: Explicit((1,), _push_log_abs_det, _pull_log_abs_det),
    linalg.det: Explicit((1,), _push_det, _pull_det),
    linalg.cofactor: Explicit((1,), _push_cofactor, _pull_cofactor),
    linalg.pinv: Explicit((1,), _push_pinv, _pull_pinv),
}
