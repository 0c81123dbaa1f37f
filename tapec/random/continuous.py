"""Uniform and normal numbers. Derivatives flow to the parameters (`low`, `mean`, ...), the random bits being held."""

from __future__ import annotations

from math import erf, pi, sqrt
from typing import Any

import numpy as np

from tapec.dispatch import apply, cast, lift
from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.random import generator as streams
from tapec.random.generator import Generator, number
from tapec.random.parameters import Shape, extents, floating_dtype, parameter
from tapec.random.quantile import normal_quantile
from tapec.surface.short_floats import SINGLE
from tapec.tensor import Tensor

_F64 = np.dtype(np.float64)
_BELOW_TWO = (1 + erf(-2 / sqrt(2))) / 2


def half_open(word: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Random words as numbers in [0, 1): the most significant bits that the dtype holds, so that nothing is rounded."""
    digits = dtypes.of(dtype).digits
    mask = number((2**64 - 1) ^ (2 ** (64 - digits) - 1), np.uint64)
    wide = SINGLE if dtypes.is_short(dtype) else dtype  # the words themselves are beyond float16
    return cast(cast(apply(ew.bit_and, (word, mask)), wide) * number(2.0**-64, wide), dtype)


def positive(word: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Random words as numbers in (0, 1], fine near 0: all 64 bits count where the number is small."""
    return cast(word, dtype) * number(2.0**-64, dtype) + number(2.0**-65, dtype)


def standard_normal(generator: Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
    """By Box and Muller (1958), one of the pair; the tails reach 9.4 standard deviations in every dtype: float16 is
    rounded from float32, as in JAX.
    """
    if dtypes.is_short(dtype):
        return cast(standard_normal(generator, shape, SINGLE), dtype)
    low, high = generator.words(shape)
    radius = apply(ew.sqrt, (apply(ew.log, (positive(low, dtype),)) * number(-2.0, dtype),))
    angle = half_open(high, dtype) * number(2 * pi, dtype)
    return radius * apply(ew.cos, (angle,))


def uniform(
    shape: Shape = (), low: Any = 0.0, high: Any = 1.0, dtype: Any = None, *, generator: Generator | None = None
) -> Tensor:
    """Numbers that are uniformly distributed between `low` (included) and `high` (excluded, but for rounding).

    Args:
        shape: of the result.
        low: lower end; broadcasts to `shape`.
        high: upper end; broadcasts to `shape`.
        dtype: of the result, floating; without it that of the parameters, float32 if these are Python numbers.
        generator: the stream to draw from; the default one for None.

    Raises:
        ShapeError: a parameter does not broadcast to `shape`.
        DTypeError: `dtype` is not floating.

    >>> u = uniform((1000,), 2.0, 3.0)
    >>> bool((u >= 2).all() and (u <= 3).all())
    True
    """
    size, wanted = extents(shape), floating_dtype(dtype, lift(low), lift(high))
    first, last = parameter(low, wanted, size, "low"), parameter(high, wanted, size, "high")
    return first + (last - first) * half_open((generator or streams.DEFAULT).word(size), wanted)


def normal(
    shape: Shape = (), mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, *, generator: Generator | None = None
) -> Tensor:
    """Normally distributed numbers.

    Args:
        shape: of the result.
        mean: mean; broadcasts to `shape`.
        stddev: standard deviation; broadcasts to `shape`.
        dtype: of the result, floating; without it that of the parameters, float32 if these are Python numbers.
        generator: the stream to draw from; the default one for None.

    Raises:
        ShapeError: a parameter does not broadcast to `shape`.
        DTypeError: `dtype` is not floating.

    >>> normal((2, 3), mean=np.zeros(3)).dtype
    dtype('float64')
    """
    size, wanted = extents(shape), floating_dtype(dtype, lift(mean), lift(stddev))
    center, scale = parameter(mean, wanted, size, "mean"), parameter(stddev, wanted, size, "stddev")
    return center + scale * standard_normal(generator or streams.DEFAULT, size, wanted)


def truncated_normal(
    shape: Shape = (), mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, *, generator: Generator | None = None
) -> Tensor:
    """Normally distributed numbers of which none is more than two standard deviations away from the mean.

    Arguments and errors are those of `normal`.

    >>> bool((abs(truncated_normal((1000,))) <= 2).all())
    True
    """
    size, wanted = extents(shape), floating_dtype(dtype, lift(mean), lift(stddev))
    center, scale = parameter(mean, wanted, size, "mean"), parameter(stddev, wanted, size, "stddev")
    u = half_open((generator or streams.DEFAULT).word(size), _F64)
    standard = normal_quantile(number(_BELOW_TWO, _F64) + u * number(1 - 2 * _BELOW_TWO, _F64))
    return center + scale * cast(standard, wanted)
