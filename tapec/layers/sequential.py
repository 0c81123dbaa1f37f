"""Layers one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

from tapec.dispatch import lift
from tapec.layers.layer import Layer
from tapec.module import Module
from tapec.naming import unique_name
from tapec.tensor import Tensor


@final
class Sequential(Module):
    """Calls each layer with the result of the one before.

    Args:
        layers: layers, or other functions of a tensor. `training` goes to Layers and Sequentials only.
        name: of the module.

    >>> from tapec.layers import Dense, Flatten
    >>> model = Sequential([Flatten(), Dense(4)])
    >>> model([[[1.0, 2.0], [3.0, 4.0]]]).shape
    (1, 4)
    """

    def __init__(self, layers: Sequence[Callable[..., Any]] = (), name: str | None = None) -> None:
        super().__init__(name if name is not None else unique_name("sequential"))
        self.layers = list(layers)

    def add(self, layer: Callable[..., Any]) -> None:
        """Puts another layer behind those that are there."""
        self.layers.append(layer)

    def __call__(self, x: Any, training: bool = False) -> Tensor:
        """The last layer's result; `x` itself as a tensor if there is no layer."""
        for layer in self.layers:
            x = layer(x, training=training) if isinstance(layer, Layer | Sequential) else layer(x)
        return lift(x)

    def __repr__(self) -> str:
        return f"<tapec.layers.Sequential {self.name} of {len(self.layers)} layers>"
