"""erf: x + x P(x**2) below 1; above, 1 - exp(-L(x)) with a polynomial L for -log(erfc(x))."""

from __future__ import annotations

from tapec.passes.scalar.exponential import constants, mantissa_of_exp, power_of_two, reduce
from tapec.passes.scalar.lanes import F32, F64, Lanes, fma, where
from tapec.passes.scalar.polynomial import coefficients, polynomial

# erf(x)/x - 1 in x**2 on [0, 1]: Remez exchange on the error relative to erf(x), coefficients rounded one by one.
# Largest error 2**-56.0 (f64), 2**-29.4 (f32).
_SMALL = {
    F64: coefficients(
        "0x1.06eba8214db68p-3 -0x1.812746b03799dp-2 0x1.ce2f21a03f8bcp-4 -0x1.b82ce311a9976p-6 0x1.565bcceedf775p-8 "
        "-0x1.c02daeb818decp-11 0x1.f9a296d5917b7p-14 -0x1.f4c8316e94ab6p-17 0x1.b96b73a1e1f80p-20 "
        "-0x1.5b8d335fba9bap-23 0x1.d3e3b966849ddp-27 -0x1.a25223d046474p-31"
    ),
    F32: coefficients(
        "0x1.06eba8p-3 -0x1.81273ep-2 0x1.ce2ce6p-4 -0x1.b7f71ap-6 0x1.53f224p-8 -0x1.a3515cp-11 0x1.4771eep-14"
    ),
}
# -log(erfc(x)) on [1, 6] and [1, 4], behind which erf rounds to 1: Remez exchange, weight erfc(x). Largest weighted
# error, which is the error of erf, 2**-60.9 (f64), 2**-29.8 (f32).
_LARGE = {
    F64: coefficients(
        "0x1.f99b4dd25b493p-26 0x1.20dd7084e401dp+0 0x1.45f329d0b1c97p-1 0x1.a4f2c2f72f40dp-4 -0x1.3962c47a1759bp-6 "
        "-0x1.a9d95b1102f60p-13 0x1.b750b34f8d896p-10 -0x1.2206caec86c5dp-11 -0x1.671cc47062c65p-16 "
        "0x1.cf2a9cbba76b1p-14 -0x1.0eea7bc4d7878p-14 0x1.9642800d278abp-16 -0x1.c5ebe4336a2c6p-18 "
        "0x1.892f6df3ee586p-20 -0x1.096733716b8d2p-22 0x1.135254ed66c81p-25 -0x1.a905f2a816e5fp-29 "
        "0x1.cc4d637c14b28p-33 -0x1.382285381081bp-37 0x1.8ecf5541057e2p-43"
    ),
    F32: coefficients(
        "0x1.72ec6ep-12 0x1.2085bp+0 0x1.46c58ep-1 0x1.a60a26p-4 -0x1.6541380p-6 0x1.814a8p-9 -0x1.85286ap-13"
    ),
}
_LIMIT = {F64: 6.0, F32: 4.0}


def erf(x: Lanes) -> Lanes:
    """Error function."""
    format = x.format
    size = x.abs()
    near = fma(size, polynomial(size * size, _SMALL[format]), size)
    k, r, tail = reduce(-polynomial(size.at_most(_LIMIT[format]), _LARGE[format]))
    rest = mantissa_of_exp(r, tail, constants(format).exp) * power_of_two(k, format)
    return where(size.lt(1.0), near, 1.0 - rest).copysign(x)
