"""Convolution of images."""

from __future__ import annotations

from typing import Any, final

from tapec.errors import ShapeError
from tapec.layers import activation as activations
from tapec.layers import initializers
from tapec.layers.initializers import Initializer
from tapec.layers.layer import Layer
from tapec.layers.windows import Padding, Pair, Windows, pair
from tapec.tensor import Tensor
from tapec.variable import Variable


@final
class Conv2D(Layer):
    """activation(x * kernel + bias): cross-correlation over height and width of (batch, height, width, channels).

    One matrix product of all windows with the kernel. Compiled code reads them where they lie; eager runs write them
    out, which takes memory for kernel height times kernel width copies of the input.

    Args:
        filters: extent of the result's last axis.
        kernel_size: height and width of the kernel.
        strides: distances of neighbouring windows.
        padding: `"valid"` or `"same"`; see `Windows`.
        activation: a name or a function of a tensor; none for None.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel, shape (height, width, channels, filters).
        bias_initializer: of the bias, shape (filters,).
        options: `name`, `dtype` and `trainable`; see `Layer`.

    Attributes:
        kernel: Variable.
        bias: Variable, or None.

    Raises:
        ValueError: an extent is below 1, or the padding is unknown.
        ShapeError: at a call, if the input has not four axes, no window fits in, or the channels are others than at the
            first call.

    >>> import numpy as np
    >>> Conv2D(8, 3, padding="same")(np.zeros((2, 5, 7, 3))).shape
    (2, 5, 7, 8)
    """

    kernel: Variable
    bias: Variable | None

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        strides: Pair = 1,
        padding: Padding = "valid",
        activation: str | activations.Function | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters = filters
        self.windows = Windows(pair(kernel_size, "kernel_size"), pair(strides, "strides"), padding)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)

    def build(self, shape: tuple[int, ...]) -> None:
        """See `Layer.build`."""
        self.windows.counts(shape)
        kernel = (*self.windows.size, shape[-1], self.filters)
        self.kernel = self.add_weight("kernel", kernel, self._kernel_initializer)
        self.bias = self.add_weight("bias", (self.filters,), self._bias_initializer) if self.use_bias else None

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        rows, columns = self.windows.counts(x.shape)
        batch, channels = x.shape[0], self.kernel.shape[2]
        if x.shape[-1] != channels:
            raise ShapeError(f"{self.name} was built for {channels} channels, got shape {x.shape}")
        inner = self.kernel.size // self.filters
        patches = self.windows.of(x, 0.0).reshape((batch * rows * columns, inner))
        y = (patches @ self.kernel.reshape((inner, self.filters))).reshape((batch, rows, columns, self.filters))
        return self.activation(y if self.bias is None else y + self.bias)
