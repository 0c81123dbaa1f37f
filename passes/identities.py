"""What reductions combine by, and their identities."""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType
from tapec.ops import elementwise as ew
from tapec.ops import reduction

COMBINE: Final = {reduction.sum: ew.add, reduction.prod: ew.mul, reduction.max: ew.maximum, reduction.min: ew.minimum}


def identity(name: str, dtype: DType) -> bool | float:
    """The number that changes nothing when combined: -0.0 for sums (x + -0.0 is x even for -0.0), 1 for products."""
    if name == "sum":
        return -0.0 if dtype.is_float else 0
    if name == "prod":
        return 1.0 if dtype.is_float else 1
    low = name == "max"
    if dtype.kind == "b":
        return not low
    if dtype.is_float:
        return float("-inf") if low else float("inf")
    bits = dtype.bits
    if dtype.kind == "u":
        return 0 if low else 2**bits - 1
    top: int = 2 ** (bits - 1)
    return -top if low else top - 1


def of_nothing(name: str, dtype: DType) -> bool | float:
    """What a reduction over no elements gives: the identity, but NumPy's +0.0 for a sum."""
    return 0.0 if name == "sum" and dtype.is_float else identity(name, dtype)
