"""Points in space: one loop over pairs or points, everything else in registers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from bench.workloads.points import FOCAL, RADIAL, SOFTENING


@njit(cache=True, fastmath=True, error_model="numpy")
def lennard_jones(x: Any, _same: Any) -> Any:
    n, energy = x.shape[0], 0.0
    g = np.zeros_like(x)
    for i in range(n):
        gx = gy = gz = 0.0
        xi, yi, zi = x[i, 0], x[i, 1], x[i, 2]
        for j in range(n):
            dx, dy, dz = xi - x[j, 0], yi - x[j, 1], zi - x[j, 2]
            inverse = 1.0 / (dx * dx + dy * dy + dz * dz) if i != j else 0.0
            sixth = inverse * inverse * inverse
            energy += sixth * sixth - sixth
            s = (sixth - 2.0 * sixth * sixth) * inverse
            gx += s * dx
            gy += s * dy
            gz += s * dz
        g[i, 0], g[i, 1], g[i, 2] = 24.0 * gx, 24.0 * gy, 24.0 * gz
    return 2.0 * energy, (g,)


@njit(cache=True, fastmath=True, error_model="numpy")
def gravity(x: Any, masses: Any) -> Any:
    n, energy = x.shape[0], 0.0
    g = np.zeros_like(x)
    for i in range(n):
        gx = gy = gz = 0.0
        xi, yi, zi = x[i, 0], x[i, 1], x[i, 2]
        for j in range(n):
            dx, dy, dz = xi - x[j, 0], yi - x[j, 1], zi - x[j, 2]
            r2 = dx * dx + dy * dy + dz * dz + SOFTENING
            share = masses[i] * masses[j] / np.sqrt(r2)
            energy -= share
            s = share / r2
            gx += s * dx
            gy += s * dy
            gz += s * dz
        g[i, 0], g[i, 1], g[i, 2] = gx, gy, gz
    return 0.5 * energy, (g,)


@njit(cache=True, fastmath=True, error_model="numpy")
def rigid(q: Any, shift: Any, p: Any, target: Any) -> Any:
    n = p.shape[0]
    length = np.sqrt((q * q).sum())
    a, b, c, w = q / length
    total = g0 = g1 = g2 = gw = t0 = t1 = t2 = 0.0
    for i in range(n):
        x, y, z = p[i, 0], p[i, 1], p[i, 2]
        c0, c1, c2 = b * z - c * y, c * x - a * z, a * y - b * x
        d0, d1, d2 = b * c2 - c * c1, c * c0 - a * c2, a * c1 - b * c0
        r0 = x + 2.0 * (w * c0 + d0) + shift[0] - target[i, 0]
        r1 = y + 2.0 * (w * c1 + d1) + shift[1] - target[i, 1]
        r2 = z + 2.0 * (w * c2 + d2) + shift[2] - target[i, 2]
        total += r0 * r0 + r1 * r1 + r2 * r2
        s0, s1, s2 = 2.0 * r0, 2.0 * r1, 2.0 * r2
        t0 += s0
        t1 += s1
        t2 += s2
        gw += 2.0 * (s0 * c0 + s1 * c1 + s2 * c2)
        k0 = 2.0 * (w * s0 + s1 * c - s2 * b)
        k1 = 2.0 * (w * s1 + s2 * a - s0 * c)
        k2 = 2.0 * (w * s2 + s0 * b - s1 * a)
        g0 += 2.0 * (c1 * s2 - c2 * s1) + y * k2 - z * k1
        g1 += 2.0 * (c2 * s0 - c0 * s2) + z * k0 - x * k2
        g2 += 2.0 * (c0 * s1 - c1 * s0) + x * k1 - y * k0
    g = np.array([g0, g1, g2, gw]) / n
    unit = q / length
    return total / n, ((g - (g * unit).sum() * unit) / length, np.array([t0, t1, t2]) / n)


@njit(cache=True, fastmath=True, error_model="numpy")
def camera(turn: Any, shift: Any, p: Any, seen: Any) -> Any:
    n = p.shape[0]
    angle = np.sqrt((turn * turn).sum())
    k0, k1, k2 = turn / angle
    cosine, sine = np.cos(angle), np.sin(angle)
    by_p = np.empty_like(p)
    total = by_cosine = by_sine = g0 = g1 = g2 = t0 = t1 = t2 = 0.0
    for i in range(n):
        x, y, z = p[i, 0], p[i, 1], p[i, 2]
        c0, c1, c2 = k1 * z - k2 * y, k2 * x - k0 * z, k0 * y - k1 * x
        along = x * k0 + y * k1 + z * k2
        m = along * (1.0 - cosine)
        y0 = x * cosine + c0 * sine + k0 * m + shift[0]
        y1 = y * cosine + c1 * sine + k1 * m + shift[1]
        y2 = z * cosine + c2 * sine + k2 * m + shift[2]
        p0, p1 = y0 / y2, y1 / y2
        rr = p0 * p0 + p1 * p1
        f = 1.0 + RADIAL[0] * rr + RADIAL[1] * rr * rr
        e0, e1 = FOCAL * p0 * f - seen[i, 0], FOCAL * p1 * f - seen[i, 1]
        total += 0.5 * (e0 * e0 + e1 * e1)
        d0, d1 = FOCAL * e0, FOCAL * e1
        by_rr = (d0 * p0 + d1 * p1) * (RADIAL[0] + 2.0 * RADIAL[1] * rr)
        s0, s1 = (d0 * f + 2.0 * p0 * by_rr) / y2, (d1 * f + 2.0 * p1 * by_rr) / y2
        s2 = -(s0 * p0 + s1 * p1)
        t0 += s0
        t1 += s1
        t2 += s2
        by_m = s0 * k0 + s1 * k1 + s2 * k2
        by_cosine += s0 * x + s1 * y + s2 * z - by_m * along
        by_sine += s0 * c0 + s1 * c1 + s2 * c2
        by_along = by_m * (1.0 - cosine)
        a0, a1, a2 = sine * s0, sine * s1, sine * s2
        g0 += m * s0 + x * by_along + y * a2 - z * a1
        g1 += m * s1 + y * by_along + z * a0 - x * a2
        g2 += m * s2 + z * by_along + x * a1 - y * a0
        by_p[i, 0] = cosine * s0 + k0 * by_along + a1 * k2 - a2 * k1
        by_p[i, 1] = cosine * s1 + k1 * by_along + a2 * k0 - a0 * k2
        by_p[i, 2] = cosine * s2 + k2 * by_along + a0 * k1 - a1 * k0
    by_k, k = np.array([g0, g1, g2]), turn / angle
    by_angle = cosine * by_sine - sine * by_cosine
    return total, ((by_k - (by_k * k).sum() * k) / angle + by_angle * k, np.array([t0, t1, t2]), by_p)


@njit(cache=True, fastmath=True, error_model="numpy")
def k_means(means: Any, x: Any) -> Any:
    total, g = 0.0, np.zeros_like(means)
    for i in range(x.shape[0]):
        nearest, best = 0, np.inf
        for k in range(means.shape[0]):
            d0, d1, d2 = x[i, 0] - means[k, 0], x[i, 1] - means[k, 1], x[i, 2] - means[k, 2]
            distance = d0 * d0 + d1 * d1 + d2 * d2
            if distance < best:
                nearest, best = k, distance
        total += best
        for axis in range(3):
            g[nearest, axis] -= 2.0 * (x[i, axis] - means[nearest, axis])
    return total, (g,)
