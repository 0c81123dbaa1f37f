"""Loops with their adjoints, carries in registers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

H, SIGMA, RHO, BETA = 0.001, 10.0, 28.0, 8.0 / 3.0


@njit(cache=True, inline="always")
def _field(x: float, y: float, z: float) -> Any:
    return SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z


@njit(cache=True, inline="always")
def _pulled(x: float, y: float, z: float, a: float, b: float, c: float) -> Any:
    """The transposed Jacobian of the field at (x, y, z) times (a, b, c)."""
    return -SIGMA * a + (RHO - z) * b + y * c, SIGMA * a - b + x * c, -x * b - BETA * c


@njit(cache=True)
def lorenz(start: Any, steps: int) -> Any:
    path = np.empty((steps, 3))
    x, y, z = start
    for i in range(steps):
        path[i, 0], path[i, 1], path[i, 2] = x, y, z
        a1, b1, c1 = _field(x, y, z)
        a2, b2, c2 = _field(x + 0.5 * H * a1, y + 0.5 * H * b1, z + 0.5 * H * c1)
        a3, b3, c3 = _field(x + 0.5 * H * a2, y + 0.5 * H * b2, z + 0.5 * H * c2)
        a4, b4, c4 = _field(x + H * a3, y + H * b3, z + H * c3)
        x += (H / 6.0) * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
        y += (H / 6.0) * (b1 + 2.0 * b2 + 2.0 * b3 + b4)
        z += (H / 6.0) * (c1 + 2.0 * c2 + 2.0 * c3 + c4)
    value = x * x + y * y + z * z
    u, v, w = 2.0 * x, 2.0 * y, 2.0 * z
    for i in range(steps - 1, -1, -1):
        x, y, z = path[i, 0], path[i, 1], path[i, 2]
        a1, b1, c1 = _field(x, y, z)
        x2, y2, z2 = x + 0.5 * H * a1, y + 0.5 * H * b1, z + 0.5 * H * c1
        a2, b2, c2 = _field(x2, y2, z2)
        x3, y3, z3 = x + 0.5 * H * a2, y + 0.5 * H * b2, z + 0.5 * H * c2
        a3, b3, c3 = _field(x3, y3, z3)
        x4, y4, z4 = x + H * a3, y + H * b3, z + H * c3
        s = H / 6.0
        u4, v4, w4 = _pulled(x4, y4, z4, s * u, s * v, s * w)
        u3, v3, w3 = _pulled(x3, y3, z3, 2.0 * s * u + H * u4, 2.0 * s * v + H * v4, 2.0 * s * w + H * w4)
        u2, v2, w2 = _pulled(
            x2, y2, z2, 2.0 * s * u + 0.5 * H * u3, 2.0 * s * v + 0.5 * H * v3, 2.0 * s * w + 0.5 * H * w3
        )
        u1, v1, w1 = _pulled(x, y, z, s * u + 0.5 * H * u2, s * v + 0.5 * H * v2, s * w + 0.5 * H * w2)
        u, v, w = u + u1 + u2 + u3 + u4, v + v1 + v2 + v3 + v4, w + w1 + w2 + w3 + w4
    return value, np.array([u, v, w])
