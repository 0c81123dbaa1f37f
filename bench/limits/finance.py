"""Black and Scholes' price and its first derivatives in closed form."""

from __future__ import annotations

from math import erf, exp, log, pi, sqrt
from typing import Any

import numpy as np
from numba import njit, prange


@njit(cache=True, fastmath=True, parallel=True)
def black_scholes(s: Any, k: Any, v: Any, t: Any, r: Any) -> Any:
    n = s.size
    out = np.empty((5, n))
    total = 0.0
    for i in prange(n):
        root = v[i] * sqrt(t[i])
        d1 = (log(s[i] / k[i]) + (r[i] + 0.5 * v[i] * v[i]) * t[i]) / root
        d2 = d1 - root
        n1, n2 = 0.5 * (1.0 + erf(d1 * sqrt(0.5))), 0.5 * (1.0 + erf(d2 * sqrt(0.5)))
        density, discount = exp(-0.5 * d1 * d1) / sqrt(2.0 * pi), exp(-r[i] * t[i])
        total += s[i] * n1 - k[i] * discount * n2
        out[0, i] = n1
        out[1, i] = -discount * n2
        out[2, i] = s[i] * density * sqrt(t[i])
        out[3, i] = s[i] * density * v[i] / (2.0 * sqrt(t[i])) + r[i] * k[i] * discount * n2
        out[4, i] = k[i] * t[i] * discount * n2
    return total, (out[0], out[1], out[2], out[3], out[4])
