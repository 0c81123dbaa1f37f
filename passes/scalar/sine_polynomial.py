"""sin(r) for |r| up to a little more than pi/2, by an odd polynomial."""

from __future__ import annotations

from tapec.passes.scalar.lanes import F32, F64, Lanes, fma
from tapec.passes.scalar.polynomial import coefficients, polynomial

# (sin(r)/r - 1) / r**2 in r**2: Remez exchange on the error relative to sin(r), coefficients rounded one by one.
# |r| <= pi/2 + 1e-6, largest error 2**-61.5 (f64); |r| <= pi/2 + 0.01, largest error 2**-27.1 (f32).
_P = {
    F64: coefficients(
        "-0x1.5555555555555p-3 0x1.11111111110c8p-7 -0x1.a01a01a014d6ep-13 0x1.71de3a52a0a15p-19 "
        "-0x1.ae6454d46828ep-26 0x1.6123cd02d4a77p-33 -0x1.ae4382e7f88b1p-41 0x1.883273992d6f2p-49"
    ),
    F32: coefficients("-0x1.55554cp-3 0x1.110ed4p-7 -0x1.9f6f18p-13 0x1.5da702p-19"),
}


def sine_of_reduced(r: Lanes) -> Lanes:
    """sin(r) for |r| <= pi/2."""
    z = r * r
    value = fma(r * z, polynomial(z, _P[r.format]), r)
    return value.at_most(1.0).at_least(-1.0)  # rounding must not lead beyond the function's range
