"""Stencils with their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

STEP = 0.2


@njit(cache=True, fastmath=True, parallel=True)
def heat(start: Any, k: Any, steps: int) -> Any:
    n, m = start.shape
    path = np.empty((steps + 1, n, m))
    path[0] = start
    for t in range(steps):
        for i in prange(n):
            old, new = path[t], path[t + 1]
            if i == 0 or i == n - 1:
                new[i] = old[i]
                continue
            new[i, 0], new[i, m - 1] = old[i, 0], old[i, m - 1]
            for j in range(1, m - 1):
                near = old[i + 1, j] + old[i - 1, j] + old[i, j + 1] + old[i, j - 1]
                new[i, j] = old[i, j] + STEP * k[i, j] * (near - 4.0 * old[i, j])
    value = (path[steps] * path[steps]).sum()
    g, older, by_k = 2.0 * path[steps], np.empty((n, m)), np.zeros((n, m))
    scaled = np.zeros((n, m))
    for t in range(steps - 1, -1, -1):
        for i in prange(1, n - 1):
            old = path[t]
            for j in range(1, m - 1):
                near = old[i + 1, j] + old[i - 1, j] + old[i, j + 1] + old[i, j - 1]
                by_k[i, j] += STEP * g[i, j] * (near - 4.0 * old[i, j])
                scaled[i, j] = STEP * k[i, j] * g[i, j]
        for i in prange(n):
            for j in range(m):
                near = -4.0 * scaled[i, j]
                if i > 0:
                    near += scaled[i - 1, j]
                if i < n - 1:
                    near += scaled[i + 1, j]
                if j > 0:
                    near += scaled[i, j - 1]
                if j < m - 1:
                    near += scaled[i, j + 1]
                older[i, j] = g[i, j] + near
        g, older = older, g
    return value, (g, by_k)


@njit(cache=True)
def _pattern(side: int) -> Any:
    indptr, indices = np.empty(side * side + 1, np.int32), np.empty(5 * side * side, np.int32)
    at = 0
    indptr[0] = 0
    for i in range(side):
        for j in range(side):
            for di, dj in ((-1, 0), (0, -1), (0, 0), (0, 1), (1, 0)):
                if 0 <= i + di < side and 0 <= j + dj < side:
                    indices[at] = (i + di) * side + j + dj
                    at += 1
            indptr[i * side + j + 1] = at
    return indptr, indices[:at]


@njit(cache=True, fastmath=True, parallel=True)
def _entries(u: Any, rate: float, indptr: Any, indices: Any) -> Any:
    side = u.shape[0]
    inverse, data = (side + 1.0) ** 2, np.empty(indices.size)
    for i in prange(side):
        for j in range(side):
            row = i * side + j
            diagonal = rate * np.exp(u[i, j]) - 4.0 * inverse
            for at in range(indptr[row], indptr[row + 1]):
                data[at] = diagonal if indices[at] == row else inverse
    return data


_PATTERNS: dict[int, Any] = {}


def bratu_jacobian(u: np.ndarray, rate: float) -> Any:
    from scipy.sparse import csr_array

    side = u.shape[0]
    if side not in _PATTERNS:
        _PATTERNS[side] = _pattern(side)
    indptr, indices = _PATTERNS[side]
    return csr_array((_entries(u, rate, indptr, indices), indices, indptr), shape=(side**2, side**2))
