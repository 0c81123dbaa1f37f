"""The primitives: names and reference meanings. Importing this package fills `tapec.ops.registry.PRIMITIVES`."""

from tapec.ops import (
    contraction,
    control,
    creation,
    custom,
    elementwise,
    indexing,
    linalg,
    movement,
    ordering,
    reduction,
    rows,
    sampling,
    transform,
    update,
)
from tapec.ops.registry import PRIMITIVES

__all__ = [
    "PRIMITIVES",
    "contraction",
    "control",
    "creation",
    "custom",
    "elementwise",
    "indexing",
    "linalg",
    "movement",
    "ordering",
    "reduction",
    "rows",
    "sampling",
    "transform",
    "update",
]
