"""atan and atan2: atan(t) for |t| <= 1 by one polynomial; larger arguments by atan(t) = pi/2 - atan(1/t)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tapec.passes.scalar.lanes import F32, F64, Lanes, fma, where
from tapec.passes.scalar.polynomial import coefficients, polynomial


@dataclass(frozen=True, slots=True)
class AtanConstants:
    """pi in two parts (high rounded to the format, low the rest) and the polynomial for one format."""

    pi: float
    pi_low: float
    p: tuple[float, ...]


# (atan(t)/t - 1) / t**2 in t**2 on [0, 1]: Remez exchange on the error relative to atan(t), coefficients rounded one by
# one. Largest error 2**-56.4 (f64), 2**-28.5 (f32). The last one for f64 was then taken
# 2**-57 smaller, so that atan(1) is pi/4.
_CONSTANTS = {
    F64: AtanConstants(math.pi, float.fromhex("0x1.1a62633145c07p-53"), coefficients(
        "-0x1.5555555555526p-2 0x1.99999999955b1p-3 -0x1.249249237edf7p-3 0x1.c71c717f9a7d5p-4 -0x1.745d11aa1c219p-4 "
        "0x1.3b13666eebfb9p-4 -0x1.110e509d21649p-4 0x1.e1bbb21354dbfp-5 -0x1.ae5f1bab714f3p-5 0x1.82df184e87b65p-5 "
        "-0x1.59b57f04ea53ap-5 0x1.2c60d1be41eb9p-5 -0x1.eacdd4567fcf5p-6 0x1.69854995c531fp-6 -0x1.ca81fc9bcda95p-7 "
        "0x1.dcab8fcdc4f01p-8 -0x1.8022312e81d32p-9 0x1.bd7dd21634015p-11 -0x1.4877445e8c429p-13 0x1.cc5f4aef0bb3bp-17"
    )),
    F32: AtanConstants(float.fromhex("0x1.921fb6p+1"), float.fromhex("-0x1.777a5cp-24"), coefficients(
        "-0x1.55553ep-2 0x1.9991e4p-3 -0x1.242086p-3 0x1.c08c48p-4 -0x1.5808e4p-4 0x1.da2886p-5 -0x1.fd79p-6 "
        "0x1.641cbap-7 -0x1.d3461cp-10"
    )),
}  # fmt: skip


def _plus_atan(t: Lanes, base: Lanes, base_low: Lanes) -> Lanes:
    """base + base_low + atan(t) for |t| <= 1, where base is 0 or larger than atan(t)."""
    z = t * t
    return base + (t + fma(t * z, polynomial(z, _CONSTANTS[t.format].p), base_low))


def atan(x: Lanes) -> Lanes:
    """Inverse tangent."""
    c = _CONSTANTS[x.format]
    size = x.abs()
    large = size.gt(1.0)
    t = where(large, -1.0, size) / where(large, size, 1.0)
    base, low = where(large, x.constant(c.pi / 2), 0.0), where(large, x.constant(c.pi_low / 2), 0.0)
    return _plus_atan(t, base, low).copysign(x)


def atan2(y: Lanes, x: Lanes) -> Lanes:
    """Angle of the point (x, y), with the special cases of C99 (annex F.9.1.4)."""
    c = _CONSTANTS[x.format]
    height, width = y.abs(), x.abs()
    steep = height.gt(width)
    larger, smaller = where(steep, height, width), where(steep, width, height)
    # Equal sizes also stand for 0/0, whose angle is that of an axis, and inf/inf, whose angle is that of a diagonal.
    on_diagonal = where(larger.eq(0.0), larger, 1.0)
    t = where(larger.eq(smaller), on_diagonal, smaller / larger)
    left = x.pattern().compare("slt", 0)
    t = where(steep ^ left, -t, t)
    base = where(steep, x.constant(c.pi / 2), where(left, x.constant(c.pi), 0.0))
    low = where(steep, x.constant(c.pi_low / 2), where(left, x.constant(c.pi_low), 0.0))
    return where(x.compare("uno", y), x + y, _plus_atan(t, base, low).copysign(y))
