"""Normalisation of activations."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.errors import ShapeError
from tapec.layers import initializers
from tapec.layers.layer import Layer
from tapec.surface.primitives import sqrt
from tapec.surface.short_floats import in_single
from tapec.tensor import Tensor
from tapec.variable import Variable


@in_single
def _moments(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and biased variance over axes, which stay with extent 1."""
    mean = NUMPY_FUNCTIONS[np.mean](x, axis=axes, keepdims=True)
    centered = x - mean
    return mean, NUMPY_FUNCTIONS[np.mean](centered * centered, axis=axes, keepdims=True)


@in_single
def _normalised(x: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    return (x - mean) / sqrt(variance + epsilon)


@in_single
def _rows_normalised(x: Tensor, epsilon: float) -> Tensor:
    return _normalised(x, *_moments(x, (x.ndim - 1,)), epsilon)


def _affine(x: Tensor, gamma: Variable | None, beta: Variable | None) -> Tensor:
    x = x if gamma is None else x * gamma
    return x if beta is None else x + beta


def _check(name: str, shape: tuple[int, ...], extent: int) -> None:
    if shape[-1] != extent:
        raise ShapeError(f"{name} was built for a last extent of {extent}, got shape {shape}")


@final
class LayerNorm(Layer):
    """Each example's last axis at mean 0 and variance 1, then scaled and shifted (Ba et al., 2016).

    Args:
        epsilon: is added to the variance.
        center: whether there is a shift, `beta`.
        scale: whether there is a scale, `gamma`.
        options: `name`, `dtype` and `trainable`; see `Layer`.

    Raises:
        ShapeError: at a call, if the input has no axis, or another last extent than at the first call.

    >>> LayerNorm(epsilon=0.0)([[1.0, 3.0]]).tolist()
    [[-1.0, 1.0]]
    """

    gamma: Variable | None
    beta: Variable | None

    def __init__(self, epsilon: float = 1e-3, center: bool = True, scale: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.epsilon, self.center, self.scale = epsilon, center, scale

    def build(self, shape: tuple[int, ...]) -> None:
        """See `Layer.build`."""
        if not shape:
            raise ShapeError(f"{self.name} takes inputs with at least one axis, got a scalar")
        self._extent = shape[-1]
        self.gamma = self.add_weight("gamma", shape[-1:], initializers.get("ones")) if self.scale else None
        self.beta = self.add_weight("beta", shape[-1:], initializers.get("zeros")) if self.center else None

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        _check(self.name, x.shape, self._extent)
        return _affine(_rows_normalised(x, self.epsilon), self.gamma, self.beta)


@final
class BatchNorm(Layer):
    """Each channel (the last axis) at mean 0 and variance 1, then scaled and shifted (Ioffe and Szegedy, 2015).

    While training, mean and variance are the batch's, and their moving averages are updated; otherwise the moving
    averages are used. The variance is the biased one, in both places.

    Args:
        momentum: share of the moving averages that stays at an update.
        epsilon: is added to the variance.
        center: whether there is a shift, `beta`.
        scale: whether there is a scale, `gamma`.
        options: `name`, `dtype` and `trainable`; see `Layer`.

    Attributes:
        moving_mean: Variable, not trainable.
        moving_variance: Variable, not trainable.

    Raises:
        ShapeError: at a call, if the input has fewer than two axes, or another last extent than at the first call.

    >>> BatchNorm(epsilon=0.0)([[1.0], [3.0]], training=True).tolist()
    [[-1.0], [1.0]]
    """

    gamma: Variable | None
    beta: Variable | None
    moving_mean: Variable
    moving_variance: Variable

    def __init__(
        self, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale

    def build(self, shape: tuple[int, ...]) -> None:
        """See `Layer.build`."""
        if len(shape) < 2:
            raise ShapeError(f"{self.name} takes inputs with at least two axes, got shape {shape}")
        zeros, ones = initializers.get("zeros"), initializers.get("ones")
        self.gamma = self.add_weight("gamma", shape[-1:], ones) if self.scale else None
        self.beta = self.add_weight("beta", shape[-1:], zeros) if self.center else None
        self.moving_mean = self.add_weight("moving_mean", shape[-1:], zeros, trainable=False)
        self.moving_variance = self.add_weight("moving_variance", shape[-1:], ones, trainable=False)

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        _check(self.name, x.shape, self.moving_mean.size)
        if training:
            mean, variance = _moments(x, tuple(range(x.ndim - 1)))
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean.value(), self.moving_variance.value()
        return _affine(_normalised(x, mean, variance, self.epsilon), self.gamma, self.beta)

    def _move(self, average: Variable, value: Tensor) -> None:
        average.assign(average * self.momentum + value.reshape(average.shape) * (1 - self.momentum))
