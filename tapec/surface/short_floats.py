"""Floats of 16 bits in formulas of several ops: these compute in float32, and round once at the end.

So do NumPy's own universal functions and means. Sums of squares, powers and exponentials would often leave the range of
float16, which ends at 65,504, though what is made of them does not.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from tapec.dispatch import cast, lift
from tapec.ir.dtypes import FLOATS, is_short
from tapec.tensor import Tensor

_Formula = TypeVar("_Formula", bound=Callable[..., Any])
SINGLE = np.dtype(np.float32)


def in_single(formula: _Formula) -> _Formula:
    """Decorator: operands of 16 bits go in as float32, and floating results are rounded to 16 bits.

    They are not rounded where another operand is of a wider floating dtype, which then is the result's.
    """

    @wraps(formula)
    def call(*args: Any, **options: Any) -> Any:
        short = _short_dtype(args)
        if short is None and options:
            short = _short_dtype(tuple(options.values()))
        if short is None:
            return formula(*args, **options)
        return widely(formula, args, options, short)

    return typing.cast("_Formula", call)


def widely(formula: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], short: np.dtype[Any]) -> Any:
    """What a function decorated by `in_single` gives for operands some of which are of the dtype `short`."""
    results = formula(*[_widened(a) for a in args], **{name: _widened(a) for name, a in options.items()})
    if any(_is_wider(a) for a in (*args, *options.values())):
        return results
    return tuple([rounded(t, short) for t in results]) if type(results) is tuple else rounded(results, short)


def rounded(result: Tensor, short: np.dtype[Any]) -> Tensor:
    """A result in float32 as one of 16 bits; one of another dtype as it is."""
    return cast(result, short) if result._array.dtype == SINGLE else result


def _short_dtype(operands: tuple[Any, ...]) -> np.dtype[Any] | None:
    for operand in operands:
        dtype = getattr(operand, "dtype", None)
        if isinstance(dtype, np.dtype) and is_short(dtype):
            return dtype
    return None


def _widened(operand: Any) -> Any:
    return operand if _short_dtype((operand,)) is None else cast(lift(operand), SINGLE)


def _is_wider(operand: Any) -> bool:
    dtype = getattr(operand, "dtype", None)
    weak = type(operand) is Tensor and operand._weak
    return isinstance(dtype, np.dtype) and dtype.kind in FLOATS and not is_short(dtype) and not weak
