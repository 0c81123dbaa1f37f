"""`tf.image`: `tp.image`."""

from __future__ import annotations

from typing import Any

from tapec import image
from tapec.compat.tensorflow._conversion import operand
from tapec.compat.unknown_names import refuses
from tapec.tensor import Tensor

__all__ = ["adjust_contrast"]


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """`tp.image.adjust_contrast`."""
    return image.adjust_contrast(operand(images), contrast_factor)


__getattr__ = refuses("tf.image", __all__)
