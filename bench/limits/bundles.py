"""Blocks of the bundle adjustment's Jacobian, by hand: forward through the projection, then back for both residuals."""

from __future__ import annotations

from math import cos, sin, sqrt
from typing import Any

import numpy as np
from numba import njit, prange


@njit(cache=True, fastmath=True, parallel=True)
def blocks(parameters: Any, features: Any) -> Any:
    n = parameters.shape[0]
    out = np.empty((n, 2, 15))
    for o in prange(n):
        p = parameters[o]
        weight, focal, k1, k2 = p[14], p[6], p[9], p[10]
        x1, x2, x3 = p[11] - p[3], p[12] - p[4], p[13] - p[5]
        theta = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
        v1, v2, v3 = p[0] / theta, p[1] / theta, p[2] / theta
        c, s = cos(theta), sin(theta)
        w1, w2, w3 = v2 * x3 - v3 * x2, v3 * x1 - v1 * x3, v1 * x2 - v2 * x1
        d, e = v1 * x1 + v2 * x2 + v3 * x3, 1.0 - c
        y1, y2, y3 = x1 * c + w1 * s + v1 * d * e, x2 * c + w2 * s + v2 * d * e, x3 * c + w3 * s + v3 * d * e
        inverse = 1.0 / y3
        u1, u2 = y1 * inverse, y2 * inverse
        rho = u1 * u1 + u2 * u2
        factor = 1.0 + k1 * rho + k2 * rho * rho
        slope = 2.0 * (k1 + 2.0 * k2 * rho)
        for i in range(2):
            u = u1 if i == 0 else u2
            out[o, i, 6] = weight * u * factor
            out[o, i, 7] = weight if i == 0 else 0.0
            out[o, i, 8] = weight if i == 1 else 0.0
            out[o, i, 9] = weight * focal * u * rho
            out[o, i, 10] = weight * focal * u * rho * rho
            out[o, i, 14] = focal * u * factor + p[7 + i] - features[o, i]
            a = weight * focal
            b1 = a * u * slope * u1 + (a * factor if i == 0 else 0.0)
            b2 = a * u * slope * u2 + (a * factor if i == 1 else 0.0)
            g1, g2 = b1 * inverse, b2 * inverse
            g3 = -(b1 * u1 + b2 * u2) * inverse
            along = g1 * v1 + g2 * v2 + g3 * v3
            # The transposed cross products: of g with v for x, of x with g for v.
            h1 = g1 * c + (g2 * v3 - g3 * v2) * s + v1 * along * e
            h2 = g2 * c + (g3 * v1 - g1 * v3) * s + v2 * along * e
            h3 = g3 * c + (g1 * v2 - g2 * v1) * s + v3 * along * e
            out[o, i, 11], out[o, i, 12], out[o, i, 13] = h1, h2, h3
            out[o, i, 3], out[o, i, 4], out[o, i, 5] = -h1, -h2, -h3
            q1 = (x2 * g3 - x3 * g2) * s + (g1 * d + x1 * along) * e
            q2 = (x3 * g1 - x1 * g3) * s + (g2 * d + x2 * along) * e
            q3 = (x1 * g2 - x2 * g1) * s + (g3 * d + x3 * along) * e
            turned = (g1 * w1 + g2 * w2 + g3 * w3) * c - (g1 * x1 + g2 * x2 + g3 * x3) * s + along * d * s
            radial = turned - (q1 * v1 + q2 * v2 + q3 * v3) / theta
            out[o, i, 0] = q1 / theta + radial * v1
            out[o, i, 1] = q2 / theta + radial * v2
            out[o, i, 2] = q3 / theta + radial * v3
    return out
