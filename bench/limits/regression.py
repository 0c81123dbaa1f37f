"""Regression: one pass over the data, a row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

THREADED = 200_000  # elements from which starting threads pays


@njit(cache=True, fastmath=True)
def _rows(w: Any, x: Any, y: Any) -> Any:
    features = w.size
    gradient, value = np.zeros(features), 0.0
    for i in range(y.size):
        z = 0.0
        for j in range(features):
            z += x[i, j] * w[j]
        e = np.exp(-abs(z))
        value += max(z, 0.0) + np.log1p(e) - y[i] * z
        r = (1.0 if z >= 0 else e) / (1.0 + e) - y[i]
        for j in range(features):
            gradient[j] += r * x[i, j]
    return value, gradient


@njit(cache=True, fastmath=True, parallel=True)
def _threaded(w: Any, x: Any, y: Any) -> Any:
    n, parts = y.size, get_num_threads()
    gradients, values = np.zeros((parts, w.size)), np.zeros(parts)
    for part in prange(parts):
        rows = slice(part * n // parts, (part + 1) * n // parts)
        values[part], gradients[part] = _rows(w, x[rows], y[rows])
    return values.sum(), gradients.sum(axis=0)


def logistic(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Any:
    value, gradient = (_threaded if x.size > THREADED else _rows)(w, x, y)
    return value / y.size, gradient / y.size
