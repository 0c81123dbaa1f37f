"""Functions of linear algebra that NumPy lacks. They take tensors, Variables and arrays, and give tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, located, promote
from tapec.errors import ShapeError
from tapec.ops import linalg
from tapec.surface.matrices import identity, product, square_matrices
from tapec.surface.primitives import constant, floating, maximum, reshape
from tapec.surface.solving import same_batches, solve
from tapec.tensor import Tensor

__all__ = ["cho_solve", "expm", "solve_triangular"]


def solve_triangular(
    a: Any, b: Any, *, lower: bool = False, transposed: bool = False, unit_diagonal: bool = False
) -> Tensor:
    """The solution x of a x = b for a triangular matrix.

    Args:
        a: `(..., n, n)`; only one triangle of it is read.
        b: `(n,)`, or `(..., n, k)`. Batches broadcast.
        lower: which triangle: the lower one, or the upper.
        transposed: solve with the transpose of the triangle.
        unit_diagonal: take ones for the diagonal.

    Returns:
        x, of the shape of `b` with the broadcast batches. A zero on the diagonal gives infinities or NaN.

    Raises:
        MatrixShapeError: `a` is not square.
        ShapeError: the shapes do not fit together.

    Example:
        >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]), lower=True).tolist()
        [1.0, 2.0]
    """
    x, columns, vector = _system("solve_triangular", a, b)
    attributes = {"lower": lower, "transposed": transposed, "unit": unit_diagonal}
    found = apply(linalg.triangular_solve, (x, columns), attributes)
    return reshape(found, found._array.shape[:-1]) if vector else found


def cho_solve(factor: Any, b: Any, *, lower: bool = True) -> Tensor:
    """The solution x of a x = b, from the Cholesky factor of `a`.

    Args:
        factor: `(..., n, n)`, as `np.linalg.cholesky` gives it.
        b: `(n,)`, or `(..., n, k)`. Batches broadcast.
        lower: whether the factor is L with a = L L', or U with a = U' U.

    Returns:
        x, of the shape of `b` with the broadcast batches.

    Raises:
        MatrixShapeError: `factor` is not square.
        ShapeError: the shapes do not fit together.

    Example:
        >>> a = np.array([[4.0, 2.0], [2.0, 3.0]])
        >>> cho_solve(np.linalg.cholesky(a), np.array([8.0, 8.0])).numpy().round(12).tolist()
        [1.0, 2.0]
    """
    x, columns, vector = _system("cho_solve", factor, b)
    for transposed in (not lower, lower):
        attributes = {"lower": lower, "transposed": transposed, "unit": False}
        columns = apply(linalg.triangular_solve, (x, columns), attributes)
    return reshape(columns, columns._array.shape[:-1]) if vector else columns


def _system(name: str, a: Any, b: Any) -> tuple[Tensor, Tensor, bool]:
    """Matrices and right-hand sides of one dtype and batch, and whether `b` is a vector."""
    x, y = promote(square_matrices(name, a, b), floating(b))
    vector = y._array.ndim == 1
    columns = reshape(y, (*y._array.shape, 1)) if vector else y
    if columns._array.ndim < 2 or columns._array.shape[-2] != x._array.shape[-1]:
        raise located(ShapeError(f"{name}: matrices of shape {x.shape} do not fit right-hand sides of {y.shape}"))
    return (*same_batches(name, x, columns), vector)


# Coefficients of the Padé approximants of the exponential, and the largest norms for which they are right to the last
# bits (Higham, "The scaling and squaring method for the matrix exponential revisited", 2005).
_PADE = {
    3: (120.0, 60.0, 12.0, 1.0),
    5: (30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0),
    7: (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0),
    9: (
        17643225600.0, 8821612800.0, 2075673600.0, 302702400.0, 30270240.0, 2162160.0, 110880.0, 3960.0, 90.0, 1.0,
    ),
    13: (
        64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
        10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
    ),
}  # fmt: skip
_NORMS = {
    8: {
        3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1, 9: 2.097847961257068e0,
        13: 5.371920351148152e0,
    },
    4: {3: 4.258730016922831e-1, 5: 1.880152677804762e0, 7: 3.925724783138660e0},
}  # fmt: skip


def expm(a: Any) -> Tensor:
    """The exponential of square matrices, by Padé approximants with scaling and squaring (Higham, 2005).

    Inside a compiled function the order of the approximant and the number of squarings are guarded: a matrix with a
    much larger or smaller norm is another path.

    Args:
        a: `(..., n, n)`.

    Returns:
        `(..., n, n)`.

    Raises:
        MatrixShapeError: `a` is not square.

    Example:
        >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    x = square_matrices("expm", a)
    if not x._array.size:
        return x
    norms = _NORMS[x._array.dtype.itemsize]
    orders = list(norms)
    norm = NUMPY_FUNCTIONS[np.max](NUMPY_FUNCTIONS[np.linalg.norm](x, 1, axis=(-2, -1)))
    scale = NUMPY_FUNCTIONS[np.ceil](NUMPY_FUNCTIONS[np.log2](norm / norms[orders[-1]]))
    # One number for both, so that there is one guard: which order, and beyond the last one how many squarings.
    level = cast(maximum(scale, constant(0.0, x._array.dtype)), np.dtype(np.int64))
    for order in orders[:-1]:
        level = level + cast(norm > norms[order], np.dtype(np.int64))
    chosen = int(level)
    order = orders[min(chosen, len(orders) - 1)]
    squarings = max(chosen - len(orders) + 1, 0)
    result = _pade(x * 2.0**-squarings, _PADE[order])
    for _ in range(squarings):
        result = product(result, result)
    return result


def _pade(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """p(x) / p(-x) for the polynomial p with these coefficients, from the lowest order up."""
    *batch, n, _ = x._array.shape
    one = identity(n, x._array.dtype, tuple(batch))
    square = product(x, x)
    powers = [one, square]
    if len(coefficients) == 14:
        odd, even = _of_order_13(powers, coefficients)
    else:
        while 2 * len(powers) < len(coefficients):
            powers.append(product(powers[-1], square))
        odd, even = (_combined(powers, coefficients[i::2]) for i in (1, 0))
    odd = product(x, odd)
    return solve(even - odd, even + odd)


def _combined(powers: list[Tensor], coefficients: tuple[float, ...]) -> Tensor:
    total = powers[0] * coefficients[0]
    for power, coefficient in zip(powers[1:], coefficients[1:], strict=True):
        total = total + power * coefficient
    return total


def _of_order_13(powers: list[Tensor], coefficients: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """The odd and even parts with six products in all."""
    one, square = powers
    fourth = product(square, square)
    sixth = product(square, fourth)
    low = [one, square, fourth, sixth]
    parts = []
    for i in (1, 0):
        own = coefficients[i::2]
        high = _combined(low[1:], own[4:])
        parts.append(product(sixth, high) + _combined(low, own[:4]))
    return parts[0], parts[1]
