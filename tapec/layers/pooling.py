"""Pooling of images."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from tapec.array_protocol import TENSOR_FUNCTIONS
from tapec.layers.layer import Stateless
from tapec.layers.windows import Padding, Pair, Windows, pair
from tapec.surface.primitives import filled
from tapec.tensor import Tensor


@final
class MaxPool2D(Stateless):
    """The largest element of each window, channel by channel. Equal ones share the gradient equally.

    Args:
        pool_size: height and width of a window.
        strides: distances of neighbouring windows; those of the window's extents for None.
        padding: `"valid"` or `"same"`; see `Windows`. What is added never wins.
        options: `name` and `dtype`; see `Layer`.

    Raises:
        ValueError: an extent is below 1, or the padding is unknown.
        ShapeError: at a call, if the input has not the shape (batch, height, width, channels), or no window fits in.

    >>> MaxPool2D(2)([[[[1.0], [2.0]], [[3.0], [4.0]]]]).tolist()
    [[[[4.0]]]]
    """

    def __init__(
        self, pool_size: Pair = 2, strides: Pair | None = None, padding: Padding = "valid", **options: Any
    ) -> None:
        super().__init__(**options)
        size = pair(pool_size, "pool_size")
        self.windows = Windows(size, size if strides is None else pair(strides, "strides"), padding)

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        return TENSOR_FUNCTIONS[np.max](self.windows.of(x, -np.inf), axis=(3, 4))


@final
class AveragePool2D(Stateless):
    """The mean of each window, channel by channel; elements beyond the edges do not count.

    Arguments and errors are those of `MaxPool2D`.

    >>> AveragePool2D(2)([[[[1.0], [2.0]], [[3.0], [4.0]]]]).tolist()
    [[[[2.5]]]]
    """

    def __init__(
        self, pool_size: Pair = 2, strides: Pair | None = None, padding: Padding = "valid", **options: Any
    ) -> None:
        super().__init__(**options)
        size = pair(pool_size, "pool_size")
        self.windows = Windows(size, size if strides is None else pair(strides, "strides"), padding)

    def call(self, x: Tensor, training: bool) -> Tensor:
        """See `Layer.call`."""
        total = TENSOR_FUNCTIONS[np.sum](self.windows.of(x, 0.0), axis=(3, 4))
        if not any(map(any, self.windows.margins(x.shape))):
            return total / float(self.windows.size[0] * self.windows.size[1])
        inside = filled(1.0, (1, *x.shape[1:3], 1), x.dtype)
        return total / TENSOR_FUNCTIONS[np.sum](self.windows.of(inside, 0.0), axis=(3, 4))
