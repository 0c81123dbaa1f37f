"""Rows that are one or a few instructions: arithmetic, comparison, rounding, bits, conversion, integer powers.

Each gives the bits of the primitive's reference meaning, NaN payloads aside. Booleans are `i1`.
"""

from __future__ import annotations

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, register_element
from tapec.passes.scalar import short_floats


def zero(f: FunctionText, like: Reg) -> Reg:
    """Zero of a register's type."""
    return f.number(0, like.element, like.width)


def add(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Sum; on booleans, or."""
    return f.binary({"f": "fadd", "b": "or"}.get(dtype.kind, "add"), a, b)


def sub(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Difference."""
    return f.binary("fsub" if dtype.is_float else "sub", a, b)


def mul(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Product; on booleans, and."""
    return f.binary({"f": "fmul", "b": "and"}.get(dtype.kind, "mul"), a, b)


def div(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Quotient of floats."""
    return f.fdiv(a, b)


def strong_mul(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Product, +0 where the first operand is zero."""
    return f.select(f.fcmp("oeq", a, zero(f, a)), zero(f, a), f.fmul(a, b))


def zero_mul(f: FunctionText, dtype: DType, a: Reg, b: Reg) -> Reg:
    """Product, +0 where either operand is zero."""
    none = zero(f, a)
    return f.select(f.fcmp("oeq", a, none), none, f.select(f.fcmp("oeq", b, none), none, f.fmul(a, b)))


def neg(f: FunctionText, dtype: DType, a: Reg) -> Reg:
    """Negation."""
    return f.fneg(a) if dtype.is_float else f.sub(zero(f, a), a)


def abs(f: FunctionText, dtype: DType, a: Reg) -> Reg:
    """Absolute value; the least integer stays itself."""
    if dtype.is_float:
        return f.intrinsic("fabs", a)
    if dtype.kind == "u":
        return a
    negative = f.icmp("slt", a, zero(f, a))
    return f.select(negative, f.sub(zero(f, a), a), a)


def sign(f: FunctionText, dtype: DType, a: Reg) -> Reg:
    """-1, 0 or 1; NaN of NaN, and +0 of either zero."""
    none, one = zero(f, a), f.number(1, a.element, a.width)
    if dtype.is_float:
        minus = f.number(-1, a.element, a.width)
        value = f.select(f.fcmp("ogt", a, none), one, f.select(f.fcmp("olt", a, none), minus, none))
        return f.select(f.fcmp("uno", a, a), a, value)
    if dtype.kind == "u":
        return f.select(f.icmp("ne", a, none), one, none)
    minus = f.number(-1, a.element, a.width)
    return f.select(f.icmp("sgt", a, none), one, f.select(f.icmp("slt", a, none), minus, none))


def compare(f: FunctionText, dtype: DType, predicate: str, a: Reg, b: Reg) -> Reg:
    """`eq`, `ne`, `lt`, `le`, `gt` or `ge` in NumPy's meaning; booleans are ordered false < true."""
    if dtype.is_float:
        return f.fcmp(("u" if predicate == "ne" else "o") + predicate, a, b)
    if predicate in ("eq", "ne"):
        return f.icmp(predicate, a, b)
    return f.icmp(("s" if dtype.kind == "i" else "u") + predicate, a, b)


def extremum(f: FunctionText, dtype: DType, predicate: str, a: Reg, b: Reg) -> Reg:
    """The first operand where it compares `ge` (maximum) or `le` (minimum) or is NaN, else the second."""
    keep = compare(f, dtype, predicate, a, b)
    if dtype.is_float:
        keep = f.binary("or", keep, f.fcmp("uno", a, a))
    return f.select(keep, a, b)


def relu(f: FunctionText, dtype: DType, a: Reg) -> Reg:
    """0 where the operand is at most 0, else the operand."""
    return f.select(compare(f, dtype, "le", a, zero(f, a)), zero(f, a), a)


def adjust_contrast(f: FunctionText, dtype: DType, image: Reg, factor: Reg, mean: Reg) -> Reg:
    """(image - mean) * factor + mean, each step rounded."""
    return f.fadd(f.fmul(f.fsub(image, mean), factor), mean)


def bit_not(f: FunctionText, dtype: DType, a: Reg) -> Reg:
    """Complement; on booleans, not."""
    return f.binary("xor", a, f.number(1 if dtype.kind == "b" else -1, a.element, a.width))


def integer_pow(f: FunctionText, dtype: DType, a: Reg, exponent: int) -> Reg:
    """Repeated squaring from the lowest bit of the exponent; a negative exponent divides 1 by the result."""
    n, square, out = (-exponent if exponent < 0 else exponent), a, None
    while n:
        if n & 1:
            out = square if out is None else mul(f, dtype, out, square)
        n >>= 1
        if n:
            square = mul(f, dtype, square, square)
    one = f.number(1, a.element, a.width)
    if out is None:
        return one
    return f.fdiv(one, out) if exponent < 0 else out


def cast(f: FunctionText, dtype: DType, a: Reg, target: DType) -> Reg:
    """NumPy's `astype`; floats outside an integer's range saturate, and NaN gives 0.

    By way of float32 go integers to floats of 16 bits, as in NumPy, and everything to bfloat16, as in `ml_dtypes`.
    """
    element = register_element(target)
    if target is dtype:
        return a
    if dtype.is_short:
        return cast(f, dtypes.F32, short_floats.widened(f, dtype, a), target)
    if target.is_short:
        once = dtype is dtypes.F64 and target is dtypes.F16
        single = short_floats.single_to_round_again(f, a) if once else cast(f, dtype, a, dtypes.F32)
        return short_floats.rounded(f, target, single)
    if target is dtypes.BOOL:
        return f.fcmp("une", a, zero(f, a)) if dtype.is_float else f.icmp("ne", a, zero(f, a))
    if dtype.is_float:
        if target.is_float:
            return f.convert("fpext" if target.bits > dtype.bits else "fptrunc", a, element)
        return _saturating(f, a, element, "fptosi" if target.kind == "i" else "fptoui")
    signed = dtype.kind == "i"
    if target.is_float:
        return f.convert("sitofp" if signed else "uitofp", a, element)
    bits = 1 if dtype.kind == "b" else dtype.bits
    if target.bits < bits:
        return f.convert("trunc", a, element)
    return a if target.bits == bits else f.convert("sext" if signed else "zext", a, element)


def _saturating(f: FunctionText, a: Reg, element: str, instruction: str) -> Reg:
    to = Reg("", element, a.width).type
    lanes, name = ("" if a.width == 1 else f"v{a.width}"), {"double": "f64", "float": "f32"}[a.element]
    symbol = f"llvm.{instruction}.sat.{lanes}{element}.{lanes}{name}"
    f.declarations.add(f"declare {to} @{symbol}({a.type})")
    return f.assign(f"call {to} @{symbol}({a.type} {a.text})", element, a.width)
