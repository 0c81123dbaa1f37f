"""Functions that follow a layer, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np

from tapec import nn
from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.layers.layer import Stateless
from tapec.surface.primitives import exp
from tapec.tensor import Tensor

Function: TypeAlias = Callable[[Tensor], Tensor]

ACTIVATIONS: dict[str, Function] = {
    "elu": nn.elu,
    "exponential": exp,
    "gelu": nn.gelu,
    "leaky_relu": nn.leaky_relu,
    "linear": lambda x: x,
    "log_softmax": nn.log_softmax,
    "mish": nn.mish,
    "relu": nn.relu,
    "relu6": nn.relu6,
    "selu": nn.selu,
    "sigmoid": nn.sigmoid,
    "silu": nn.silu,
    "softmax": nn.softmax,
    "softplus": nn.softplus,
    "softsign": nn.softsign,
    "swish": nn.silu,
    "tanh": NUMPY_FUNCTIONS[np.tanh],
}


def get(activation: str | Function | None) -> Function:
    """The function of a name, the one that is given, or for None the identity.

    Raises:
        ValueError: there is none of this name.
    """
    if activation is None:
        return ACTIVATIONS["linear"]
    if not isinstance(activation, str):
        return activation
    try:
        return ACTIVATIONS[activation]
    except KeyError:
        raise ValueError(f"unknown activation {activation!r}; known are {', '.join(ACTIVATIONS)}") from None


@final
class Activation(Stateless):
    """A function as a layer.

    Args:
        activation: a name (`"relu"`, `"tanh"`, ...) or a function of a tensor.
        options: `name` and `dtype`; see `Layer`.

    Raises:
        ValueError: there is none of this name.

    >>> Activation("relu")([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __init__(self, activation: str | Function | None, **options: Any) -> None:
        super().__init__(**options)
        self.activation = get(activation)

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        return self.activation(x)
