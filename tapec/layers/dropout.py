"""Dropout."""

from __future__ import annotations

from typing import Any, final

from tapec.layers.layer import Stateless
from tapec.random.discrete import bernoulli
from tapec.random.generator import Generator
from tapec.surface.primitives import select
from tapec.tensor import Tensor


@final
class Dropout(Stateless):
    """While training, each element is 0 with probability `rate`, and the others are scaled up to keep the mean.

    Each call draws anew, in compiled functions too (Srivastava et al., 2014).

    Args:
        rate: from 0 to below 1.
        generator: the stream to draw from; the default one for None.
        options: `name` and `dtype`; see `Layer`.

    Raises:
        ValueError: the rate is outside its range.

    >>> Dropout(0.5)([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """

    def __init__(self, rate: float, generator: Generator | None = None, **options: Any) -> None:
        super().__init__(**options)
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of dropout lies from 0 to below 1, got {rate}")
        self.rate = float(rate)
        self.generator = generator

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        if not training or self.rate == 0:
            return x
        kept = bernoulli(1 - self.rate, x.shape, generator=self.generator)
        return select(kept, x * (1 / (1 - self.rate)), 0)
