"""floor_divide and remainder, bit for bit as NumPy computes them.

Integers: the quotient rounds down; by zero it is 0, and so is the remainder; the least integer divided by -1 is itself.
Floats: NumPy's `npy_floor_divide` and `npy_remainder`, built on C's `fmod`.
"""

from __future__ import annotations

import math

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.lanes import F64, FloatFormat, Lanes, fma, in_memory, rarely, where


def floor_divide(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Quotient rounded down."""
    x, y = Lanes(f, a), Lanes(f, b)
    return (_float_quotient(x, y) if dtype.is_float else _integer_quotient(x, y, dtype)).reg


def remainder(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Remainder with the divisor's sign."""
    x, y = Lanes(f, a), Lanes(f, b)
    return (_float_remainder(x, y) if dtype.is_float else _integer_remainder(x, y, dtype)).reg


def _safe_divisor(x: Lanes, y: Lanes, dtype: DType) -> Lanes:
    """1 in place of the divisors for which LLVM's division is undefined."""
    bad = y.compare("eq", 0)
    if dtype.kind == "i":
        bad = bad | (y.compare("eq", -1) & x.compare("eq", -(2 ** (dtype.bits - 1))))
    return where(bad, 1, y)


def _truncated(x: Lanes, y: Lanes, dtype: DType) -> Lanes:
    """Quotient rounded towards zero, of divisors that are safe.

    Machines divide vectors of floats, not of integers. A float that holds both operands exactly gives the quotient
    exactly, too: a quotient that is no integer is too far from the next one to be rounded to it.
    """
    f, signed = x.f, dtype.kind == "i"
    if dtype.bits > 32:
        return Lanes(f, f.binary("sdiv" if signed else "udiv", x.reg, y.reg))
    element = "float" if dtype.bits <= 16 else "double"
    widen, narrow = ("sitofp", "fptosi") if signed else ("uitofp", "fptoui")
    return (x.convert(widen, element) / y.convert(widen, element)).convert(narrow, x.reg.element)


def _integer_quotient(x: Lanes, y: Lanes, dtype: DType) -> Lanes:
    q = _truncated(x, _safe_divisor(x, y, dtype), dtype)
    if dtype.kind == "i":
        rest = x - q * y
        down = rest.compare("ne", 0) & (rest ^ y).compare("slt", 0)
        q = where(down, q - 1, q)
    return where(y.compare("eq", 0), 0, q)


def _integer_remainder(x: Lanes, y: Lanes, dtype: DType) -> Lanes:
    safe = _safe_divisor(x, y, dtype)
    rest = x - _truncated(x, safe, dtype) * safe
    if dtype.kind == "i":
        rest = where(rest.compare("ne", 0) & (rest ^ y).compare("slt", 0), rest + y, rest)
    return rest


def fmod(x: Lanes, y: Lanes) -> Lanes:
    """C's fmod, exact: the remainder with the dividend's sign.

    While the quotient has fewer bits than the significand, x - q*y is a float for the true quotient and for one that
    rounding made larger by 1, and fma gives it exactly. Larger quotients go lane by lane through long division.
    """
    f = x.f
    q = Lanes(f, f.intrinsic("trunc", (x / y).reg))
    rest = fma(-q, y, x)
    over = (rest.lt(0.0) & x.gt(0.0)) | (rest.gt(0.0) & x.lt(0.0))
    rest = where(over, rest + y.abs().copysign(x), rest)
    rest = where(q.eq(0.0), x, rest).copysign(x)  # also where y is infinite, or the remainder zero
    large = q.abs().compare("oge", 2.0**x.format.mantissa)

    def repaired() -> Lanes:
        return where(large, in_memory(f, "fmod", x.reg, y.reg), rest)

    return rarely(large, rest, repaired)


def long_division(name: str, format: FloatFormat, private: bool) -> FunctionText:
    """`void name(ptr x, ptr y, i64 count)`: replaces each x by fmod(x, y), right where |x| >= |y| or the result is NaN.

    Eleven bits of the quotient at a time: a significand shifted by eleven bits still fits 64.
    """
    f = FunctionText(name, "ptr %x, ptr %y, i64 %count", seldom=private)
    f.branch("lane")
    f.label("lane")
    i = f.phi("i64", [("0", "entry"), ("%after", "next")])
    where_x, where_y = (f.element_pointer(Reg(p, "ptr"), i, format.element) for p in ("%x", "%y"))
    x, y = (Lanes(f, f.load(pointer, format.element)) for pointer in (where_x, where_y))
    if format is not F64:
        x, y = x.convert("fpext", "double"), y.convert("fpext", "double")
    undefined = y.compare("ueq", 0.0) | ~x.abs().lt(math.inf)
    f.branch_if(undefined.reg, "next", "defined")
    f.label("defined")
    (m, e), (n, d) = _significand(x), _significand(y)
    first, distance = Lanes(f, f.binary("urem", m.reg, n.reg)), e - d
    f.branch("digits")
    f.label("digits")
    rest = Lanes(f, f.phi("i64", [(first.reg.text, "defined"), ("%shorter", "step")]))
    gap = Lanes(f, f.phi("i64", [(distance.reg.text, "defined"), ("%nearer", "step")]))
    f.branch_if(gap.compare("sgt", 0).reg, "step", "divided")
    f.label("step")
    count = where(gap.compare("slt", 11), gap, 11)
    shifted = f.binary("shl", rest.reg, count.reg)
    f.line(f"%shorter = urem i64 {shifted.text}, {n.reg.text}")
    f.line(f"%nearer = sub i64 {gap.reg.text}, {count.reg.text}")
    f.branch("digits")
    f.label("divided")
    value = (rest.convert("uitofp", "double") * 2.0**-52 * (d << 52).floats()).copysign(x)
    f.branch("next")
    f.label("next")
    result = Lanes(f, f.phi("double", [(f.number(math.nan, "double").text, "lane"), (value.reg.text, "divided")]))
    f.store((result if format is F64 else result.convert("fptrunc", "float")).reg, where_x)
    f.line(f"%after = add i64 {i.text}, 1")
    f.branch_if(f.icmp("slt", Reg("%after", "i64"), Reg("%count", "i64")), "lane", "done")
    f.label("done")
    f.line("ret void")
    return f


def _significand(x: Lanes) -> tuple[Lanes, Lanes]:
    """m and e of |x| = m * 2**(e - 1075), subnormal or not."""
    pattern = x.pattern()
    e = (pattern >> 52) & 2047
    subnormal = e.compare("eq", 0)
    return (pattern & (2**52 - 1)) | where(subnormal, e, 2**52), where(subnormal, 1, e)


def _float_quotient(x: Lanes, y: Lanes) -> Lanes:
    f, rest, ratio = x.f, fmod(x, y), x / y
    q = (x - rest) / y
    q = where(_signs_differ(rest, y), q - 1.0, q)
    down = Lanes(f, f.intrinsic("floor", q.reg))
    snapped = where((q - down).gt(0.5), down + 1.0, down)
    value = where(q.eq(0.0), x.constant(0.0).copysign(ratio), snapped)
    return where(y.eq(0.0), ratio, value)


def _float_remainder(x: Lanes, y: Lanes) -> Lanes:
    rest = fmod(x, y)
    value = where(_signs_differ(rest, y), rest + y, rest)
    return where(rest.eq(0.0), y.constant(0.0).copysign(y), value)


def _signs_differ(rest: Lanes, y: Lanes) -> Lanes:
    return rest.compare("une", 0.0) & (y.lt(0.0) ^ rest.lt(0.0))
