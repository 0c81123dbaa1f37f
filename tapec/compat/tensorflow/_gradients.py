"""`tf.identity` and `tf.stop_gradient`."""

from __future__ import annotations

from typing import Any

import tapec as tp
from tapec.compat.tensorflow._conversion import operand


def identity(input: Any, name: str | None = None) -> tp.Tensor:
    """`tp.identity`."""
    return tp.identity(operand(input))


def stop_gradient(input: Any, name: str | None = None) -> tp.Tensor:
    """`tp.stop_gradient`."""
    return tp.stop_gradient(operand(input))
