"""Sums of elementwise functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

CHUNK = 4096


@njit(cache=True, fastmath=True)
def rosenbrock(x: Any) -> Any:
    n = x.size
    gradient = np.zeros(n)
    total = 0.0
    for i in range(n - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total += 100.0 * a * a + b * b
        gradient[i] -= 400.0 * x[i] * a + 2.0 * b
        gradient[i + 1] += 200.0 * a
    return total, gradient


@njit(cache=True, fastmath=True, inline="always")
def _piece(x: Any, gradient: Any) -> Any:
    one = x.dtype.type(1.0)
    two = x.dtype.type(2.0)
    total = x.dtype.type(0.0)
    for i in range(x.size):
        v = x[i]
        square = v * v
        s, c, e, t, d = np.sin(v), np.cos(v), np.exp(-square), np.tanh(v), one / (one + square)
        total += s * e + t * d
        gradient[i] = (c - two * v * s) * e + (one - t * t) * d - two * v * t * d * d
    return total


@njit(cache=True, fastmath=True, parallel=True)
def _threaded(x: Any, gradient: Any) -> Any:
    pieces = (x.size + CHUNK - 1) // CHUNK
    totals = np.empty(pieces)
    for p in prange(pieces):
        totals[p] = _piece(x[p * CHUNK : (p + 1) * CHUNK], gradient[p * CHUNK : (p + 1) * CHUNK])
    return totals.sum()


def functions(x: np.ndarray) -> Any:
    gradient = np.empty_like(x)
    total = _threaded(x, gradient) if x.size > 4 * CHUNK else _piece(x, gradient)
    return total, gradient
