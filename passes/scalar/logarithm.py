"""log and log1p.

x = 2**k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f / (2 + f), and log(1 + f) = 2 atanh(s), arranged as in
fdlibm so that the leading term f is exact: f - (f*f/2 - s * (f*f/2 + s*s R(s*s))).
"""

from __future__ import annotations

import math

from tapec.passes.scalar.exponential import constants
from tapec.passes.scalar.lanes import F32, F64, Lanes, fma, where
from tapec.passes.scalar.polynomial import coefficients, polynomial

# (2 atanh(s) / s - 2) / s**2 in s**2 on [0, 0.0295]: Remez exchange, weight s**2 / 2, coefficients rounded one by one.
# Largest error relative to 2 atanh(s): 2**-59.5 (f64), 2**-30.2 (f32).
_R = {
    F64: coefficients(
        "0x1.5555555555593p-1 0x1.999999997f970p-2 0x1.249249423698fp-2 0x1.c71c51cae1d1cp-3 0x1.74664cd30e927p-3 "
        "0x1.39a039c1df6cdp-3 0x1.2f157d42149e0p-3"
    ),
    F32: coefficients("0x1.55557ap-1 0x1.995ec2p-2 0x1.31e3fep-2"),
}


def split(x: Lanes) -> tuple[Lanes, Lanes]:
    """The biased exponent e and the bits of m: x = 2**(e - bias) m with m in [sqrt(1/2), sqrt(2)), for normal x > 0."""
    format = x.format
    root = format.pattern(math.sqrt(0.5))
    moved = x.pattern() + (format.pattern(1.0) - root)
    return moved >> format.mantissa, (moved & (2**format.mantissa - 1)) + root


def as_float(e: Lanes, like: Lanes) -> Lanes:
    """2**mantissa + e of integers in [0, 2**mantissa): an exponent set beside them, no instruction that AVX2 lacks."""
    return (e | like.format.pattern(2.0**like.format.mantissa)).floats()


def normalized(x: Lanes) -> tuple[Lanes, Lanes]:
    """k as floats and m of x = 2**k m with m in [sqrt(1/2), sqrt(2)), for x > 0, subnormal or not."""
    format = x.format
    small = x.lt(format.least_normal)
    e, m = split(where(small, x * 2.0**format.mantissa, x))
    offset = 2.0**format.mantissa + format.bias
    return as_float(e, x) - where(small, x.constant(offset + format.mantissa), offset), m.floats()


def log_of_parts(k: Lanes, f: Lanes) -> Lanes:
    """k ln 2 + log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1)."""
    c = constants(f.format)
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    inner = s * fma(z, polynomial(z, _R[f.format]), half_square)
    return fma(k, c.ln2_high, f - (half_square - fma(k, c.ln2_low, inner)))


def _ends(x: Lanes, argument: Lanes, value: Lanes, pole: float) -> Lanes:
    """-inf at the pole, NaN below it, x itself at infinity and NaN, else the value."""
    finite = where(x.lt(math.inf), value, x)
    return where(argument.gt(pole), finite, where(argument.eq(pole), x.constant(-math.inf), math.nan))


def log(x: Lanes) -> Lanes:
    """Natural logarithm."""
    k, m = normalized(x)
    return _ends(x, x, log_of_parts(k, m - 1.0), 0.0)


def log1p(x: Lanes) -> Lanes:
    """log(1 + x). k comes from the rounded 1 + x; f = 2**-k x + (2**-k - 1) from x itself, rounded once."""
    format = x.format
    one = format.pattern(1.0)
    e, _ = split(x + 1.0)
    exponent = e << format.mantissa
    scaled = (x.pattern() - exponent + one).floats()
    # 2**-k is not normal from k = bias on; the 1 of 1 + x counts for nothing long before.
    power = where(x.gt(2.0**64), 0.0, (2 * one - exponent).floats())
    k = as_float(e, x) - (2.0**format.mantissa + format.bias)
    value = log_of_parts(k, scaled + (power - 1.0))
    return where(x.eq(0.0), x, _ends(x, x, value, -1.0))
