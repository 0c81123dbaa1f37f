"""What `GradientTape.jacobian` and `batch_jacobian` do with their arguments and results."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.basis import basis, reshaped
from tapec.dispatch import apply, located
from tapec.errors import ShapeError
from tapec.ir.types import tensor_type
from tapec.ops import movement
from tapec.spaces import zeros
from tapec.tensor import Tensor
from tapec.variable import Variable


def one_leaf(value: Any, argument: str, method: str) -> None:
    """Raises `TypeError` for anything but a tensor or Variable."""
    if not isinstance(value, (Tensor, Variable)):
        raise TypeError(
            f"Argument `{argument}` of {method} should be one tensor or Variable, but received {value!r} of type "
            f"{type(value).__name__}; call {method} for each of several, on a persistent tape"
        )


def block(row: Tensor | None, target: Tensor | Variable, source: Tensor | Variable, zero: bool) -> Tensor | None:
    """The derivatives of a target by a source, of which `row` has the gradient of each element of the target."""
    shape = target.shape + source.shape
    if row is None:
        return zeros(tensor_type(source.type.dtype, shape)) if zero else None
    return reshaped(row, shape)


def check_batch(target: Tensor | Variable, source: Tensor | Variable) -> None:
    """Raises `ShapeError` unless both have examples along axis 0, as many, and something in each."""
    for shape in (target.shape, source.shape):
        if len(shape) < 2:
            raise located(ShapeError(f"Shape {shape} must have rank at least 2"))
    if target.shape[0] != source.shape[0]:
        raise located(
            ShapeError(f"Need first dimension of target shape {target.shape} and source shape {source.shape} to match.")
        )


def example_basis(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
    """For each element of one example an array of `shape` that is 1 at that element of every example, and else 0."""
    examples, *rest = shape
    one = basis(tuple(rest), dtype)
    shaped = reshaped(one, (one.shape[0], 1, *rest))
    return apply(movement.broadcast, (shaped,), {"shape": (one.shape[0], examples, *rest)})


def example_blocks(row: Tensor | None, target: Tensor | Variable, source: Tensor | Variable) -> Tensor:
    """The derivatives of each example of a target, of which `row` has the gradients along `example_basis`."""
    shape = target.shape + source.shape[1:]
    if row is None:
        return zeros(tensor_type(source.type.dtype, shape))
    permutation = (1, 0, *range(2, len(row.shape)))
    return reshaped(apply(movement.transpose, (row,), {"permutation": permutation}), shape)
