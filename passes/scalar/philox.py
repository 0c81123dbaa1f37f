"""Philox4x32-10 (Salmon et al., 2011), lane by lane: see `tapec.ops.sampling`."""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.ops.sampling import KEY_STEPS, MULTIPLIERS, ROUNDS
from tapec.passes.llvm_text import FunctionText, Reg, register_element
from tapec.passes.scalar.lanes import Lanes

_WORD = 0xFFFFFFFF


def low(f: FunctionText, dtype: DType, *operands: Reg) -> Reg:
    """The first two words of the block."""
    return _cut(_block(f, *operands)[0], dtype)


def high(f: FunctionText, dtype: DType, *operands: Reg) -> Reg:
    """The last two words; where `low` of the same operands stands beside it, LLVM computes the rounds once."""
    return _cut(_block(f, *operands)[1], dtype)


def _block(f: FunctionText, low: Reg, high: Reg, key: Reg) -> tuple[Lanes, Lanes]:
    first, second, secret = (_widened(f, reg) for reg in (low, high, key))
    c0, c1, c2, c3 = first & _WORD, first >> 32, second & _WORD, second >> 32
    k0, k1 = secret & _WORD, secret >> 32
    for i in range(ROUNDS):
        if i:
            k0, k1 = (k0 + KEY_STEPS[0]) & _WORD, (k1 + KEY_STEPS[1]) & _WORD
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _WORD, (p0 >> 32) ^ c3 ^ k1, p0 & _WORD
    return c0 | c1 << 32, c2 | c3 << 32


def _widened(f: FunctionText, reg: Reg) -> Lanes:
    return Lanes(f, reg if reg.element == "i64" else f.convert("zext", reg, "i64"))


def _cut(value: Lanes, dtype: DType) -> Reg:
    element = register_element(dtype)
    return value.reg if element == "i64" else value.f.convert("trunc", value.reg, element)
