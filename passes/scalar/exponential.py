"""exp, expm1, sigmoid and tanh.

x = k ln 2 + r with |r| <= ln(2)/2 and e**x = 2**k e**r. The two-part ln 2 makes r good to a few bits beyond the format
(W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980): `k * high` is exact inside an fma, so
the first step is exact and the low part carries the only rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tapec.passes.scalar.lanes import F32, F64, FloatFormat, Lanes, fma, where
from tapec.passes.scalar.polynomial import coefficients, fast_two_sum, polynomial, quotient, two_sum


@dataclass(frozen=True, slots=True)
class ExpConstants:
    """Numbers for one format.

    Args:
        ln2_high: ln 2, rounded.
        ln2_low: what is left of it, rounded.
        exp: (e**r - 1 - r) / r**2 on |r| <= ln(2)/2.
        expm1: the same with an error small enough relative to e**r - 1.
        overflow: above the largest x whose exponential is finite.
        underflow: below the smallest x whose exponential is not 0.
        tiny: below it e**x - 1 rounds to x.
        saturation: above it tanh(x) rounds to 1.
    """

    ln2_high: float
    ln2_low: float
    exp: tuple[float, ...]
    expm1: tuple[float, ...]
    overflow: float
    underflow: float
    tiny: float
    saturation: float


# Remez exchange on the absolute error, 200 bits, coefficients rounded one by one and the rest fitted again. Largest
# errors after rounding: 2**-58.6 (f64), 2**-23.9 and 2**-27.8 (f32); r**2 <= 0.12 makes them smaller in e**r.
_Q64 = coefficients(
    "0x1.0p-1 0x1.5555555555557p-3 0x1.5555555555555p-5 0x1.111111111007dp-7 0x1.6c16c16c17d65p-10 "
    "0x1.a01a01abf2808p-13 0x1.a01a0199afef3p-16 0x1.71de02745cc6ep-19 0x1.27e4fa9f496f9p-22 0x1.af4cc784b75dcp-26 "
    "0x1.1f463a79eeccfp-29"
)
_CONSTANTS = {
    F64: ExpConstants(
        float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56"), _Q64, _Q64,
        710.0, -746.0, 2.0**-54, 22.0,
    ),
    F32: ExpConstants(
        float.fromhex("0x1.62e43p-1"), float.fromhex("-0x1.05c61p-29"),
        coefficients("0x1.0p-1 0x1.5554d8p-3 0x1.555548p-5 0x1.12104ep-7 0x1.6cb822p-10"),
        coefficients("0x1.0p-1 0x1.555556p-3 0x1.5554e8p-5 0x1.1110acp-7 0x1.6d432ep-10 0x1.a17e2cp-13"),
        89.0, -105.0, 2.0**-25, 10.0,
    ),
}  # fmt: skip


def constants(format: FloatFormat) -> ExpConstants:
    """The numbers for a format."""
    return _CONSTANTS[format]


def reduce(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """k as integers, and r as an unevaluated sum (exact, tail); |x| must be below 2**(mantissa - 2)."""
    format, c = x.format, constants(x.format)
    shifted = fma(x, 1 / math.log(2), format.shift)
    k = shifted - format.shift
    return shifted.pattern() - format.pattern(format.shift), fma(k, -c.ln2_high, x), k * -c.ln2_low


def power_of_two(k: Lanes, format: FloatFormat) -> Lanes:
    """2**k of integers that lead to a normal number."""
    return ((k + format.bias) << format.mantissa).floats()


def scale(value: Lanes, k: Lanes) -> Lanes:
    """value * 2**k for |k| < 2 * bias, rounded once where the result is subnormal and infinite where it overflows."""
    format = value.format
    biased = k + 2 * format.bias  # positive, so that a logical shift halves it
    first = biased >> 1
    second = biased - first
    return value * (first << format.mantissa).floats() * (second << format.mantissa).floats()


def mantissa_of_exp(r: Lanes, tail: Lanes, q: tuple[float, ...]) -> Lanes:
    """e**(r + tail) for |r| <= ln(2)/2 and a tail below r's last bits."""
    total = r + tail
    return (r + fma(total * total, polynomial(total, q), tail)) + 1.0


def exp(x: Lanes) -> Lanes:
    """e**x."""
    c = constants(x.format)
    k, r, tail = reduce(x.at_most(c.overflow).at_least(c.underflow))
    return scale(mantissa_of_exp(r, tail, c.exp), k)


def _expm1_parts(x: Lanes, two_k: Lanes, r: Lanes, tail: Lanes, one: float) -> tuple[Lanes, Lanes]:
    """`one` * (e**x - 1) as a sum of two, where two_k is `one` * 2**k."""
    total = r + tail
    low = fma(total * total, polynomial(total, constants(x.format).expm1), tail)
    return fma(two_k, r, two_k - one), two_k * low


def expm1(x: Lanes) -> Lanes:
    """e**x - 1. Computed at half its size, so that 2**k does not overflow before the result does."""
    format, c = x.format, constants(x.format)
    bounded = x.at_most(c.overflow).at_least(-50.0)
    k, r, tail = reduce(bounded)
    high, low = _expm1_parts(bounded, power_of_two(k - 1, format), r, tail, 0.5)
    # Halving a tiny x would lose bits of a subnormal, and the sums above lose the sign of zero.
    return where(x.abs().lt(c.tiny), x, (high + low) * 2.0)


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + e**-x), as z / (1 + z) for negative x, so that it neither overflows nor loses small results."""
    z = exp(-x.abs())
    one = x.constant(1.0)
    d, d_low = fast_two_sum(one, z)
    return quotient(where(x.lt(0.0), z, one), None, d, d_low)


def tanh(x: Lanes) -> Lanes:
    """e / (e + 2) with e = e**(2|x|) - 1, both sums kept in two parts."""
    magnitude = x.abs().at_most(constants(x.format).saturation)
    twice = magnitude + magnitude
    k, r, tail = reduce(twice)
    e, e_low = fast_two_sum(*_expm1_parts(twice, power_of_two(k, x.format), r, tail, 1.0))
    d, d_low = two_sum(x.constant(2.0), e)
    return quotient(e, e_low, d, d_low + e_low).copysign(x)
