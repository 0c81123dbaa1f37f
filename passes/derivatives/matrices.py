"""Formulas over batches of matrices for the derivative rules of linear algebra."""

from __future__ import annotations

from typing import Any

from tapec.ir import dtypes
from tapec.ops import creation, linalg, movement
from tapec.ops.symbolic import Sym, apply, broadcast, equal, reduce_sum, reshape, select, transpose


def turned(x: Sym) -> Sym:
    """Each matrix transposed."""
    rank = len(x.shape)
    return transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def numbered(x: Sym, axis: int = -1) -> Sym:
    """0, 1, 2, ... along one of the last axes of `x`, to which it broadcasts."""
    shape = (x.shape[axis], *(1,) * (-1 - axis))
    attributes = {"axis": 0, "shape": shape, "dtype": dtypes.I64.name}
    return Sym(x.builder, x.builder.emit(creation.iota, (), attributes).result)


def positions(x: Sym) -> tuple[Sym, Sym]:
    """Row and column numbers, which broadcast to the matrices `x`."""
    return numbered(x, -2), numbered(x, -1)


def on_diagonal(x: Sym) -> Sym:
    """Where row and column numbers of the matrices `x` are equal."""
    row, column = positions(x)
    return equal(row, column)


def lower_half(x: Sym) -> Sym:
    """What lies below the diagonal, and half of the diagonal; zeros above."""
    row, column = positions(x)
    return select(row > column, x, select(equal(row, column), x * 0.5, 0.0))


def triangle(x: Sym, *, below: bool, strict: bool) -> Sym:
    """One triangle of the matrices `x`, with their diagonal unless `strict`; zeros elsewhere."""
    row, column = positions(x)
    first, second = (row, column) if below else (column, row)
    return select(first > second if strict else first >= second, x, 0.0)


def from_lower(x: Sym) -> Sym:
    """The symmetric matrices whose lower triangles are those of `x`."""
    row, column = positions(x)
    return select(row >= column, x, turned(x))


def to_lower(x: Sym) -> Sym:
    """The transpose of `from_lower`."""
    row, column = positions(x)
    return select(row > column, x + turned(x), select(equal(row, column), x, 0.0))


def diagonal(x: Sym) -> Sym:
    """The diagonals of square matrices."""
    *batch, n, _ = x.shape
    zeros, ones = (0,) * len(batch), (1,) * len(batch)
    flat = reshape(x, (*batch, n * n))
    return apply(movement.slice_, flat, start=(*zeros, 0), size=(*batch, n), step=(*ones, n + 1))


def from_diagonal(d: Sym) -> Sym:
    """Diagonal matrices."""
    full = broadcast(columns(d), (*d.shape, d.shape[-1]))
    return select(on_diagonal(full), full, 0.0)


def columns(d: Sym) -> Sym:
    """One number per column, which broadcasts against matrices."""
    return reshape(d, (*d.shape[:-1], 1, d.shape[-1]))


def rows(d: Sym) -> Sym:
    """One number per row, which broadcasts against matrices."""
    return reshape(d, (*d.shape, 1))


def identity(like: Sym) -> Sym:
    """Identity matrices, of the shape of `like`."""
    return select(on_diagonal(like), broadcast(like.constant(1.0), like.shape), 0.0)


def sum_of_matrix(x: Sym) -> Sym:
    """The sum over each matrix."""
    rank = len(x.shape)
    return reduce_sum(x, (rank - 2, rank - 1))


def per_matrix(x: Sym) -> Sym:
    """One number per matrix, which broadcasts against matrices."""
    return reshape(x, (*x.shape, 1, 1))


def reciprocal_off_diagonal(x: Sym) -> Sym:
    """1 / x, and 0 on the diagonal."""
    there = on_diagonal(x)
    return select(there, 0.0, 1.0 / select(there, 1.0, x))


def triangular(a: Sym, b: Sym, *, lower: bool, transposed: bool = False, unit: bool = False) -> Sym:
    """`triangular_solve`."""
    return apply(linalg.triangular_solve, a, b, lower=lower, transposed=transposed, unit=unit)


def several(primitive: Any, *operands: Sym, **attributes: Any) -> list[Sym]:
    """Emits a primitive of several results."""
    builder = operands[0].builder
    op = builder.emit(primitive, tuple([x.value for x in operands]), attributes)
    return [Sym(builder, value) for value in op.results]
