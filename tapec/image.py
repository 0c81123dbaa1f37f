"""Functions of images: tensors of shape (..., height, width, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, lift
from tapec.errors import DTypeError, ShapeError
from tapec.ir.dtypes import FLOATS
from tapec.ops import sampling
from tapec.surface.primitives import stop_gradient
from tapec.tensor import Tensor


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Each channel of each image moved away from its mean: (x - mean) * contrast_factor + mean.

    Declared without a gradient, as TensorFlow's is: asking for one raises an error that names the op.

    Args:
        images: floating, shape (..., height, width, channels).
        contrast_factor: a scalar.

    Returns:
        A tensor of the shape and dtype of `images`.

    Raises:
        ShapeError: `images` has fewer than three axes, or `contrast_factor` has any.
        DTypeError: `images` is not floating.

    >>> adjust_contrast([[[0.0], [1.0]]], 2.0).tolist()
    [[[-0.5], [1.5]]]
    """
    x = lift(images)
    factor = lift(contrast_factor, x.dtype)
    if x.ndim < 3:
        raise ShapeError(f"adjust_contrast takes images of shape (..., height, width, channels), got {x.shape}")
    if x.dtype.kind not in FLOATS:
        raise DTypeError(f"adjust_contrast takes floating images, got {x.dtype}; convert them with .astype(np.float32)")
    if factor.ndim:
        raise ShapeError(f"adjust_contrast takes one factor, got shape {factor.shape}")
    mean = stop_gradient(NUMPY_FUNCTIONS[np.mean](x, axis=(-3, -2), keepdims=True))
    return apply(sampling.adjust_contrast, (x, cast(factor, x.dtype), mean))
