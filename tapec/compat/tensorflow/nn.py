"""`tf.nn`: `tp.nn`, under TensorFlow's argument names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapec import nn
from tapec.compat.tensorflow._conversion import operand
from tapec.compat.tensorflow.math import sigmoid, softplus, tanh
from tapec.compat.unknown_names import refuses
from tapec.tensor import Tensor

__all__ = [
    "elu", "gelu", "leaky_relu", "log_softmax", "relu", "relu6", "selu", "sigmoid", "silu", "softmax",
    "softmax_cross_entropy_with_logits", "softplus", "softsign", "swish", "tanh",
]  # fmt: skip


def _of_features(function: Callable[[Any], Tensor]) -> Callable[..., Tensor]:
    def call(features: Any, name: str | None = None) -> Tensor:
        return function(operand(features))

    call.__doc__ = f"`tp.nn.{function.__name__}`."
    return call


elu = _of_features(nn.elu)
relu = _of_features(nn.relu)
relu6 = _of_features(nn.relu6)
selu = _of_features(nn.selu)
silu = swish = _of_features(nn.silu)
softsign = _of_features(nn.softsign)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """`tp.nn.gelu`."""
    return nn.gelu(operand(features), approximate)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """`tp.nn.leaky_relu`, with TensorFlow's slope."""
    return nn.leaky_relu(operand(features), alpha)


def softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """`tp.nn.softmax`."""
    return nn.softmax(operand(logits), axis)


def log_softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """`tp.nn.log_softmax`."""
    return nn.log_softmax(operand(logits), axis)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """`tp.nn.softmax_cross_entropy`, whose arguments stand the other way around."""
    return nn.softmax_cross_entropy(operand(logits), operand(labels), axis)


__getattr__ = refuses("tf.nn", __all__)
