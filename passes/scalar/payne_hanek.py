"""Sine and cosine of huge arguments, one double at a time.

M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric functions" (1983): x / pi modulo 2 needs only a window of
the bits of 1/pi, because the bits before it give multiples of 2 and those behind it nothing. 192 bits of window leave more
than 60 correct bits behind the longest run of zeros that a double can meet (62).
"""

from __future__ import annotations

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.lanes import Lanes, fma
from tapec.passes.scalar.sine_polynomial import sine_of_reduced

# The first 20 words of 1/pi behind the binary point, after one word of zeros for arguments below 2**52.
_WORDS = 21
_PI, _PI_LOW = float.fromhex("0x1.921fb54442d18p+1"), float.fromhex("0x1.1a62633145c07p-53")


def inverse_pi_words() -> list[int]:
    """64-bit words of the bits of 1/pi, after one word of zeros; pi by Machin's formula in integers."""
    bits = 64 * _WORDS + 64

    def atan_inverse(n: int) -> int:
        total = term = (1 << bits) // n
        k, sign = 3, -1
        while term:
            term //= n * n
            total += sign * (term // k)
            k, sign = k + 2, -sign
        return total

    pi = 4 * (4 * atan_inverse(5) - atan_inverse(239))
    inverse = (1 << (2 * bits)) // pi >> (bits - 64 * (_WORDS - 1))
    return [inverse >> 64 * (_WORDS - 1 - i) & (2**64 - 1) for i in range(_WORDS)]


def huge_function(name: str, half: bool) -> FunctionText:
    """`double name(double x)`: sin(x), or cos(x) if `half`, for |x| >= 2**17; NaN of an infinity."""
    f = FunctionText(name, "double %x", "double", seldom=True)
    f.constants["tapec_inverse_pi"] = f"[{_WORDS} x i64] [{', '.join(f'i64 {w}' for w in inverse_pi_words())}]"
    f.declarations |= {"declare i64 @llvm.fshl.i64(i64, i64, i64)", "declare i128 @llvm.fshl.i128(i128, i128, i128)"}
    f.declarations.add("declare i128 @llvm.ctlz.i128(i128, i1)")
    x = Lanes(f, Reg("%x", "double"))
    pattern = x.pattern()
    mantissa = (pattern & (2**52 - 1)) | 2**52
    # x = mantissa * 2**(e - 1075); the window begins with the bit of weight 2**(1075 - e), which is bit e - 1075 of 1/pi.
    start = ((pattern >> 52) & 2047) - (1075 + 1 - 64)
    first, offset = start >> 6, start & 63
    table = Reg("@tapec_inverse_pi", "ptr")
    words = [Lanes(f, f.load(f.element_pointer(table, (first + i).reg, "i64"), "i64")) for i in range(4)]
    window = [_funnel(words[i], words[i + 1], offset) for i in range(3)]
    wide = mantissa.convert("zext", "i128")
    low = wide * window[2].convert("zext", "i128")
    middle = wide * window[1].convert("zext", "i128") + (low >> 64)
    top = mantissa * window[0] + (middle >> 64).convert("trunc", "i64")
    if half:
        top = top + 2**62
    parts = [top, middle.convert("trunc", "i64"), low.convert("trunc", "i64")]
    # One bit of integer part, 191 of fraction. Rounding to the nearest integer leaves a fraction with a sign.
    odd = top ^ (top << 1)
    one = top.constant(1)
    parts = [_funnel(parts[0], parts[1], one), _funnel(parts[1], parts[2], one), parts[2] << 1]
    negative = Lanes(f, f.binary("ashr", parts[0].reg, top.constant(63).reg))
    parts = [part ^ negative for part in parts]
    high = (parts[0].convert("zext", "i128") << 64) | parts[1].convert("zext", "i128")
    zeros = Lanes(f, f.assign(f"call i128 @llvm.ctlz.i128(i128 {high.reg.text}, i1 false)", "i128"))
    rest = parts[2].convert("zext", "i128") << 64
    shifted = f"call i128 @llvm.fshl.i128(i128 {high.reg.text}, i128 {rest.reg.text}, i128 {zeros.reg.text})"
    leading = (Lanes(f, f.assign(shifted, "i128")) >> 64).convert("trunc", "i64")
    a, b = (leading & -2048).convert("uitofp", "double"), (leading & 2047).convert("uitofp", "double")
    product = a * _PI
    radians = product + fma(b, _PI, fma(a, _PI_LOW, fma(a, _PI, -product)))
    exponent = top.constant(1023 - 64) - zeros.convert("trunc", "i64")
    sine = sine_of_reduced(radians * (exponent << 52).floats()).pattern()
    sign = (odd ^ negative) if half else (odd ^ negative ^ pattern)
    result = (sine ^ (sign & -(2**63))).floats() + (x - x)  # x - x is NaN for an infinity, else 0
    f.line(f"ret double {result.reg.text}")
    return f


def _funnel(high: Lanes, low: Lanes, count: Lanes) -> Lanes:
    operands = ", ".join(f"i64 {part.reg.text}" for part in (high, low, count))
    return Lanes(high.f, high.f.assign(f"call i64 @llvm.fshl.i64({operands})", "i64"))
