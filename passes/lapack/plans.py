"""What a linear algebra routine is given besides its operands: sizes, and memory to work in.

Both depend on shapes alone. LAPACK cuts matrices into blocks by the memory that it gets, so eager and compiled runs
must give it the same to have the same bits: both ask here. Sizes of workspaces are those that LAPACK's documentation
asks for, with room for blocks where it says that more is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Final, NamedTuple

from tapec.errors import ShapeError
from tapec.ir import dtypes
from tapec.ir.dtypes import DType

Shape = tuple[int, ...]

MATRIX: Final = "m"  # a matrix of any strides
BLAS_MATRIX: Final = "b"  # one of whose strides must be 1, as BLAS wants
DENSE: Final = "d"
UNREAD: Final = "-"  # there for the derivative
MATRICES: Final = MATRIX + BLAS_MATRIX

# How each operand of a routine is handed over.
OPERANDS: Final[dict[str, str]] = {
    "lu": MATRIX,
    "lu_solve": UNREAD + DENSE + DENSE + MATRIX,
    "cholesky": MATRIX,
    "triangular_solve": BLAS_MATRIX + MATRIX,
    "qr": MATRIX,
    "eigh": MATRIX,
    "svd": MATRIX,
    "eig": MATRIX,
}

_LIMIT = 2**31
_BLOCK = 32  # LAPACK's usual width of a block of columns


class Plan(NamedTuple):
    """How a routine is called.

    Args:
        batch: number of matrices.
        sizes: integers that it takes behind that, as `SIZES` names them.
        scratch: element type and number of elements of each piece of memory that it works in, used again for each
            matrix.
    """

    batch: int
    sizes: tuple[int, ...]
    scratch: tuple[tuple[DType, int], ...]


# Names of the sizes, in order.
SIZES: Final[dict[str, tuple[str, ...]]] = {
    "lu": ("n",),
    "lu_solve": ("n", "k", "transposed"),
    "cholesky": ("n",),
    "triangular_solve": ("n", "k", "lower", "transposed", "unit"),
    "qr": ("m", "n", "lwork"),
    "eigh": ("n", "lwork", "liwork"),
    "svd": ("m", "n", "lwork"),
    "eig": ("n", "lwork"),
}

_Sizes = tuple[tuple[int, ...], tuple[tuple[str, int], ...]]


def _of_square(a: Shape) -> _Sizes:
    return (a[-1],), ()


def _of_solve(*shapes: Shape, transposed: bool) -> _Sizes:
    n, k = shapes[-1][-2:]
    return (n, k, int(transposed)), (("f", n * k),)


def _of_triangular_solve(*shapes: Shape, lower: bool, transposed: bool, unit: bool) -> _Sizes:
    return (*shapes[-1][-2:], int(lower), int(transposed), int(unit)), ()


def _of_qr(a: Shape) -> _Sizes:
    m, n = a[-2:]
    lwork = max(1, _BLOCK * n)
    return (m, n, lwork), (("f", m * n), ("f", n), ("f", lwork))


def _of_eigh(a: Shape) -> _Sizes:
    n = a[-1]
    lwork, liwork = 1 + 6 * n + 2 * n * n, 3 + 5 * n
    return (n, lwork, liwork), (("f", n * n), ("f", lwork), ("i", liwork))


def _of_svd(a: Shape) -> _Sizes:
    m, n = a[-2:]
    k = min(m, n)
    lwork = max(1, 4 * k * k + 7 * k + 2 * _BLOCK * (m + n))
    return (m, n, lwork), (("f", m * n), ("f", m * k), ("f", k * n), ("f", lwork), ("i", 8 * k))


def _of_eig(a: Shape) -> _Sizes:
    n = a[-1]
    lwork = max(1, (3 + 2 * _BLOCK) * n)
    return (n, lwork), (("f", n * n), ("f", n), ("f", n), ("f", n * n), ("f", lwork))


_PLANS: dict[str, Callable[..., _Sizes]] = {
    "lu": _of_square, "lu_solve": _of_solve, "cholesky": _of_square, "triangular_solve": _of_triangular_solve,
    "qr": _of_qr, "eigh": _of_eigh, "svd": _of_svd, "eig": _of_eig,
}  # fmt: skip


def plan(primitive: str, dtype: DType, shapes: tuple[Shape, ...], attributes: dict[str, Any]) -> Plan:
    """How the routine of a primitive is called on operands of these shapes, which fit its type rule.

    Raises:
        ShapeError: LAPACK's 32-bit integers do not hold a size.
    """
    sizes, scratch = _PLANS[primitive](*shapes, **attributes)
    if any(n >= _LIMIT for n in sizes):
        raise ShapeError(f"{primitive} of shape {shapes[0]}: LAPACK takes sizes below 2**31 only")
    pieces = tuple([(dtype if kind == "f" else dtypes.I32, max(count, 1)) for kind, count in scratch])
    return Plan(prod(shapes[0][:-2]), sizes, pieces)
