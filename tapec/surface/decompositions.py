"""NumPy's `qr`, `eigh`, `svd`, and what follows from them: pseudoinverses, least squares, ranks, condition numbers."""

from __future__ import annotations

from inspect import signature
from math import inf
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, apply_several, lift, located, promote
from tapec.errors import MatrixShapeError, ShapeError, TapecError, UnsupportedFunctionError
from tapec.ops import linalg, reduction
from tapec.surface.matrices import inverse_where, matrices, product, square_matrices, symmetric, turned
from tapec.surface.primitives import both, concat, constant, filled, floating, inverted, reshape, select, window
from tapec.surface.registry import implements
from tapec.tensor import Tensor

_QRResult: Any = type(np.linalg.qr(np.eye(1)))
_EighResult: Any = type(np.linalg.eigh(np.eye(1)))
_SVDResult: Any = type(np.linalg.svd(np.eye(1)))


def _unsupported(message: str) -> TapecError:
    return located(UnsupportedFunctionError(message))


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    x = matrices("qr", a)
    m, n = x._array.shape[-2:]
    if mode not in ("reduced", "complete", "r"):
        raise _unsupported(f"linalg.qr on tensors has the modes 'reduced', 'complete' and 'r', not {mode!r}")
    if mode == "complete" and m > n:
        raise _unsupported(
            f"linalg.qr of shape {x.shape} with mode='complete': the columns of Q beyond those of the matrix are "
            "arbitrary and have no derivative; use mode='reduced'"
        )
    axis = x._array.ndim - 1
    q, r = apply_several(linalg.qr, (window(x, axis, 0, min(m, n)),))
    if n > m:
        r = concat([r, product(turned(q), window(x, axis, m, n - m))], axis)
    return r if mode == "r" else _QRResult(q, r)


def _triangle_named(UPLO: str) -> None:
    if UPLO not in ("L", "U", "l", "u"):
        raise ValueError("UPLO argument must be 'L' or 'U'")


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    _triangle_named(UPLO)
    return _EighResult(*apply_several(linalg.eigh, (symmetric(square_matrices("eigh", a)),)))


@implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Tensor:
    _triangle_named(UPLO)
    return apply_several(linalg.eigh, (symmetric(square_matrices("eigvalsh", a)),))[0]


@implements(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    x = matrices("svd", a)
    if not compute_uv:
        return singular_values(x)
    if full_matrices and x._array.shape[-1] != x._array.shape[-2]:
        raise _unsupported(
            f"linalg.svd of shape {x.shape} with full_matrices=True: the vectors beyond the singular values are "
            "arbitrary and have no derivative; pass full_matrices=False"
        )
    return _SVDResult(*apply_several(linalg.svd, (x,)))


def singular_values(x: Tensor) -> Tensor:
    """In descending order."""
    return apply_several(linalg.svd, (x,))[1]


@implements(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Tensor:
    return singular_values(matrices("svdvals", x))


# Pseudoinverses ------------------------------------------------------------------------------------------------------

_NO_VALUE: Any = signature(np.linalg.pinv).parameters["rtol"].default


def _largest(s: Tensor) -> Tensor:
    """The largest singular value, with an axis of one; 0 if there are none."""
    if s._array.shape[-1] == 0:
        return filled(0.0, (*s._array.shape[:-1], 1), s._array.dtype)
    return window(s, s._array.ndim - 1, 0, 1)


def _cutoff(s: Tensor, relative: Any) -> Tensor:
    limit: Tensor = _with_axis(relative) * _largest(s)
    return limit


def _with_axis(x: Any) -> Any:
    return x if isinstance(x, (int, float)) else NUMPY_FUNCTIONS[np.expand_dims](lift(x), -1)


def _epsilon(x: Tensor) -> float:
    return float(max(x.shape[-2:]) * np.finfo(x._array.dtype).eps)


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _NO_VALUE) -> Tensor:
    x = matrices("pinv", a)
    if rcond is not None and rtol is not _NO_VALUE:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    if rcond is None:
        rcond = 1e-15 if rtol is _NO_VALUE else _epsilon(x) if rtol is None else rtol
    return _pseudoinverse(x, rcond)[0]


def _pseudoinverse(x: Tensor, rcond: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The pseudoinverse, the singular values, and which of these count."""
    u, s, vt = apply_several(linalg.svd, (x,))
    counting = s > _cutoff(s, rcond)
    scale = inverse_where(counting, s)
    value = product(turned(vt), reshape(scale, (*scale._array.shape, 1)) * turned(u))
    return apply(linalg.pinv, (value, x)), s, counting


@implements(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, y = promote(floating(a), floating(b))
    vector = y._array.ndim == 1
    columns = reshape(y, (*y._array.shape, 1)) if vector else y
    if x._array.ndim != 2 or columns._array.ndim != 2:
        shapes = f"{x.shape} and {y.shape}"
        raise located(MatrixShapeError(f"linalg.lstsq takes a matrix and a vector or matrix, got shapes {shapes}"))
    m, n = x._array.shape
    if columns._array.shape[0] != m:
        raise located(ShapeError(f"linalg.lstsq: shapes {x.shape} and {y.shape} differ in the number of rows"))
    p, s, counting = _pseudoinverse(x, _epsilon(x) if rcond is None else rcond)
    found = product(p, columns)
    rank = NUMPY_FUNCTIONS[np.sum](counting)
    residuals = filled(0.0, (0,), x._array.dtype)
    if m > n and rank == n:  # a guard: the shape of the residuals depends on the rank
        rest = columns - product(x, found)
        residuals = apply(reduction.sum, (rest * rest,), {"axes": (0,)})
    return reshape(found, (n,)) if vector else found, residuals, rank, s


@implements(np.linalg.matrix_rank)
def _matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Tensor:
    if rtol is not None and tol is not None:
        raise ValueError("`tol` and `rtol` can't be both set.")
    x = floating(A)
    if x._array.ndim < 2:
        return TENSOR_FUNCTIONS[np.astype](NUMPY_FUNCTIONS[np.any](x != 0), np.int64)
    s = singular_values(x)
    limit = _cutoff(s, _epsilon(x) if rtol is None else rtol) if tol is None else _with_axis(tol)
    return TENSOR_FUNCTIONS[np.count_nonzero](s > limit, axis=-1)


@implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Tensor:
    t = matrices("cond", x)
    if not t._array.size:
        raise located(MatrixShapeError(f"linalg.cond is not defined on empty matrices, got shape {t.shape}"))
    if p in (None, 2, -2):
        s = singular_values(t)
        axis = s._array.ndim - 1
        ends = [window(s, axis, i, 1) for i in (0, s._array.shape[-1] - 1)]
        first, last = (reshape(end, s._array.shape[:-1]) for end in (ends[::-1] if p == -2 else ends))
        with np.errstate(all="ignore"):
            ratio = first / last
    else:
        norm = NUMPY_FUNCTIONS[np.linalg.norm]
        ratio = norm(t, p, axis=(-2, -1)) * norm(NUMPY_FUNCTIONS[np.linalg.inv](t), p, axis=(-2, -1))
    rank = t._array.ndim
    sound = inverted(NUMPY_FUNCTIONS[np.any](t != t, axis=(rank - 2, rank - 1)))
    return select(both(ratio != ratio, sound), constant(inf, t._array.dtype), ratio)
