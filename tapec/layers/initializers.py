"""Initial values of weights.

An initializer is called with shape and dtype and gives a tensor. It is never part of a recording: a layer that is first
called inside a compiled function has its weights initialised once. Layers take an initializer, any function of
`(shape, dtype)`, or one of the names in `INITIALIZERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, Literal, TypeAlias

import numpy as np

from tapec.dispatch import lift
from tapec.random import generator as streams
from tapec.random.continuous import normal, truncated_normal, uniform
from tapec.random.generator import Generator
from tapec.suspension import suspended
from tapec.tensor import Tensor

Initializer: TypeAlias = Callable[[tuple[int, ...], "np.dtype[Any]"], Tensor]

# Standard deviation of what is left of the normal distribution within two of its standard deviations.
_TRUNCATED = 0.87962566103423978


@dataclass(frozen=True, slots=True)
class Constant:
    """One number everywhere."""

    value: float = 0.0

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Values for a shape and dtype."""
        with suspended():
            return lift(np.full(shape, self.value, dtype))


@dataclass(frozen=True, slots=True)
class RandomUniform:
    """Uniform between two numbers, drawn from `generator`, or else from the stream that `tp.random.seed` seeds."""

    low: float = -0.05
    high: float = 0.05
    generator: Generator | None = None

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Values for a shape and dtype."""
        with suspended():
            return uniform(shape, self.low, self.high, dtype, generator=self.generator or streams.INITIAL)


@dataclass(frozen=True, slots=True)
class RandomNormal:
    """Normal, or truncated at two standard deviations; see `RandomUniform` for the stream."""

    mean: float = 0.0
    stddev: float = 0.05
    truncated: bool = False
    generator: Generator | None = None

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Values for a shape and dtype."""
        draw = truncated_normal if self.truncated else normal
        with suspended():
            return draw(shape, self.mean, self.stddev, dtype, generator=self.generator or streams.INITIAL)


@dataclass(frozen=True, slots=True)
class VarianceScaling:
    """Values whose variance is `scale` divided by the number of inputs, of outputs, or their mean.

    Args:
        scale: 1 keeps the variance of a linear layer's inputs; 2 makes up for the half that a ReLU takes away.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"` or `"uniform"`.
        generator: see `RandomUniform`.
    """

    scale: float = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["truncated_normal", "uniform"] = "truncated_normal"
    generator: Generator | None = None

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Values for a shape and dtype."""
        inputs, outputs = fans(shape)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        stddev = sqrt(self.scale / max(count, 1))
        if self.distribution == "uniform":
            limit = sqrt(3) * stddev
            return RandomUniform(-limit, limit, self.generator)(shape, dtype)
        return RandomNormal(0.0, stddev / _TRUNCATED, True, self.generator)(shape, dtype)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs each output has, and outputs each input, of a kernel `(*window, inputs, outputs)`.

    >>> fans((3, 3, 16, 32))
    (144, 288)
    """
    if len(shape) < 2:
        return (prod(shape), prod(shape))
    window = prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


INITIALIZERS: dict[str, Initializer] = {
    "zeros": Constant(0.0),
    "ones": Constant(1.0),
    "uniform": RandomUniform(),
    "random_uniform": RandomUniform(),
    "random_normal": RandomNormal(),
    "truncated_normal": RandomNormal(truncated=True),
    "glorot_uniform": VarianceScaling(1.0, "fan_avg", "uniform"),  # Glorot and Bengio, 2010
    "glorot_normal": VarianceScaling(1.0, "fan_avg"),
    "he_uniform": VarianceScaling(2.0, "fan_in", "uniform"),  # He et al., 2015
    "he_normal": VarianceScaling(2.0, "fan_in"),
    "lecun_uniform": VarianceScaling(1.0, "fan_in", "uniform"),  # LeCun et al., 1998
    "lecun_normal": VarianceScaling(1.0, "fan_in"),
}


def get(initializer: str | Initializer) -> Initializer:
    """The initializer of a name, or the one that is given.

    Raises:
        ValueError: there is none of this name.
    """
    if not isinstance(initializer, str):
        return initializer
    try:
        return INITIALIZERS[initializer]
    except KeyError:
        raise ValueError(f"unknown initializer {initializer!r}; known are {', '.join(INITIALIZERS)}") from None
