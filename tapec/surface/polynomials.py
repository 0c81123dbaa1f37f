"""Polynomials and convolutions of one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import lift, located, promote
from tapec.errors import ShapeError
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
    return NUMPY_FUNCTIONS[np.matmul](windows, kernel)  # type: ignore[no-any-return]
