"""`tf.nest`: nested lists, tuples, dicts and dataclasses. A dict keeps its own order, where TensorFlow sorts keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapec import structure as structures
from tapec.compat.unknown_names import refuses

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def flatten(structure: Any) -> list[Any]:
    """The leaves.

    >>> flatten({"a": [1, 2], "b": 3})
    [1, 2, 3]
    """
    return structures.flatten(structure)[0]


def is_nested(structure: Any) -> bool:
    """Whether a value is a container."""
    return structures.flatten(structure)[1] is not structures.LEAF


def assert_same_structure(nest1: Any, nest2: Any) -> None:
    """`ValueError` unless the leaves of two structures stand in the same places."""
    structures.leaves_like(nest2, structures.flatten(nest1)[1], "nest2", "nest1")
    structures.leaves_like(nest1, structures.flatten(nest2)[1], "nest1", "nest2")


def map_structure(func: Callable[..., Any], *structure: Any) -> Any:
    """A structure of what a function gives for the leaves that stand in the same place.

    >>> map_structure(lambda x, y: x + y, {"a": 1}, {"a": 2})
    {'a': 3}
    """
    first, layout = structures.flatten(structure[0])
    others = [structures.leaves_like(tree, layout, "structure", "the first one") for tree in structure[1:]]
    return structures.unflatten(layout, [func(*leaves) for leaves in zip(first, *others, strict=True)])


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """A structure with other leaves."""
    return structures.unflatten(structures.flatten(structure)[1], flat_sequence)


__getattr__ = refuses("tf.nest", __all__)
