"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from tapec.optimizers.optimizer import LearningRate, Optimizer
from tapec.surface.primitives import power, sqrt
from tapec.tensor import Tensor


@dataclass(frozen=True, slots=True)
class _Moments:
    """Decays of the means of gradient and squared gradient, and what keeps the quotient finite.

    Raises:
        ValueError: a decay is outside 0 to below 1.
    """

    mean: float
    square: float
    epsilon: float

    def __post_init__(self) -> None:
        if not (0 <= self.mean < 1 and 0 <= self.square < 1):
            raise ValueError(f"beta_1 and beta_2 lie from 0 to below 1, got {self.mean} and {self.square}")

    def corrected(self, rate: Tensor, step: Tensor) -> Tensor:
        """The rate that makes up for means which started at 0 (Kingma and Ba, 2015, at the end of section 2)."""
        return rate * sqrt(1 - power(self.square, step)) / (1 - power(self.mean, step))

    def step(self, rate: Tensor, gradient: Tensor, slots: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """What is to be subtracted from the value, and the new slots."""
        mean = slots["mean"] * self.mean + gradient * (1 - self.mean)
        square = slots["square"] * self.square + gradient * gradient * (1 - self.square)
        return rate * mean / (sqrt(square) + self.epsilon), {"mean": mean, "square": square}


@final
class Adam(Optimizer):
    """Kingma and Ba, "Adam: a method for stochastic optimization", 2015, in the form of the end of its section 2.

    Args:
        learning_rate: see `Optimizer`.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: is added to the root of the latter, before bias correction, as Keras does.
        name: stands before the names of the slots.

    Raises:
        ValueError: a decay is outside 0 to below 1.

    >>> import tapec as tp
    >>> w, optimizer = tp.Variable([1.0, 2.0]), tp.optimizers.Adam(learning_rate=0.1)
    >>> _ = optimizer.apply_gradients([(tp.constant([1.0, -4.0]), w)])
    >>> w.numpy().round(4)
    array([0.9, 2.1])
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self._moments = _Moments(beta_1, beta_2, epsilon)

    def slot_names(self) -> Sequence[str]:
        """See `Optimizer.slot_names`."""
        return ("mean", "square")

    def scalars(self, rate: Tensor, step: Tensor) -> Sequence[Tensor]:
        """See `Optimizer.scalars`."""
        return (self._moments.corrected(rate, step),)

    def update(
        self, value: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], scalars: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `Optimizer.update`."""
        change, moved = self._moments.step(scalars[0], gradient, slots)
        return value - change, moved


@final
class AdamW(Optimizer):
    """Adam whose weight decay does not pass through the moments (Loshchilov and Hutter, 2019).

    Args:
        learning_rate: see `Optimizer`.
        weight_decay: share of each weight that a step takes away, times the learning rate.
        beta_1: see `Adam`.
        beta_2: see `Adam`.
        epsilon: see `Adam`.
        name: stands before the names of the slots.

    Raises:
        ValueError: a decay is outside 0 to below 1.

    >>> import tapec as tp
    >>> w, optimizer = tp.Variable([1.0, 2.0]), tp.optimizers.AdamW(learning_rate=0.1, weight_decay=0.01)
    >>> _ = optimizer.apply_gradients([(tp.constant([1.0, -4.0]), w)])
    >>> w.numpy().round(4)
    array([0.899, 2.098])
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.weight_decay = weight_decay
        self._moments = _Moments(beta_1, beta_2, epsilon)

    def slot_names(self) -> Sequence[str]:
        """See `Optimizer.slot_names`."""
        return ("mean", "square")

    def scalars(self, rate: Tensor, step: Tensor) -> Sequence[Tensor]:
        """See `Optimizer.scalars`."""
        return (self._moments.corrected(rate, step), rate * self.weight_decay)

    def update(
        self, value: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], scalars: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `Optimizer.update`."""
        rate, decay = scalars
        change, moved = self._moments.step(rate, gradient, slots)
        return value - value * decay - change, moved
