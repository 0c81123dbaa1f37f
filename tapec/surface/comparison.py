"""Comparisons, logic on truth values and on bits, and the ufuncs that ask what kind of number something is."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, lift
from tapec.ir.dtypes import FLOATS
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.surface.primitives import INFINITY, atan2, both, either, inverted, select, truth
from tapec.surface.registry import refuse
from tapec.surface.ufuncs import Formula, binary_operator, operand, ufunc, unary_operator
from tapec.tensor import Tensor

_U64 = np.dtype(np.uint64)

# What each comparison says when the second operand is larger than anything the first can be.
_BELOW = {"lt": True, "le": True, "ne": True, "gt": False, "ge": False, "eq": False}


def _formula(name: str, primitive: Primitive) -> Formula:
    def compare(a: Tensor, b: Tensor) -> Tensor:
        if a._array.dtype == b._array.dtype:
            return apply(primitive, (a, b))
        # int64 with uint64, which no common integer dtype holds: a negative number is below all unsigned ones.
        if a._array.dtype.kind == "i":
            negative, below = a < 0, _BELOW[name]
        else:
            negative, below = b < 0, not _BELOW[name] if name not in ("eq", "ne") else _BELOW[name]
        within = apply(primitive, (cast(a, _U64), cast(b, _U64)))
        return either(negative, within) if below else both(inverted(negative), within)

    return compare


def _compare(name: str, function: np.ufunc, primitive: Primitive) -> None:
    """Enters a comparison; a Python integer outside an integer tensor's range compares by value, as in NumPy."""

    def exception(a: Any, b: Any) -> Tensor | None:
        return _outside(name, a, b) if type(a) is int or type(b) is int else None

    binary_operator(name, function, primitive, _formula(name, primitive), exception)


def _outside(name: str, a: Any, b: Any) -> Tensor | None:
    number, other, first = (a, b, True) if type(a) is int else (b, a, False)
    t = operand(other)
    if t is None or t._weak or t._array.dtype.kind not in "iu":
        return None
    limits = np.iinfo(t._array.dtype)
    if limits.min <= number <= limits.max:
        return None
    answer = _BELOW[name]
    if (number > limits.max) is first and name not in ("eq", "ne"):
        answer = not answer
    return t == t if answer else t != t


_compare("eq", np.equal, ew.eq)
_compare("ne", np.not_equal, ew.ne)
_compare("lt", np.less, ew.lt)
_compare("le", np.less_equal, ew.le)
_compare("gt", np.greater, ew.gt)
_compare("ge", np.greater_equal, ew.ge)


# Bits --------------------------------------------------------------------------------------------------------------


def _bits(primitive: Primitive) -> Formula:
    return lambda a, b: apply(primitive, (a, b))


binary_operator("and", np.bitwise_and, None, _bits(ew.bit_and))
binary_operator("or", np.bitwise_or, None, _bits(ew.bit_or))
binary_operator("xor", np.bitwise_xor, None, _bits(ew.bit_xor))


def _invert(x: Tensor) -> Tensor:
    return apply(ew.bit_not, (x,))


unary_operator("invert", np.invert, _invert)


def _powers_of_two(dtype: np.dtype[Any]) -> Tensor:
    bits = dtype.itemsize * 8
    return lift(np.left_shift(np.ones(bits, dtype), np.arange(bits, dtype=dtype)))


def _shift_amount(n: Tensor) -> tuple[Tensor, Tensor]:
    """Whether the shift is inside the width, and the shift or 0. A negative one is beyond the width, as in NumPy."""
    bits = n._array.dtype.itemsize * 8
    inside = n < bits if n._array.dtype.kind == "u" else both(n >= 0, n < bits)
    return inside, select(inside, n, 0)


def _left_shift(x: Tensor, n: Tensor) -> Tensor:
    from_table = NUMPY_FUNCTIONS[np.take]
    inside, amount = _shift_amount(n)
    return select(inside, x * from_table(_powers_of_two(x._array.dtype), amount), 0)


def _right_shift(x: Tensor, n: Tensor) -> Tensor:
    from_table = NUMPY_FUNCTIONS[np.take]
    dtype = x._array.dtype
    inside, amount = _shift_amount(n)
    emptied = select(x < 0, -1, select(x == x, 0, x)) if dtype.kind == "i" else select(x == x, 0, x)
    if dtype.kind == "i":  # 2**(bits - 1) is no signed number
        inside = both(inside, n < dtype.itemsize * 8 - 1)
        amount = select(inside, amount, 0)
    return select(inside, x // from_table(_powers_of_two(dtype), amount), emptied)


binary_operator("lshift", np.left_shift, None, _left_shift)
binary_operator("rshift", np.right_shift, None, _right_shift)


# Truth -------------------------------------------------------------------------------------------------------------


def _logical(function: np.ufunc, primitive: Primitive) -> None:
    def call(a: Any, b: Any, *, dtype: Any = None, out: Any = None, where: Any = True) -> Tensor:
        refuse(function, out=out, where=where, dtype=None if dtype in (None, bool, np.bool_) else dtype)
        return apply(primitive, (truth(lift(a)), truth(lift(b))))

    NUMPY_FUNCTIONS[function] = call


_logical(np.logical_and, ew.bit_and)
_logical(np.logical_or, ew.bit_or)
_logical(np.logical_xor, ew.bit_xor)


@ufunc(np.logical_not)
def _logical_not(x: Tensor) -> Tensor:
    return inverted(x) if x._array.dtype.kind == "b" else x == 0


@ufunc(np.isnan)
def _isnan(x: Tensor) -> Tensor:
    return x != x


@ufunc(np.isfinite)
def _isfinite(x: Tensor) -> Tensor:
    return abs(x) < INFINITY if x._array.dtype.kind in FLOATS else x == x


@ufunc(np.isinf)
def _isinf(x: Tensor) -> Tensor:
    return abs(x) == INFINITY if x._array.dtype.kind in FLOATS else x != x


@ufunc(np.signbit)
def _signbit(x: Tensor) -> Tensor:
    return signbit(x)


def signbit(x: Tensor) -> Tensor:
    """Whether the sign is minus, -0.0 included (the angle of (-1, -0.0) is -pi); false of NaN."""
    return atan2(x, -1) < 0
