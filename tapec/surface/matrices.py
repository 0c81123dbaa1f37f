"""What the functions of linear algebra share: operands as matrices, and their simplest parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import TENSOR_FUNCTIONS
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import DTypeError, MatrixShapeError
from tapec.ir.dtypes import is_short
from tapec.ops import creation
from tapec.surface.primitives import broadcast, constant, floating, select, transpose
from tapec.tensor import Tensor


def matrices(name: str, value: Any) -> Tensor:
    """An operand as floats with two axes or more.

    Raises:
        MatrixShapeError: it has fewer.
        DTypeError: it is of floats of 16 bits.
    """
    x = floating(value)
    if is_short(x._array.dtype):
        raise located(DTypeError(f"linalg.{name} takes float32 or float64, as in NumPy, got {x.dtype}; cast it first"))
    if x._array.ndim < 2:
        raise located(MatrixShapeError(f"linalg.{name} takes matrices, got shape {x.shape}"))
    return x


def square_matrices(name: str, value: Any, beside: Any = None) -> Tensor:
    """An operand as floats whose last two axes have one extent.

    Args:
        name: of the function.
        value: the operand.
        beside: another operand, whose shape the message shows too.

    Raises:
        MatrixShapeError: they have not.
    """
    x = matrices(name, value)
    if x._array.shape[-1] != x._array.shape[-2]:
        other = "" if beside is None else f" with right-hand sides of shape {np.shape(lift(beside)._array)}"
        raise located(MatrixShapeError(f"linalg.{name} takes square matrices, got shape {x.shape}{other}"))
    return x


def turned(x: Tensor) -> Tensor:
    """Each matrix transposed."""
    rank = x._array.ndim
    return transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def symmetric(x: Tensor) -> Tensor:
    """The symmetric part, which of a symmetric matrix is itself to the last bit, unless twice an element overflows."""
    return (x + turned(x)) * 0.5


def _numbers(shape: tuple[int, ...], axis: int) -> Tensor:
    return apply(creation.iota, (), {"axis": axis, "shape": shape, "dtype": "i64"})


def positions(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Row and column numbers, which broadcast against each other: ops, where arrays would have to be captured."""
    return _numbers((rows, 1), 0), _numbers((1, columns), 1)


def identity(n: int, dtype: np.dtype[Any], batch: tuple[int, ...] = ()) -> Tensor:
    """Identity matrices."""
    row, column = positions(n, n)
    return broadcast(cast(row == column, dtype), (*batch, n, n))


def counted(n: int, dtype: np.dtype[Any]) -> Tensor:
    """1, 2, ..., n."""
    return cast(_numbers((n,), 0) + 1, dtype)


def diagonal(x: Tensor) -> Tensor:
    """The diagonals of matrices."""
    return TENSOR_FUNCTIONS[np.linalg.diagonal](x)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product of one dtype."""
    return TENSOR_FUNCTIONS[np.matmul](a, b)


def inverse_where(condition: Tensor, x: Tensor) -> Tensor:
    """1 / x where the condition holds, else 0; no derivative is infinite for what is left out."""
    return select(condition, 1.0 / select(condition, x, 1.0), constant(0, x._array.dtype))
