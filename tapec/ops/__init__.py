"""The primitives: names and reference meanings. Importing this package fills `tapec.ops.registry.PRIMITIVES`."""

from tapec.ops import contraction, creation, elementwise, indexing, movement, ordering, reduction
from tapec.ops.registry import PRIMITIVES

__all__ = [
    "PRIMITIVES",
    "contraction",
    "creation",
    "elementwise",
    "indexing",
    "movement",
    "ordering",
    "reduction",
]
