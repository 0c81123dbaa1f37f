"""Sine and cosine of huge arguments, one double at a time.

M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric functions" (1983): x / pi modulo 2 needs only a window
of the bits of 1/pi, because the bits before it give multiples of 2 and those behind it nothing. 192 bits leave more
than 60 correct bits behind the longest run of zeros that a double can meet (J.-M. Muller, "Elementary
Functions", 2006, table 11.1).
"""

from __future__ import annotations

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.lanes import F64, FloatFormat, Lanes, fma
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


def huge_function(name: str, half: bool, format: FloatFormat, bound: float, private: bool) -> FunctionText:
    """`void name(ptr values, i64 count)`: replaces each x with |x| > bound by sin(x), or cos(x) if `half`.

    The bound must be at least 2**17. An infinity becomes NaN. The others, NaN among them, stay as they are.
    """
    f = FunctionText(name, "ptr %values, i64 %count", seldom=private)
    f.constants["tapec_inverse_pi"] = f"[{_WORDS} x i64] [{', '.join(f'i64 {w}' for w in inverse_pi_words())}]"
    f.branch("loop")
    f.label("loop")
    i = Lanes(f, f.phi("i64", [("0", "entry"), ("%after", "next")]))
    pointer = f.element_pointer(Reg("%values", "ptr"), i.reg, format.element)
    x = Lanes(f, f.load(pointer, format.element))
    f.branch_if(x.abs().gt(bound).reg, "huge", "next")
    f.label("huge")
    if format is F64:
        f.store(_sine(x, half).reg, pointer)
    else:
        f.store(_sine(x.convert("fpext", "double"), half).convert("fptrunc", "float").reg, pointer)
    f.branch("next")
    f.label("next")
    f.line(f"%after = add i64 {i.reg.text}, 1")
    f.branch_if(f.icmp("slt", Reg("%after", "i64"), Reg("%count", "i64")), "loop", "done")
    f.label("done")
    f.line("ret void")
    return f


def _sine(x: Lanes, half: bool) -> Lanes:
    """sin(x) of a double, or cos(x) if `half`, for |x| >= 2**17."""
    f = x.f
    f.declarations |= {"declare i64 @llvm.fshl.i64(i64, i64, i64)", "declare i64 @llvm.ctlz.i64(i64, i1)"}
    pattern = x.pattern()
    mantissa = (pattern & (2**52 - 1)) | 2**52
    # x = mantissa * 2**(e - 1075), so the window begins with the bit of 1/pi whose weight is 2**(1075 - e).
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
    rest, last = middle.convert("trunc", "i64"), low.convert("trunc", "i64")
    # One bit of integer part, 191 of fraction. Rounding to the nearest integer leaves a fraction with a sign.
    odd = top ^ (top << 1)
    one = top.constant(1)
    high, next_word = _funnel(top, rest, one), _funnel(rest, last, one)
    negative = Lanes(f, f.binary("ashr", high.reg, top.constant(63).reg))
    high, next_word = high ^ negative, next_word ^ negative
    # The high word is not zero: no double comes nearer to a multiple of pi/2 than 2**-61.9.
    zeros = Lanes(f, f.assign(f"call i64 @llvm.ctlz.i64(i64 {high.reg.text}, i1 false)", "i64"))
    leading = _funnel(high, next_word, zeros)
    a, b = (leading & -2048).convert("uitofp", "double"), (leading & 2047).convert("uitofp", "double")
    product = a * _PI
    radians = product + fma(b, _PI, fma(a, _PI_LOW, fma(a, _PI, -product)))
    exponent = top.constant(1023 - 64) - zeros
    sine = sine_of_reduced(radians * (exponent << 52).floats()).pattern()
    sign = (odd ^ negative) if half else (odd ^ negative ^ pattern)
    return (sine ^ (sign & -(2**63))).floats() + (x - x)  # x - x is NaN for an infinity, else 0


def _funnel(high: Lanes, low: Lanes, count: Lanes) -> Lanes:
    operands = ", ".join(f"i64 {part.reg.text}" for part in (high, low, count))
    return Lanes(high.f, high.f.assign(f"call i64 @llvm.fshl.i64({operands})", "i64"))
