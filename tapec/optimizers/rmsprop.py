"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

from tapec.optimizers.optimizer import LearningRate, Optimizer
from tapec.surface.primitives import sqrt
from tapec.tensor import Tensor


@final
class RMSprop(Optimizer):
    """The gradient over the root of a moving mean of its square (Tieleman and Hinton, 2012).

    Args:
        learning_rate: see `Optimizer`.
        rho: decay of the means.
        momentum: of the steps, from 0, which is none, to below 1.
        epsilon: is added under the root.
        centered: whether the square of the gradient's moving mean is subtracted, which leaves its variance.
        name: stands before the names of the slots.

    Raises:
        ValueError: `rho` or `momentum` is outside 0 to below 1.

    >>> import tapec as tp
    >>> w, optimizer = tp.Variable([1.0, 2.0]), tp.optimizers.RMSprop(learning_rate=0.1, rho=0.75)
    >>> _ = optimizer.apply_gradients([(tp.constant([1.0, -4.0]), w)])
    >>> w.numpy().round(4)
    array([0.8, 2.2])
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        if not (0 <= rho < 1 and 0 <= momentum < 1):
            raise ValueError(f"rho and momentum lie from 0 to below 1, got {rho} and {momentum}")
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_names(self) -> Sequence[str]:
        """See `Optimizer.slot_names`."""
        return ("square", *(["mean"] if self.centered else []), *(["momentum"] if self.momentum else []))

    def scalars(self, rate: Tensor, step: Tensor) -> Sequence[Tensor]:
        """See `Optimizer.scalars`."""
        return (rate,)

    def update(
        self, value: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], scalars: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `Optimizer.update`."""
        moved = {"square": slots["square"] * self.rho + gradient * gradient * (1 - self.rho)}
        variance = moved["square"]
        if self.centered:
            moved["mean"] = slots["mean"] * self.rho + gradient * (1 - self.rho)
            variance = variance - moved["mean"] * moved["mean"]
        change = scalars[0] * gradient / sqrt(variance + self.epsilon)
        if self.momentum:
            moved["momentum"] = change = slots["momentum"] * self.momentum + change
        return value - change, moved
