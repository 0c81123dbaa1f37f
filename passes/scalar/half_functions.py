"""Conversions of float16 on processors that have no instruction for it: x86 without F16C, older than 2012 or emulated.

LLVM calls functions of a compiler's library there, one number at a time, which this process may not have. They are
written here under the names that it calls, from integer operations.
"""

from __future__ import annotations

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.lanes import Lanes, where

TO_FLOAT, FROM_FLOAT = "__extendhfsf2", "__truncsfhf2"
_INFINITY, _QUIET = 0x7C00, 0x7E00  # of float16
_LEAST_NORMAL, _BEYOND, _SINGLE_INFINITY = 0x38800000, 0x477FF000, 0x7F800000  # float32: 2**-14, 65520
_SHIFT = 13  # bits of a significand that float16 has not


def half_functions() -> list[FunctionText]:
    """The two functions."""
    return [_to_float(), _from_float()]


def _to_float() -> FunctionText:
    f = FunctionText(TO_FLOAT, "half %x", "float")
    bits = Lanes(f, Reg("%x", "half")).convert("bitcast", "i16").convert("zext", "i32")
    magnitude = bits & 0x7FFF
    shifted = magnitude << _SHIFT
    finite = (shifted.floats() * 2.0**112).pattern()  # the exponents' biases differ by 112; subnormals become normal
    found = where(magnitude.compare("uge", _INFINITY), shifted | _SINGLE_INFINITY, finite)
    f.line(f"ret float {(found | ((bits & 0x8000) << 16)).floats().reg.text}")
    return f


def _from_float() -> FunctionText:
    f = FunctionText(FROM_FLOAT, "float %x", "half")
    bits = Lanes(f, Reg("%x", "float")).pattern()
    magnitude = bits & 0x7FFFFFFF
    odd = (magnitude >> _SHIFT) & 1
    normal = ((magnitude + (odd + ((1 << (_SHIFT - 1)) - 1))) >> _SHIFT) - (112 << 10)
    half = magnitude.constant(0x3F000000)  # 0.5, whose last bit is the least subnormal: the addition rounds
    subnormal = (magnitude.floats() + half.floats()).pattern() - half
    found = where(magnitude.compare("ult", _LEAST_NORMAL), subnormal, normal)
    found = where(magnitude.compare("uge", _BEYOND), found.constant(_INFINITY), found)
    found = where(magnitude.compare("ugt", _SINGLE_INFINITY), found.constant(_QUIET), found)
    result = (found | ((bits >> 16) & 0x8000)).convert("trunc", "i16").convert("bitcast", "half")
    f.line(f"ret half {result.reg.text}")
    return f
