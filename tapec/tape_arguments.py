"""What the methods of `GradientTape` do with their arguments and results."""

from __future__ import annotations

import warnings
from enum import Enum
from typing import Any

from tapec.dispatch import apply, cast, lift, located
from tapec.errors import ShapeError
from tapec.ops import elementwise as ew
from tapec.recording import user_location
from tapec.spaces import zeros
from tapec.structure import Structure, flatten, leaves_like
from tapec.tensor import Tensor
from tapec.variable import Variable


class UnconnectedGradients(Enum):
    """What `gradient` returns for a source on which no target depends.

    >>> import tapec as tp
    >>> x, y = tp.Variable(1.0), tp.Variable(2.0)
    >>> with tp.GradientTape() as tape:
    ...     z = x * x
    >>> [g.item() for g in tape.gradient(z, [x, y], unconnected_gradients=tp.UnconnectedGradients.ZERO)]
    [2.0, 0.0]
    """

    NONE = "none"
    ZERO = "zero"


def unconnected(value: str | UnconnectedGradients) -> UnconnectedGradients:
    """The member that `value` is or names; `ValueError` for anything else."""
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}; use 'none' or 'zero'") from None


def leaves_of(tree: Any, argument: str) -> tuple[list[Any], Structure]:
    """The tensors and Variables in nested containers, and their structure; `TypeError` names any other leaf."""
    leaves, structure = flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, (Tensor, Variable)):
            raise TypeError(
                f"Argument `{argument}` should be a tensor or Variable, or nested containers of them, but received "
                f"{leaf!r} of type {type(leaf).__name__}"
            )
    return leaves, structure


def cotangents_of(given: Any, targets: list[Any], structure: Structure) -> list[Tensor | None]:
    """Output gradients as tensors like their targets; None for ones."""
    if given is None:
        return [None] * len(targets)
    leaves = leaves_like(given, structure, "output_gradients", "the targets")
    if any(leaf is None for leaf in leaves):
        raise ValueError("`output_gradients` holds None; give a gradient for every target, or None for all of them")
    cotangents: list[Tensor | None] = []
    for leaf, target in zip(leaves, targets, strict=True):
        tensor = lift(leaf, target.dtype)
        if tensor.shape != target.shape:
            raise located(
                ShapeError(f"the target has shape {target.shape}, its output gradient has shape {tensor.shape}")
            )
        cotangents.append(cast(tensor, target.dtype))
    return cotangents


def total(gradients: list[Tensor | None], source: Tensor | Variable, zero: bool) -> Tensor | None:
    """The sum over the values that a Variable had; zeros, if they are wanted, for what is not connected."""
    total: Tensor | None = None
    for gradient in gradients:
        if gradient is not None:
            total = gradient if total is None else apply(ew.add, (total, gradient))
    if total is None and zero:
        return zeros(source.type)
    return total


def warn(message: str) -> None:
    """Warns at the user's line."""
    where = user_location()
    if where is None:
        warnings.warn(message, UserWarning, stacklevel=3)
    else:
        warnings.warn_explicit(message, UserWarning, where.filename, where.line)
