"""A fully connected layer."""

from __future__ import annotations

from typing import Any, final

from tapec.errors import ShapeError
from tapec.layers import activation as activations
from tapec.layers import initializers
from tapec.layers.initializers import Initializer
from tapec.layers.layer import Layer
from tapec.tensor import Tensor
from tapec.variable import Variable


@final
class Dense(Layer):
    """activation(x @ kernel + bias), over the last axis.

    Args:
        units: extent of the result's last axis.
        activation: a name or a function of a tensor; none for None.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel, shape (inputs, units).
        bias_initializer: of the bias, shape (units,).
        options: `name`, `dtype` and `trainable`; see `Layer`.

    Attributes:
        kernel: Variable.
        bias: Variable, or None.

    Raises:
        ShapeError: at a call, if the input has no axis, or another last extent than at the first call.

    >>> layer = Dense(2, name="dense")
    >>> layer([[1.0, 2.0, 3.0]]).shape
    (1, 2)
    >>> [v.name for v in layer.trainable_variables]
    ['dense/kernel:0', 'dense/bias:0']
    """

    kernel: Variable
    bias: Variable | None

    def __init__(
        self,
        units: int,
        activation: str | activations.Function | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)

    def build(self, shape: tuple[int, ...]) -> None:
        """See `Layer.build`."""
        if not shape:
            raise ShapeError(f"{self.name} takes inputs with at least one axis, got a scalar")
        self.kernel = self.add_weight("kernel", (shape[-1], self.units), self._kernel_initializer)
        self.bias = self.add_weight("bias", (self.units,), self._bias_initializer) if self.use_bias else None

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        if x.shape[-1:] != self.kernel.shape[:1]:
            raise ShapeError(f"{self.name} was built for a last extent of {self.kernel.shape[0]}, got shape {x.shape}")
        y = x @ self.kernel
        return self.activation(y if self.bias is None else y + self.bias)
