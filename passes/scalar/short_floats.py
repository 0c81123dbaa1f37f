"""Conversions between float32 and the floats of 16 bits, which registers hold as their bits: an `i16`.

Everything else that is done with them is done in float32. Processors and GPUs have instructions for float16, which LLVM
finds in `fpext` and `fptrunc`. Few have them for bfloat16, the upper half of a float32: integers do it everywhere.
"""

from __future__ import annotations

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.lanes import Lanes, where


def widened(f: FunctionText, dtype: DType, short: Reg) -> Reg:
    """The float32 of the same value."""
    if dtype is dtypes.F16:
        return f.convert("fpext", f.convert("bitcast", short, "half"), "float")
    return (Lanes(f, short).convert("zext", "i32") << 16).floats().reg


def rounded(f: FunctionText, dtype: DType, single: Reg) -> Reg:
    """The float of 16 bits that is nearest to a float32, ties to even."""
    if dtype is dtypes.F16:
        return f.convert("bitcast", f.convert("fptrunc", single, "half"), "i16")
    x = Lanes(f, single)
    bits = x.pattern()
    up = bits + (((bits >> 16) & 1) + 0x7FFF)  # of the largest numbers to infinity
    quiet = bits | 0x400000  # a NaN whose upper half would be infinity stays one
    return (where(x.compare("uno", x), quiet, up) >> 16).convert("trunc", "i16").reg


def single_to_round_again(f: FunctionText, double: Reg) -> Reg:
    """A float32 that rounds to the float16 to which the float64 itself would.

    Rounding twice goes wrong where the first rounding ends on a tie that the number was not. So it is cut towards zero,
    and its last bit is set if anything was lost ("rounding to odd": Boldo and Melquiond, "When double rounding is odd",
    2005): with two bits and more between the formats, no tie then comes of what was none.
    """
    x = Lanes(f, double)
    nearest = x.convert("fptrunc", "float")
    back = nearest.convert("fpext", "double")
    beyond = back.abs().gt(x.abs()).convert("zext", "i32")
    inexact = back.compare("une", x).convert("zext", "i32")
    return ((nearest.pattern() - beyond) | inexact).floats().reg
