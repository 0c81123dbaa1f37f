"""pow for floats, with the special cases of C99 (annex F.9.4.4).

float64: log|x| as an unevaluated sum of two doubles, good to about 2**-64 relative, times y, then e to that. float32:
the same in plain float64, which is shorter than a sum of two floats and as fast.
"""

from __future__ import annotations

import math

from tapec.passes.scalar.exponential import constants, mantissa_of_exp, power_of_two, reduce, scale
from tapec.passes.scalar.lanes import F64, Lanes, fma, rarely, where
from tapec.passes.scalar.logarithm import normalized
from tapec.passes.scalar.polynomial import coefficients, fast_two_sum, polynomial, two_product

# (atanh(s)/s - 1 - z/3) / z**2 in z = s**2 on [0, 0.0295]: Remez exchange, weight z**2. Largest error relative to
# atanh(s): 2**-66.3 with seven coefficients, 2**-36.8 with three.
_LONG = coefficients(
    "0x1.9999999999b36p-3 0x1.2492492457192p-3 0x1.c71c722e7a5c0p-4 0x1.745ce980e365bp-4 0x1.3b1efe74c1768p-4 "
    "0x1.0f7e2dc537c16p-4 0x1.0e53463464b5ap-4"
)
_SHORT = coefficients("0x1.999a004a4b4bap-3 0x1.24525a3a11ef2p-3 0x1.dfa94eaaf9403p-4")
# (e**r - 1 - r) / r**2 on |r| <= ln(2)/2, largest error 2**-23.9, in float64 arithmetic for float32 results.
_Q = coefficients(
    "0x1.0000001727e84p-1 0x1.5554dcf4bf547p-3 0x1.5554b8c55bd81p-5 0x1.120b6fffa639fp-7 0x1.6d7561d04a3a1p-10"
)
_THIRD, _THIRD_LOW = 1 / 3, float.fromhex("0x1.5555555555555p-56")
# ln 2 to 42 bits, so that its product with an exponent is exact, and the rest.
_LN2, _LN2_LOW = float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c76730p-45")


def _log_in_two(x: Lanes) -> tuple[Lanes, Lanes]:
    """log(x) of positive doubles as (high, low)."""
    k, m = normalized(x)
    n = m - 1.0
    d = m + 1.0
    d_low = m - (d - 1.0)
    reciprocal = 1.0 / d
    s = n * reciprocal
    s_low = (fma(-s, d, n) - s * d_low) * reciprocal
    z, z_error = two_product(s, s)
    z_low = fma(s + s, s_low, z_error)
    q = polynomial(z, _LONG)
    w = fma(z, q, _THIRD)
    w_low = fma(z, q, _THIRD - w) + _THIRD_LOW
    p, p_error = two_product(z, w)
    p_low = p_error + fma(z, w_low, z_low * w)
    t, t_error = two_product(s, p)
    t_low = t_error + fma(s, p_low, s_low * p)
    h, h_error = fast_two_sum(s, t)
    h_low = h_error + (s_low + t_low)
    high, error = fast_two_sum(k * _LN2, h + h)
    return high, error + fma(k, _LN2_LOW, h_low + h_low)


def _magnitude64(x: Lanes, y: Lanes) -> Lanes:
    """x**y for finite x > 0 and finite y."""
    high, low = _log_in_two(x)
    exponent = y * high
    tail = fma(y, low, fma(y, high, -exponent))
    # Beyond 800 the result is 0 or infinite, and the tail may itself have overflowed.
    tail = where(exponent.abs().lt(800.0), tail, 0.0)
    k, r, r_tail = reduce(exponent.at_most(800.0).at_least(-800.0))
    return scale(mantissa_of_exp(r, r_tail + tail, constants(F64).exp), k)


def _magnitude32(x: Lanes, y: Lanes) -> Lanes:
    """x**y for finite x > 0 and finite y, both float32."""
    k, m = normalized(x.convert("fpext", "double"))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    twice = s + s
    log = fma(k, math.log(2), fma(twice * z, fma(z, polynomial(z, _SHORT), _THIRD), twice))
    exponent = y.convert("fpext", "double") * log
    n, r, tail = reduce(exponent.at_most(120.0).at_least(-120.0))
    return (mantissa_of_exp(r, tail, _Q) * power_of_two(n, F64)).convert("fptrunc", "float")


def _special(x: Lanes, y: Lanes, magnitude: Lanes) -> Lanes:
    """x**y where x may be negative, zero, infinite or NaN, and y infinite or NaN; `magnitude` is |x|**y elsewhere."""
    f, size, y_size = x.f, x.abs(), y.abs()
    half = y * 0.5
    whole = Lanes(f, f.intrinsic("roundeven", y.reg)).eq(y)
    odd = whole & ~Lanes(f, f.intrinsic("roundeven", half.reg)).eq(half)
    zero, infinite = size.eq(0.0), size.eq(math.inf)
    value = where(zero | infinite, where(zero ^ y.lt(0.0), x.constant(0.0), math.inf), magnitude)
    limit = where(size.gt(1.0) ^ y.gt(0.0), x.constant(0.0), math.inf)
    value = where(y_size.eq(math.inf), where(size.eq(1.0), 1.0, limit), value)
    value = where(x.lt(0.0) & size.lt(math.inf) & ~whole, math.nan, value)
    value = where(odd & x.pattern().compare("slt", 0), -value, value)
    value = where(x.compare("uno", y), x + y, value)
    return where(x.eq(1.0) | y.eq(0.0), 1.0, value)


def pow(x: Lanes, y: Lanes) -> Lanes:
    """x to the power y."""
    size = x.abs()
    magnitude = (_magnitude64 if x.format is F64 else _magnitude32)(size, y)
    plain = x.gt(0.0) & x.lt(math.inf) & y.abs().lt(math.inf)
    return rarely(~plain, magnitude, lambda: _special(x, y, magnitude))
