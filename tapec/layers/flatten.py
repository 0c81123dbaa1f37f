"""From axes to one axis."""

from __future__ import annotations

from math import prod
from typing import final

from tapec.errors import ShapeError
from tapec.layers.layer import Stateless
from tapec.tensor import Tensor


@final
class Flatten(Stateless):
    """All axes behind the first as one.

    Raises:
        ShapeError: at a call, if the input has no axis.

    >>> Flatten()([[[1.0, 2.0]], [[3.0, 4.0]]]).shape
    (2, 2)
    """

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        if not x.ndim:
            raise ShapeError(f"{self.name} takes inputs with at least one axis, got a scalar")
        return x.reshape((x.shape[0], prod(x.shape[1:])))
