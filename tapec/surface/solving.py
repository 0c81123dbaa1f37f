"""NumPy's functions that solve with a square matrix: `solve`, `inv`, `det`, `slogdet`, `cholesky`, and their kin."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any, NamedTuple

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, apply_several, located, promote
from tapec.errors import MatrixShapeError, ShapeError
from tapec.ops import elementwise as ew
from tapec.ops import linalg, reduction
from tapec.surface.matrices import counted, diagonal, identity, square_matrices, symmetric, turned
from tapec.surface.primitives import broadcast, exp, floating, log, reshape, select
from tapec.surface.registry import implements
from tapec.tensor import Tensor

_SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def solve(a: Tensor, b: Tensor, transposed: bool = False) -> Tensor:
    """Solutions of a x = b, or of its transpose, for matrices `a` and `b` of equal batches."""
    packed, pivots = apply_several(linalg.lu, (a,))
    return apply(linalg.lu_solve, (a, packed, pivots, b), {"transposed": transposed})


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> Tensor:
    x, y = promote(square_matrices("solve", a, b), floating(b))
    n = x._array.shape[-1]
    vector = y._array.ndim == 1
    columns = reshape(y, (*y._array.shape, 1)) if vector else y
    if columns._array.ndim < 2 or columns._array.shape[-2] != n:
        raise located(ShapeError(f"linalg.solve: matrices of shape {x.shape} do not fit right-hand sides of {y.shape}"))
    x, columns = same_batches("solve", x, columns)
    found = solve(x, columns)
    return reshape(found, found._array.shape[:-1]) if vector else found


def same_batches(name: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices with their batches broadcast against each other.

    Raises:
        ShapeError: they do not broadcast.
    """
    p, q = a._array.shape, b._array.shape
    if p[:-2] == q[:-2]:
        return a, b
    try:
        batch = ew.broadcast_shapes(p[:-2], q[:-2])
    except ShapeError:
        raise located(ShapeError(f"linalg.{name}: batches of shapes {p} and {q} do not broadcast")) from None
    return broadcast(a, batch + p[-2:]), broadcast(b, batch + q[-2:])


@implements(np.linalg.inv)
def _inv(a: Any) -> Tensor:
    x = square_matrices("inv", a)
    *batch, n, _ = x._array.shape
    return solve(x, identity(n, x._array.dtype, tuple(batch)))


@implements(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Tensor:
    x, y = promote(floating(a), floating(b))
    rank = x._array.ndim
    if axes is not None:
        order = [axis for axis in range(rank) if axis not in [index(k) % rank for k in axes]]
        x = NUMPY_FUNCTIONS[np.transpose](x, order + [index(k) % rank for k in axes])
    shape = x._array.shape[y._array.ndim :]
    if prod(shape) ** 2 != x._array.size:
        raise located(
            MatrixShapeError(f"linalg.tensorsolve: shapes {x.shape} and {y.shape} do not make a square system")
        )
    found = solve(reshape(x, (prod(shape), prod(shape))), reshape(y, (y._array.size, 1)))
    return reshape(found, shape)


@implements(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Tensor:
    x = floating(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    shape = x._array.shape
    rows = prod(shape[ind:])
    if rows * rows != x._array.size:
        raise located(MatrixShapeError(f"linalg.tensorinv: shape {shape} cut at axis {ind} is not square"))
    return reshape(_inv(reshape(x, (rows, rows))), shape[ind:] + shape[:ind])


# Determinants --------------------------------------------------------------------------------------------------------


class _Determinant(NamedTuple):
    """What LU factors say of a determinant; no derivative flows through it."""

    sign: Tensor
    logarithm: Tensor
    packed: Tensor
    pivots: Tensor


def _determinant(x: Tensor) -> _Determinant:
    packed, pivots = apply_several(linalg.lu, (x,))
    u = diagonal(packed)
    last = (u._array.ndim - 1,)
    swapped = pivots != counted(x._array.shape[-1], pivots._array.dtype)
    signs = apply(ew.sign, (u,))
    sign = apply(reduction.prod, (select(swapped, -signs, signs),), {"axes": last})
    logarithm = apply(reduction.sum, (log(abs(u)),), {"axes": last})
    return _Determinant(sign, logarithm, packed, pivots)


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    x = square_matrices("slogdet", a)
    found = _determinant(x)
    moving = apply(linalg.log_abs_det, (found.logarithm, x, found.packed, found.pivots))
    return _SlogdetResult(found.sign, moving)


@implements(np.linalg.det)
def _det(a: Any) -> Tensor:
    x = square_matrices("det", a)
    found = _determinant(x)
    # Of a singular matrix the logarithm is -inf, and the sign is 0; NaN stays NaN.
    value = found.sign * exp(found.logarithm)
    return apply(linalg.det, (value, x, found.packed, found.pivots))


@implements(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Tensor:
    found = apply(linalg.cholesky, (symmetric(square_matrices("cholesky", a)),))
    return turned(found) if upper else found
