"""The loop with many carries, with its adjoint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def relaxation(start: Any, xs: Any) -> Any:
    steps, n = xs.size, start.size
    mixed, slopes = np.empty((steps, n)), np.empty((steps, n))
    rates = 0.1 / (1.0 + 0.1 * np.arange(n))
    c, near = start.copy(), np.empty(n)
    for t in range(steps):
        near[:-1] = c[1:]
        near[-1] = c[0]
        for i in range(0, n, 3):
            mixed[t, i], slopes[t, i] = np.sin(near[i]), np.cos(near[i])
            mixed[t, i + 1], slopes[t, i + 1] = np.cos(near[i + 1]), -np.sin(near[i + 1])
            h = np.tanh(near[i + 2])
            mixed[t, i + 2], slopes[t, i + 2] = h, 1.0 - h * h
        for i in range(n):
            c[i] += 0.1 * mixed[t, i] * xs[t] - rates[i] * c[i]
    value, g, dxs, pushed = (c * c).sum(), 2.0 * c, np.empty(steps), np.empty(n)
    for t in range(steps - 1, -1, -1):
        total = 0.0
        for i in range(n):
            total += g[i] * mixed[t, i]
            pushed[i] = 0.1 * xs[t] * g[i] * slopes[t, i]
            g[i] -= rates[i] * g[i]
        dxs[t] = 0.1 * total
        g[1:] += pushed[:-1]
        g[0] += pushed[-1]
    return value, (g, dxs)
