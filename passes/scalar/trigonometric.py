"""sin and cos: x = n pi + r with |r| <= pi/2, n an integer for sin and a half-integer for cos, and one odd polynomial.

The reduction takes pi in three parts (Cody and Waite); with fma the first step is exact and the others round once each,
so r is good to an ulp even where it is tiny. Beyond a bound, lanes go one by one through Payne and Hanek's reduction.
"""

from __future__ import annotations

import math

from tapec.passes.scalar.lanes import F32, F64, Lanes, fma, in_memory, rarely, where
from tapec.passes.scalar.polynomial import coefficients
from tapec.passes.scalar.sine_polynomial import sine_of_reduced

_PI = {
    F64: coefficients("0x1.921fb54442d18p+1 0x1.1a62633145c07p-53 -0x1.f1976b7ed8fbcp-109"),
    F32: coefficients("0x1.921fb6p+1 -0x1.777a5cp-24 -0x1.ee59dap-49"),
}
# Up to here the three parts give r to an ulp, and n, which comes from a rounded quotient, leaves r inside the
# polynomial's interval.
BOUND = {F64: 2.0**30, F32: 2.0**17}


def sin(x: Lanes) -> Lanes:
    """Sine."""
    size = x.abs()  # the arithmetic below would lose the sign of zero
    shifted = fma(size, 1 / math.pi, x.format.shift)
    value = _sine_from(size, shifted - x.format.shift).pattern()
    usual = (value ^ _odd(shifted) ^ (x.pattern() & x.format.pattern(-0.0))).floats()
    return _or_huge(x, size, usual, "sine")


def cos(x: Lanes) -> Lanes:
    """Cosine."""
    shifted = fma(x, 1 / math.pi, 0.5) + x.format.shift
    value = _sine_from(x, (shifted - x.format.shift) - 0.5).pattern()
    return _or_huge(x, x.abs(), (value ^ _odd(shifted)).floats(), "cosine")


def _odd(shifted: Lanes) -> Lanes:
    """The sign bit, set where the integer in the low bits is odd."""
    return shifted.pattern() << (shifted.format.bits - 1)


def _sine_from(x: Lanes, n: Lanes) -> Lanes:
    r = x
    for part in _PI[x.format]:
        r = fma(n, -part, r)
    return sine_of_reduced(r)


def _or_huge(x: Lanes, size: Lanes, usual: Lanes, function: str) -> Lanes:
    huge = size.gt(BOUND[x.format])

    def repaired() -> Lanes:
        return where(huge, in_memory(x.f, function, x.reg), usual)

    return rarely(huge, usual, repaired)
