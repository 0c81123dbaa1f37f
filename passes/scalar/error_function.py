"""erf: x + x P(x**2) below 1; above, 1 - exp(-x**2) R(1 / (x + 2)) with a polynomial R."""

from __future__ import annotations

from tapec.passes.scalar.exponential import exp
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
# exp(x**2) erfc(x) in 1 / (x + 2), for x in [1, 6] and [1, 4], behind which erf rounds to 1: Remez exchange, weight
# exp(-x**2), coefficients rounded one by one and the rest fitted again. Largest weighted error, which is the error of
# erf, 2**-58.2 (f64), 2**-32.2 (f32).
_LARGE = {
    F64: coefficients(
        "-0x1.a3bb8807d5927p-19 0x1.20f6042f4d76cp-1 0x1.1f8f5473cb0bcp+0 0x1.0773ed0ca36c1p+1 0x1.e67dc9c46d0e7p+0 "
        "0x1.3bbf54830fd2cp+3 -0x1.4819e0ed1c711p+5 0x1.41b089a53ca82p+7 -0x1.fdd671abfd2bbp+8 0x1.f080562817b97p+9 "
        "-0x1.1fb819667affdp+10 0x1.753aecda6fc6dp+9 -0x1.a73efed952590p+7"
    ),
    F32: coefficients("0x1.ddc04ep-10 0x1.09eef8p-1 0x1.965340p+0 -0x1.0807aep-1 0x1.45fae8p+3 -0x1.d8ae84p+2"),
}
_LIMIT = {F64: 6.0, F32: 4.0}


def erf(x: Lanes) -> Lanes:
    """Error function. Its derivative has the same exponential, which is then computed once (LLVM's value numbering)."""
    format = x.format
    size = x.abs()
    near = fma(size, polynomial(size * size, _SMALL[format]), size)
    rest = polynomial(1.0 / (size.at_most(_LIMIT[format]) + 2.0), _LARGE[format])
    far = fma(-exp(-(x * x)), rest, 1.0)
    return where(size.lt(1.0), near, far).copysign(x)
