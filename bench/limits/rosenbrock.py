"""The Rosenbrock function: the gradient by each variable from its two terms, so that no round waits for another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

THREADED = 50_000  # variables from which starting threads pays


@njit(cache=True, fastmath=True)
def _terms(x: Any, gradient: Any, first: int, last: int) -> Any:
    """Terms from `first`, which is not 0, to `last`, and the gradient by the variables of these numbers."""
    total = 0.0
    left, here, right, out = x[first - 1 :], x[first:], x[first + 1 :], gradient[first:]
    for i in range(last - first):  # from 0, since Numba does not vectorise what might be an index from the end
        a, b, before = right[i] - here[i] * here[i], 1.0 - here[i], here[i] - left[i] * left[i]
        total += 100.0 * a * a + b * b
        out[i] = 200.0 * before - 400.0 * here[i] * a - 2.0 * b
    return total


@njit(cache=True, fastmath=True, parallel=True)
def _inner_terms(x: Any, gradient: Any, parts: int) -> Any:
    inner, total = x.size - 2, 0.0
    for part in prange(parts):
        total += _terms(x, gradient, 1 + part * inner // parts, 1 + (part + 1) * inner // parts)
    return total


@njit(cache=True, fastmath=True)
def _alone(x: Any) -> Any:
    gradient = np.empty(x.size)
    return _ends(x, gradient) + _terms(x, gradient, 1, x.size - 1), gradient


@njit(cache=True, fastmath=True)
def _ends(x: Any, gradient: Any) -> Any:
    """The first term, and the gradient by the first variable and the last."""
    n = x.size
    a, b = x[1] - x[0] * x[0], 1.0 - x[0]
    gradient[0] = -400.0 * x[0] * a - 2.0 * b
    gradient[n - 1] = 200.0 * (x[n - 1] - x[n - 2] * x[n - 2])
    return 100.0 * a * a + b * b


def rosenbrock(x: np.ndarray) -> Any:
    if x.size < THREADED:
        return _alone(x)
    gradient = np.empty_like(x)
    return _ends(x, gradient) + _inner_terms(x, gradient, get_num_threads()), gradient
