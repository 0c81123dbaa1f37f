"""`tf.linalg`: `np.linalg` and `tp.linalg`, under TensorFlow's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec import linalg
from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.compat.tensorflow._arrays import eye
from tapec.compat.tensorflow._conversion import operand
from tapec.compat.unknown_names import refuses
from tapec.tensor import Tensor

__all__ = [
    "cholesky", "cholesky_solve", "cross", "det", "diag_part", "eigh", "einsum", "expm", "eye", "inv", "matmul",
    "matrix_rank", "matrix_transpose", "matvec", "norm", "pinv", "qr", "slogdet", "solve", "svd", "tensordot", "trace",
    "triangular_solve",
]  # fmt: skip


def _of_matrices(function: Any) -> Callable[..., Any]:
    meaning = NUMPY_FUNCTIONS[function]

    def call(input: Any, name: str | None = None) -> Any:
        return meaning(operand(input))

    call.__doc__ = f"`np.linalg.{function.__name__}`."
    return call


cholesky = _of_matrices(np.linalg.cholesky)
det = _of_matrices(np.linalg.det)
diag_part = _of_matrices(np.linalg.diagonal)
inv = _of_matrices(np.linalg.inv)
slogdet = _of_matrices(np.linalg.slogdet)


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None) -> Tensor:
    """The matrix product, of transposes where asked for."""
    x, y = operand(a), operand(b)
    return (x.mT if transpose_a else x) @ (y.mT if transpose_b else y)


def matvec(a: Any, b: Any, *, name: str | None = None) -> Tensor:
    """Matrices times vectors."""
    return TENSOR_FUNCTIONS[np.matvec](operand(a), operand(b))


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over pairs of axes."""
    return TENSOR_FUNCTIONS[np.tensordot](operand(a), operand(b), axes)


def einsum(equation: str, *inputs: Any) -> Tensor:
    """Sums of products, by Einstein's notation."""
    return TENSOR_FUNCTIONS[np.einsum](equation, *[operand(x) for x in inputs])


def norm(tensor: Any, *, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The root of the sum of squares."""
    axes = tuple(axis) if isinstance(axis, list) else axis
    return TENSOR_FUNCTIONS[np.linalg.norm](operand(tensor), axis=axes, keepdims=keepdims)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """Cross products of vectors with three elements."""
    return TENSOR_FUNCTIONS[np.linalg.cross](operand(a), operand(b))


def trace(x: Any, name: str | None = None) -> Tensor:
    """Sums of diagonals."""
    return TENSOR_FUNCTIONS[np.linalg.trace](operand(x))


def matrix_transpose(a: Any, name: str | None = None) -> Tensor:
    """The last two axes swapped."""
    return operand(a).mT


def matrix_rank(a: Any, *, name: str | None = None) -> Tensor:
    """The number of singular values above rounding."""
    return TENSOR_FUNCTIONS[np.linalg.matrix_rank](operand(a))


def pinv(a: Any, *, name: str | None = None) -> Tensor:
    """The pseudo-inverse."""
    return TENSOR_FUNCTIONS[np.linalg.pinv](operand(a))


def solve(matrix: Any, rhs: Any, *, name: str | None = None) -> Tensor:
    """x with matrix x = rhs."""
    return TENSOR_FUNCTIONS[np.linalg.solve](operand(matrix), operand(rhs))


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """`tp.linalg.solve_triangular`."""
    return linalg.solve_triangular(operand(matrix), operand(rhs), lower=lower, transposed=adjoint)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """`tp.linalg.cho_solve`."""
    return linalg.cho_solve(operand(chol), operand(rhs))


def expm(input: Any, name: str | None = None) -> Tensor:
    """`tp.linalg.expm`."""
    return linalg.expm(operand(input))


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of symmetric matrices."""
    values, vectors = NUMPY_FUNCTIONS[np.linalg.eigh](operand(tensor))
    return values, vectors


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Orthogonal and triangular factors."""
    q, r = NUMPY_FUNCTIONS[np.linalg.qr](operand(input), "complete" if full_matrices else "reduced")
    return q, r


def svd(tensor: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Singular values, left and right singular vectors: TensorFlow's order, and the latter not transposed."""
    u, s, vh = NUMPY_FUNCTIONS[np.linalg.svd](operand(tensor), full_matrices)
    return s, u, vh.mT


__getattr__ = refuses("tf.linalg", __all__)
