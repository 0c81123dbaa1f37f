"""Factorizations of matrices and what is solved with them. LAPACK computes them, in eager and compiled code alike.

Axes before the last two are batches, equal in all operands. What NumPy's `linalg` offers beyond this is composed of
these at the surface.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.errors import DTypeError, MatrixShapeError, ShapeError
from tapec.ir import dtypes
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.registry import define
from tapec.ops.short_floats import refuse_short

Types = tuple[TensorType, ...]


class LinearAlgebra(Family):
    """See each primitive for the shapes; all floating operands have one dtype."""

    name = "linalg"

    def infer(self, primitive: Primitive, operands: Types, attributes: dict[str, Attribute]) -> Types:
        """See `Family.infer`."""
        refuse_short(primitive, operands)
        floats = {t.dtype for t in operands if t.dtype.is_float}
        if len(floats) > 1:
            raise DTypeError(f"{primitive.name} takes operands of one dtype, got {', '.join(map(repr, operands))}")
        return _RULES[primitive.name](primitive.name, *operands)


class Attached(Family):
    """The first operand's type; the others say how it moves."""

    name = "attached"

    def infer(self, primitive: Primitive, operands: Types, attributes: dict[str, Attribute]) -> Types:
        """See `Family.infer`."""
        refuse_short(primitive, operands)
        value, a, *rest = operands
        *batch, m, n = a.shape if a.rank >= 2 else (0, 0)
        shape = {"cofactor": a.shape, "pinv": (*batch, n, m)}.get(primitive.name, tuple(batch))
        if a.rank < 2 or value != tensor_type(a.dtype, shape) or (rest and tuple(rest) != _lu(primitive.name, a)):
            raise ShapeError(f"{primitive.name}: {value!r} does not belong to {', '.join(map(repr, operands[1:]))}")
        return (value,)


# Type rules ----------------------------------------------------------------------------------------------------------


def _matrices(name: str, a: TensorType) -> None:
    if a.rank < 2:
        raise MatrixShapeError(f"{name} takes matrices, got shape {a.shape}")


def _square(name: str, a: TensorType) -> None:
    _matrices(name, a)
    if a.shape[-2] != a.shape[-1]:
        raise MatrixShapeError(f"{name} takes square matrices, got shape {a.shape}")


def _right_hand_side(name: str, a: TensorType, b: TensorType) -> None:
    if b.rank != a.rank or b.shape[:-1] != a.shape[:-1]:
        raise ShapeError(f"{name}: matrices of shape {a.shape} do not fit right-hand sides of shape {b.shape}")


def _lu(name: str, a: TensorType) -> Types:
    _square(name, a)
    return a, tensor_type(dtypes.I32, a.shape[:-1])


def _lu_solve(name: str, a: TensorType, packed: TensorType, pivots: TensorType, b: TensorType) -> Types:
    _square(name, a)
    if (packed, pivots) != _lu(name, a):
        raise ShapeError(f"{name}: {packed!r} and {pivots!r} are not the factors of {a!r}")
    _right_hand_side(name, a, b)
    return (b,)


def _cholesky(name: str, a: TensorType) -> Types:
    _square(name, a)
    return (a,)


def _triangular_solve(name: str, a: TensorType, b: TensorType) -> Types:
    _square(name, a)
    _right_hand_side(name, a, b)
    return (b,)


def _qr(name: str, a: TensorType) -> Types:
    _matrices(name, a)
    *batch, m, n = a.shape
    if m < n:
        raise ShapeError(f"{name} takes matrices that have no more columns than rows, got shape {a.shape}")
    return a, tensor_type(a.dtype, (*batch, n, n))


def _eigh(name: str, a: TensorType) -> Types:
    _square(name, a)
    return tensor_type(a.dtype, a.shape[:-1]), a


def _svd(name: str, a: TensorType) -> Types:
    _matrices(name, a)
    *batch, m, n = a.shape
    k = min(m, n)
    shapes = ((*batch, m, k), (*batch, k), (*batch, k, n))
    return tuple([tensor_type(a.dtype, shape) for shape in shapes])


def _eig(name: str, a: TensorType) -> Types:
    _square(name, a)
    return tensor_type(a.dtype, (*a.shape[:-1], 2)), tensor_type(a.dtype, (*a.shape, 2))


_RULES: dict[str, Callable[..., Types]] = {
    "lu": _lu, "lu_solve": _lu_solve, "cholesky": _cholesky, "triangular_solve": _triangular_solve, "qr": _qr,
    "eigh": _eigh, "svd": _svd, "eig": _eig,
}  # fmt: skip


# Reference meanings --------------------------------------------------------------------------------------------------


def _meaning_of_lu(a: Any) -> tuple[Any, Any]:
    packed, pivots = np.array(a), np.zeros(a.shape[:-1], np.int32)
    n = a.shape[-1]
    for index in np.ndindex(a.shape[:-2]):
        m = packed[index]
        for j in range(n):
            p = j + int(np.argmax(np.abs(m[j:, j])))
            pivots[(*index, j)] = p + 1
            m[[j, p]] = m[[p, j]]
            if m[j, j] != 0:
                m[j + 1 :, j] /= m[j, j]
            m[j + 1 :, j + 1 :] -= np.outer(m[j + 1 :, j], m[j, j + 1 :])
    return np.ascontiguousarray(np.swapaxes(packed, -1, -2)), pivots


def _meaning_of_lu_solve(a: Any, packed: Any, pivots: Any, b: Any, *, transposed: bool) -> Any:
    n = packed.shape[-1]
    out = np.array(b)
    for index in np.ndindex(packed.shape[:-2]):
        factors = packed[index].T
        lower, upper = np.tril(factors, -1) + np.eye(n, dtype=packed.dtype), np.triu(factors)
        rows = np.arange(n)
        for j, p in enumerate(pivots[index] - 1):
            rows[[j, p]] = rows[[p, j]]
        matrix = np.empty_like(lower)
        matrix[rows] = lower @ upper
        out[index] = np.linalg.solve(matrix.T if transposed else matrix, b[index])
    return out


def _meaning_of_cholesky(a: Any) -> Any:
    return np.linalg.cholesky(a)


def _meaning_of_triangular_solve(a: Any, b: Any, *, lower: bool, transposed: bool, unit: bool) -> Any:
    triangle = np.tril(a) if lower else np.triu(a)
    if unit:
        triangle = np.where(np.eye(a.shape[-1], dtype=bool), a.dtype.type(1), triangle)
    return np.linalg.solve(np.swapaxes(triangle, -1, -2) if transposed else triangle, b)


def _meaning_of_svd(a: Any) -> tuple[Any, Any, Any]:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return u, s, vt


def _meaning_of_eig(a: Any) -> tuple[Any, Any]:
    w, v = np.linalg.eig(a)
    return tuple(np.stack([x.real, x.imag], -1).astype(a.dtype) for x in (w, v))  # type: ignore[return-value]


def _of_factors(value: Any, a: Any, packed: Any, pivots: Any) -> Any:
    return np.array(value)


def _of_matrix(value: Any, a: Any) -> Any:
    return np.array(value)


# Primitives ----------------------------------------------------------------------------------------------------------

LINALG = LinearAlgebra()
ATTACHED = Attached()


def _define(
    name: str, arity: int, meaning: Callable[..., Any], summary: str, attributes: tuple[str, ...] = (), results: int = 1
) -> Primitive:
    kinds = "fi" if name == "lu_solve" else "f"
    return define(
        Primitive(name, LINALG, arity, meaning, summary, attributes, exact=False, operand_kinds=kinds, results=results)
    )


lu = _define(
    "lu", 1, _meaning_of_lu,
    "LU factors with partial pivoting, as LAPACK leaves them: transposed, L below the diagonal of ones and U on and "
    "above it; and for each row the row, counted from 1, that it was swapped with.",
    results=2,
)  # fmt: skip
lu_solve = _define(
    "lu_solve", 4, _meaning_of_lu_solve,
    "The solution of a x = b, or of its transpose, from the factors of `a`, which itself is there for the derivative.",
    ("transposed",),
)  # fmt: skip
cholesky = _define(
    "cholesky", 1, _meaning_of_cholesky,
    "The lower triangle L with L L' = a, of a symmetric positive definite `a` whose lower triangle is read.",
)  # fmt: skip
triangular_solve = _define(
    "triangular_solve", 2, _meaning_of_triangular_solve,
    "The solution of a x = b, or of its transpose, with one triangle of `a`; `unit` takes ones for the diagonal.",
    ("lower", "transposed", "unit"),
)  # fmt: skip
qr = _define("qr", 1, lambda a: tuple(np.linalg.qr(a)), "Q and R of a = Q R, with as many columns as `a`.", results=2)
eigh = _define(
    "eigh", 1, lambda a: tuple(np.linalg.eigh(a)),
    "Eigenvalues in ascending order, and eigenvectors as columns, of a symmetric `a` whose lower triangle is read.",
    results=2,
)  # fmt: skip
svd = _define(
    "svd", 1, _meaning_of_svd, "U, the singular values in descending order, and V transposed, of a = U diag(s) V'.",
    results=3,
)  # fmt: skip
eig = _define(
    "eig", 1, _meaning_of_eig,
    "Eigenvalues, and eigenvectors of norm 1 as columns; a last axis holds real and imaginary parts.",
    results=2,
)  # fmt: skip


def _attach(name: str, arity: int, summary: str) -> Primitive:
    meaning, kinds = (_of_matrix, "f") if arity == 2 else (_of_factors, "fi")
    return define(Primitive(name, ATTACHED, arity, meaning, summary, operand_kinds=kinds))


log_abs_det = _attach(
    "log_abs_det", 4, "Its first operand, log|det a|, which moves with `a`; then `a` and what `lu` makes of it."
)
det = _attach("det", 4, "Its first operand, det a, which moves with `a`; then `a` and what `lu` makes of it.")
cofactor = _attach(
    "cofactor", 4, "Its first operand, det a times the inverse transposed, which moves with `a`; then as for `det`."
)
pinv = _attach("pinv", 2, "Its first operand, the pseudoinverse of `a`, which moves with `a`; then `a`.")
