"""What changes derivatives: identity, stopping, rules of one's own, under TensorFlow's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import tapec as tp
from tapec.compat.tensorflow._conversion import operand
from tapec.structure import map_leaves

# TensorFlow's types of the ops that have no gradient in tapec either.
_OP_TYPES = {"AdjustContrastv2": "adjust_contrast"}


def identity(input: Any, name: str | None = None) -> tp.Tensor:
    """`tp.identity`."""
    return tp.identity(operand(input))


def stop_gradient(input: Any, name: str | None = None) -> tp.Tensor:
    """`tp.stop_gradient`."""
    return tp.stop_gradient(operand(input))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """`tp.custom_gradient` of a function whose positional arguments become tensors."""
    function = tp.custom_gradient(f)

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*map_leaves(operand, args), **kwargs)

    return call


def RegisterGradient(op_type: str) -> tp.RegisterGradient:  # noqa: N802 - TensorFlow's name
    """`tp.RegisterGradient`, of an op by tapec's name for it or TensorFlow's."""
    return tp.RegisterGradient(_OP_TYPES.get(op_type, op_type))


def no_gradient(op_type: str) -> None:
    """`tp.no_gradient`, of an op by tapec's name for it or TensorFlow's."""
    tp.no_gradient(_OP_TYPES.get(op_type, op_type))
