"""Spaces that tangents and cotangents live in: the containers and types of a function's arguments or results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tapec.dispatch import apply, cast, lift
from tapec.errors import ShapeError
from tapec.ir.types import TensorType
from tapec.ops import movement
from tapec.structure import Structure, leaf_paths, leaves_like, unflatten
from tapec.tensor import Tensor, make


class Space(NamedTuple):
    """What a tangent or cotangent looks like.

    Attributes:
        structure: the containers.
        types: for each leaf its type; None for leaves that have no derivative.
    """

    structure: Structure
    types: tuple[TensorType | None, ...]

    def members(self, tree: Any, name: str, model: str) -> list[Tensor]:
        """As `some`, with zeros for None."""
        kinds = [kind for kind in self.types if kind is not None]
        found = self.some(tree, name, model)
        return [zeros(kind) if t is None else t for t, kind in zip(found, kinds, strict=True)]

    def some(self, tree: Any, name: str, model: str) -> list[Tensor | None]:
        """The tensors in `tree`, or None, one for each leaf that has a derivative.

        Args:
            tree: containers as those of the space, with values of its shapes; dtypes are converted.
            name: what messages call `tree`.
            model: what messages call that which has the structure.

        Raises:
            ValueError: the containers differ.
            ShapeError: a value has another shape.
        """
        found: list[Tensor | None] = []
        leaves = leaves_like(tree, self.structure, name, model)
        for leaf, kind, path in zip(leaves, self.types, leaf_paths(self.structure, name), strict=True):
            if kind is None:
                if leaf is not None:
                    raise ValueError(f"{path} must be None, because that leaf of {model} has no derivative")
                continue
            if leaf is None:
                found.append(None)
                continue
            tensor = lift(leaf, kind.dtype.numpy)
            if tensor.shape != kind.shape:
                raise ShapeError(f"{path} has shape {tensor.shape}, that leaf of {model} has shape {kind.shape}")
            found.append(cast(tensor, kind.dtype.numpy))
        return found

    def filled(self, values: list[Tensor | None]) -> Any:
        """The containers around `values`, one for each leaf that has a derivative; None among them stands for zeros."""
        found = iter(values)
        leaves = []
        for kind in self.types:
            value = None if kind is None else next(found)
            leaves.append(zeros(kind) if kind is not None and value is None else value)
        return unflatten(self.structure, leaves)


def zeros(kind: TensorType) -> Tensor:
    """Zeros of a type."""
    number = make(np.zeros((), kind.dtype.numpy), literal=True)
    return apply(movement.broadcast, (number,), {"shape": kind.shape}) if kind.shape else number
