"""Stencils with their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

STEP = 0.2


@njit(cache=True, fastmath=True)
def _forward(old: Any, new: Any, k: Any, first: int, last: int) -> None:
    """Rows from `first` to `last` of one step."""
    n, m = old.shape
    for i in range(first, last):
        if i == 0 or i == n - 1:
            new[i] = old[i]
            continue
        up, here, down, rate, out = old[i - 1], old[i], old[i + 1], k[i], new[i]
        out[0], out[m - 1] = here[0], here[m - 1]
        for j in range(1, m - 1):
            near = down[j] + up[j] + here[j + 1] + here[j - 1]
            out[j] = here[j] + STEP * rate[j] * (near - 4.0 * here[j])


@njit(cache=True, fastmath=True)
def _by_rates(old: Any, g: Any, k: Any, by_k: Any, scaled: Any, first: int, last: int) -> None:
    """Adds a step's share to the gradient by `k`, and scales what goes back through the stencil."""
    n, m = old.shape
    for i in range(max(first, 1), min(last, n - 1)):
        up, here, down, of_row, out, into = old[i - 1], old[i], old[i + 1], g[i], by_k[i], scaled[i]
        for j in range(1, m - 1):
            near = down[j] + up[j] + here[j + 1] + here[j - 1]
            out[j] += STEP * of_row[j] * (near - 4.0 * here[j])
            into[j] = STEP * k[i, j] * of_row[j]


@njit(cache=True, fastmath=True)
def _back(g: Any, scaled: Any, older: Any, first: int, last: int) -> None:
    """The stencil is symmetric: it takes the scaled cotangents back. `scaled` is zero on the border."""
    n, m = g.shape
    nothing = np.zeros(m)
    for i in range(first, last):
        up = scaled[i - 1] if i > 0 else nothing
        down = scaled[i + 1] if i < n - 1 else nothing
        here, of_row, out = scaled[i], g[i], older[i]
        out[0], out[m - 1] = of_row[0] + here[1], of_row[m - 1] + here[m - 2]
        for j in range(1, m - 1):
            out[j] = of_row[j] + down[j] + up[j] + here[j + 1] + here[j - 1] - 4.0 * here[j]


@njit(cache=True, parallel=True)
def _heat_threaded(path: Any, k: Any, g: Any, older: Any, by_k: Any, scaled: Any, parts: int) -> Any:
    steps, n = path.shape[0] - 1, path.shape[1]
    for t in range(steps):
        for p in prange(parts):
            _forward(path[t], path[t + 1], k, p * n // parts, (p + 1) * n // parts)
    g[:] = 2.0 * path[steps]
    for t in range(steps - 1, -1, -1):
        for p in prange(parts):
            _by_rates(path[t], g, k, by_k, scaled, p * n // parts, (p + 1) * n // parts)
        for p in prange(parts):
            _back(g, scaled, older, p * n // parts, (p + 1) * n // parts)
        g, older = older, g
    return g


@njit(cache=True)
def _heat_alone(path: Any, k: Any, g: Any, older: Any, by_k: Any, scaled: Any) -> Any:
    steps, n = path.shape[0] - 1, path.shape[1]
    for t in range(steps):
        _forward(path[t], path[t + 1], k, 0, n)
    g[:] = 2.0 * path[steps]
    for t in range(steps - 1, -1, -1):
        _by_rates(path[t], g, k, by_k, scaled, 0, n)
        _back(g, scaled, older, 0, n)
        g, older = older, g
    return g


def heat(start: np.ndarray, k: np.ndarray, steps: int) -> Any:
    path = np.empty((steps + 1, *start.shape))
    path[0] = start
    by_k, scaled, parts = np.zeros_like(start), np.zeros_like(start), get_num_threads()
    arrays = (path, k, np.empty_like(start), np.empty_like(start), by_k, scaled)
    g = _heat_threaded(*arrays, parts) if parts > 1 else _heat_alone(*arrays)
    return (path[steps] * path[steps]).sum(), (g, by_k)


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
