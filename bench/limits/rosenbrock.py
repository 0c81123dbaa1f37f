"""The Rosenbrock function."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


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
