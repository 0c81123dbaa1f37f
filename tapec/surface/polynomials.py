"""Polynomials, their roots and fits, and convolutions of one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.complex_tensor import ComplexTensor
from tapec.dispatch import lift, located, promote
from tapec.errors import ShapeError, UnsupportedFunctionError
from tapec.surface.movement import at_least_one_axis, flip
from tapec.surface.primitives import concat, filled, select, take
from tapec.surface.registry import implements
from tapec.tensor import Tensor


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Tensor:
    """Horner's scheme, as NumPy's."""
    coefficients, at = at_least_one_axis(p), lift(x)
    value: Tensor = NUMPY_FUNCTIONS[np.zeros_like](at)
    for i in range(coefficients._array.size):
        value = value * at + coefficients[i]
    return value


@implements(np.polyder)
def _polyder(p: Any, m: int = 1) -> Tensor:
    c = at_least_one_axis(p)
    for _ in range(m):
        n = c._array.size
        c = c[:-1] * np.arange(n - 1, 0, -1)
    return c


@implements(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Tensor:
    c = at_least_one_axis(p)
    constants = np.broadcast_to(0.0 if k is None else np.asarray(k, dtype=float), (m,))
    for value in constants.tolist():
        scaled = c / np.arange(c._array.size, 0, -1)
        c = concat([scaled, filled(value, (1,), scaled._array.dtype)], 0)
    return c


def _aligned(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    x, y = promote(at_least_one_axis(a), at_least_one_axis(b))
    n = max(x._array.size, y._array.size)
    pad = NUMPY_FUNCTIONS[np.pad]
    return pad(x, (n - x._array.size, 0)), pad(y, (n - y._array.size, 0))


@implements(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Tensor:
    a, b = _aligned(a1, a2)
    return a + b


@implements(np.polysub)
def _polysub(a1: Any, a2: Any) -> Tensor:
    a, b = _aligned(a1, a2)
    return a - b


@implements(np.polymul)
def _polymul(a1: Any, a2: Any) -> Tensor:
    return _convolve(a1, a2)


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    x, kernel = promote(at_least_one_axis(a), at_least_one_axis(v))
    if x._array.ndim != 1 or kernel._array.ndim != 1 or not x._array.size or not kernel._array.size:
        raise located(ShapeError(f"convolve takes two vectors, not empty, got shapes {x.shape} and {kernel.shape}"))
    if kernel._array.size > x._array.size:
        x, kernel = kernel, x
    return _sliding(x, flip(kernel), mode)


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    x, kernel = promote(at_least_one_axis(a), at_least_one_axis(v))
    if kernel._array.size > x._array.size:
        return flip(_sliding(kernel, x, mode))
    return _sliding(x, kernel, mode)


def _sliding(x: Tensor, kernel: Tensor, mode: str) -> Tensor:
    """Products of `kernel` with every window of `x`, which is the longer one."""
    n, k = x._array.size, kernel._array.size
    outside = {"full": (k - 1, k - 1), "same": (k // 2, k - 1 - k // 2), "valid": (0, 0)}
    if mode not in outside:
        raise ValueError(f"mode must be one of {', '.join(outside)}, got {mode!r}")
    before, after = outside[mode]
    places = np.arange(n + before + after - k + 1)[:, None] + np.arange(k) - before
    inside = (places >= 0) & (places < n)
    windows = take(x, lift(np.clip(places, 0, n - 1)), 0)
    if not inside.all():
        windows = select(lift(inside), windows, 0)
    return TENSOR_FUNCTIONS[np.matmul](windows, kernel)


# Roots and fits ------------------------------------------------------------------------------------------------------


@implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros = at_least_one_axis(seq_of_zeros)
    if zeros._array.ndim == 2:
        zeros = NUMPY_FUNCTIONS[np.linalg.eigvals](zeros)
    if isinstance(zeros, ComplexTensor):
        raise UnsupportedFunctionError("np.poly takes a matrix whose eigenvalues are real, or a vector")
    zeros = zeros + 0.0
    one = filled(1, (1,), zeros._array.dtype)
    coefficients = one
    for i in range(zeros._array.size):
        coefficients = _convolve(coefficients, concat([one, -zeros[i : i + 1]], 0))
    return coefficients


@implements(np.polydiv)
def _polydiv(u: Any, v: Any) -> tuple[Tensor, Tensor]:
    """Quotient and remainder; like NumPy's, the remainder loses leading coefficients that are almost zero."""
    a, b = promote(at_least_one_axis(u) + 0.0, at_least_one_axis(v) + 0.0)
    m, n = a._array.size, b._array.size
    quotient = []
    for i in range(m - n + 1):
        q = a[i : i + 1] / b[:1]
        quotient.append(q)
        a = concat([a[:i], a[i : i + n] - q * b, a[i + n :]], 0)
    first = max(m - n + 1, 0)
    while first < m - 1 and NUMPY_FUNCTIONS[np.allclose](a[first], 0, rtol=1e-14):
        first += 1
    remainder = a[min(first, m - 1) :]
    return concat(quotient, 0) if quotient else filled(0, (1,), a._array.dtype), remainder


@implements(np.roots)
def _roots(p: Any) -> Any:
    """Eigenvalues of the companion matrix. Leading and trailing zeros are those of the data, which are guarded."""
    c = lift(p)
    if c._array.ndim != 1:
        raise located(ShapeError(f"roots takes a vector of coefficients, got shape {c.shape}"))
    zero = c == 0
    first, last = 0, c._array.size
    while first < last and zero[first]:
        first += 1
    while last > first and zero[last - 1]:
        last -= 1
    zeros = c._array.size - last
    c = c[first:last] + 0.0
    at_zero = filled(0, (zeros,), c._array.dtype)
    n = c._array.size - 1
    if n < 1:
        return filled(0, (zeros,), np.dtype(np.float64))
    top = NUMPY_FUNCTIONS[np.reshape](-c[1:] / c[0], (1, n))
    companion = concat([top, lift(np.eye(n - 1, n, dtype=c._array.dtype))], 0)
    found = NUMPY_FUNCTIONS[np.linalg.eigvals](companion)
    if not at_zero._array.size:
        return found
    return np.concatenate([found, at_zero])  # where they are complex, this is their own function


@implements(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Tensor:
    """Least squares over powers of `x`, columns scaled to norm 1, as in NumPy."""
    if full or cov:
        raise UnsupportedFunctionError("np.polyfit on tensors gives coefficients alone: leave out `full` and `cov`")
    at, values = lift(x) + 0.0, lift(y) + 0.0
    if at._array.ndim != 1 or values._array.shape[:1] != at._array.shape or not at._array.size:
        raise located(ShapeError(f"polyfit takes a vector x and as many values y, got {at.shape} and {values.shape}"))
    powers = NUMPY_FUNCTIONS[np.vander](at, deg + 1)
    if w is not None:
        weights = lift(w) + 0.0
        powers = powers * weights[:, None]
        values = values * (weights if values._array.ndim == 1 else weights[:, None])
    scale = TENSOR_FUNCTIONS[np.sqrt](NUMPY_FUNCTIONS[np.sum](powers * powers, axis=0))
    limit = at._array.size * float(np.finfo(at._array.dtype).eps) if rcond is None else rcond
    found: Tensor = NUMPY_FUNCTIONS[np.linalg.lstsq](powers / scale, values, limit)[0]
    return found / (scale if values._array.ndim == 1 else scale[:, None])


@implements(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb") -> Tensor:
    """How many zeros there are decides the shape; compiled functions guard it."""
    x = lift(filt)
    if not set(trim.lower()) <= {"f", "b"}:
        raise ValueError(f"trim must be made of 'f' and 'b', got {trim!r}")
    if x._array.ndim != 1:
        raise located(ShapeError(f"trim_zeros takes a vector on tensors, got shape {x.shape}"))
    zero, first, last = x == 0, 0, x._array.size
    while "f" in trim.lower() and first < last and zero[first]:
        first += 1
    while "b" in trim.lower() and last > first and zero[last - 1]:
        last -= 1
    return x[first:last]
