"""Vectors for integers."""

from __future__ import annotations

from typing import Any, final

from tapec.dispatch import lift
from tapec.errors import DTypeError
from tapec.layers import initializers
from tapec.layers.initializers import Initializer
from tapec.layers.layer import Layer
from tapec.surface.primitives import take
from tapec.tensor import Tensor
from tapec.variable import Variable


@final
class Embedding(Layer):
    """A trainable vector for each integer.

    Args:
        input_dim: how many integers there are: 0 to input_dim - 1. Negative ones count from the end, as in NumPy.
        output_dim: extent of the vectors.
        embeddings_initializer: of the table, shape (input_dim, output_dim).
        options: `name`, `dtype` and `trainable`; see `Layer`.

    Attributes:
        embeddings: Variable.

    Raises:
        DTypeError: at a call, if the input is not of an integer dtype.
        IndexOutOfRangeError: at a call, if there is no vector for an integer.

    >>> Embedding(10, 3)([[1, 2], [3, 4]]).shape
    (2, 2, 3)
    """

    embeddings: Variable

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: str | Initializer = "uniform", **options: Any
    ) -> None:
        super().__init__(**options)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self._initializer = initializers.get(embeddings_initializer)

    def convert(self, x: Any) -> Tensor:
        """See `Layer.convert`."""
        indices = lift(x)
        if indices.dtype.kind not in "iu":
            raise DTypeError(f"{self.name} takes integers, got {indices.dtype}")
        return indices

    def build(self, shape: tuple[int, ...]) -> None:
        """See `Layer.build`."""
        self.embeddings = self.add_weight("embeddings", (self.input_dim, self.output_dim), self._initializer)

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        return take(self.embeddings.value(), x, 0)
