"""Gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

from tapec.optimizers.optimizer import LearningRate, Optimizer
from tapec.tensor import Tensor


@final
class SGD(Optimizer):
    """Gradient descent, with momentum as in Sutskever et al. (2013): v ← momentum v - rate g, then w ← w + v.

    With Nesterov's momentum w ← w + momentum v - rate g, with the new v.

    Args:
        learning_rate: see `Optimizer`.
        momentum: from 0, which is none, to below 1.
        nesterov: whether the momentum is Nesterov's.
        name: stands before the names of the slots.

    Raises:
        ValueError: the momentum is outside its range.

    >>> import tapec as tp
    >>> w, optimizer = tp.Variable([1.0, 2.0]), tp.optimizers.SGD(learning_rate=0.1)
    >>> _ = optimizer.apply_gradients([(tp.constant([1.0, -4.0]), w)])
    >>> w.numpy().round(4)
    array([0.9, 2.4])
    """

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str | None = None
    ) -> None:
        super().__init__(learning_rate, name)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum lies from 0 to below 1, got {momentum}")
        self.momentum, self.nesterov = momentum, nesterov

    def slot_names(self) -> Sequence[str]:
        """See `Optimizer.slot_names`."""
        return ("momentum",) if self.momentum else ()

    def scalars(self, rate: Tensor, step: Tensor) -> Sequence[Tensor]:
        """See `Optimizer.scalars`."""
        return (rate,)

    def update(
        self, value: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], scalars: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `Optimizer.update`."""
        change = scalars[0] * gradient
        if not self.momentum:
            return value - change, {}
        velocity = slots["momentum"] * self.momentum - change
        step = velocity * self.momentum - change if self.nesterov else velocity
        return value + step, {"momentum": velocity}
