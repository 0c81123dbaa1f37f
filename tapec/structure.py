"""Nested containers as a list of leaves and a hashable description, and back.

Tuples, lists, dicts, named tuples and dataclasses are containers; everything else is a leaf.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Structure:
    """What remains of nested containers when the leaves are taken out. Two equal ones rebuild alike.

    Args:
        container: the container's class, or None for a leaf.
        keys: the keys of a dict in their order, or the field names of a dataclass.
        children: structures of the members, in order.
        leaves: number of leaves inside.
    """

    container: type | None
    keys: tuple[Any, ...]
    children: tuple[Structure, ...]
    leaves: int


LEAF: Final = Structure(None, (), (), 1)


class Rebuilt(ABC):
    """A dataclass that says itself what becomes of it when its fields are replaced."""

    __slots__ = ()

    @classmethod
    @abstractmethod
    def rebuilt(cls, members: list[Any]) -> Any:
        """What stands in its place when its fields are `members`."""


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Leaves of nested containers from left to right, and their structure.

    >>> flatten({"a": (1, 2), "b": [3]})[0]
    [1, 2, 3]
    """
    kind = type(tree)
    if kind in _LEAVES:
        return [tree], LEAF
    if kind is list and _LEAVES.issuperset(map(type, tree)):
        return list(tree), _list_of_leaves(len(tree))
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves)


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The containers that `structure` describes around `leaves`.

    >>> leaves, structure = flatten({"a": (1, 2), "b": [3]})
    >>> unflatten(structure, [10 * n for n in leaves])
    {'a': (10, 20), 'b': [30]}

    Raises:
        ValueError: the number of leaves is not that of the structure.
    """
    if len(leaves) != structure.leaves:
        raise ValueError(f"the structure holds {structure.leaves} leaves, got {len(leaves)}")
    if structure.container is list and structure is _list_of_leaves(structure.leaves):
        return list(leaves)
    return _unflatten(structure, iter(leaves))


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` applied to each leaf."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(leaf) for leaf in leaves])


def settled(tree: Any) -> Any:
    """`tree` with Tensors where it holds arrays that may change, or views of such, as they are now.

    What a function returns is settled while its recording goes on: a view of an array is an op on it, which nobody
    would hear of later.
    """
    leaves, structure = flatten(tree)
    return unflatten(structure, leaves)


def leaf_paths(structure: Structure, prefix: str = "") -> list[str]:
    """For each leaf the Python expression that reaches it, behind `prefix`; error messages name leaves so.

    >>> leaf_paths(flatten({"a": (1, 2)})[1], "w")
    ["w['a'][0]", "w['a'][1]"]
    """
    if structure.container is None:
        return [prefix]
    if not structure.keys:
        steps = [f"[{i}]" for i in range(len(structure.children))]
    elif issubclass(structure.container, dict):
        steps = [f"[{key!r}]" for key in structure.keys]
    else:
        steps = [f".{key}" for key in structure.keys]
    return [
        path for step, child in zip(steps, structure.children, strict=True) for path in leaf_paths(child, prefix + step)
    ]


def leaves_like(tree: Any, structure: Structure, name: str, model: str) -> list[Any]:
    """What `tree` holds in the places of the leaves of `structure`; containers that stand there are leaves.

    >>> leaves_like({"b": [1, 2], "a": 3}, flatten({"a": 0, "b": 0})[1], "x", "y")
    [3, [1, 2]]

    Args:
        tree: nested containers.
        structure: what they should be like.
        name: what messages call `tree`.
        model: what messages call that which has the structure.

    Raises:
        ValueError: a container is of another kind, or does not have the members.
    """
    if structure.container is None:
        return [tree]
    if not isinstance(tree, structure.container):
        raise ValueError(
            f"`{name}` must be structured as {model}: expected a {structure.container.__name__}, got "
            f"{type(tree).__name__}"
        )
    if isinstance(tree, dict):
        parts = [tree[key] for key in structure.keys if key in tree]
    elif isinstance(tree, (list, tuple)):
        parts = list(tree)
    else:
        parts = [getattr(tree, key) for key in structure.keys]
    if len(parts) != len(structure.children) or (isinstance(tree, dict) and len(tree) != len(parts)):
        keys = f" with the keys {list(structure.keys)}" if structure.keys else ""
        raise ValueError(
            f"`{name}` must be structured as {model}: expected a {structure.container.__name__} of "
            f"{len(structure.children)}{keys}, got one of {len(tree) if isinstance(tree, dict) else len(parts)}"
        )
    return [
        leaf
        for part, child in zip(parts, structure.children, strict=True)
        for leaf in leaves_like(part, child, name, model)
    ]


_LEAVES: set[type] = set()  # classes that are no containers, which takes longer to find out than to remember
_MOST_LEAVES: Final = 256


@lru_cache(maxsize=256)
def _list_of_leaves(length: int) -> Structure:
    return Structure(list, (), (LEAF,) * length, length)


def _flatten(tree: Any, leaves: list[Any]) -> Structure:
    kind = type(tree)
    if kind in _LEAVES:
        leaves.append(tree)
        return LEAF
    keys: tuple[Any, ...] = ()
    if kind is tuple or kind is list:
        members = tree
    elif kind is dict or kind is OrderedDict:
        keys, members = tuple(tree), tree.values()
    elif issubclass(kind, tuple) and type(getattr(kind, "_fields", None)) is tuple:
        keys, members = kind._fields, tree  # type: ignore[attr-defined]
    elif is_dataclass(kind):
        keys = tuple([f.name for f in fields(kind)])
        members = [getattr(tree, name) for name in keys]
    elif (snapshot := getattr(kind, "__tapec_snapshot__", None)) is not None:  # an array that may change
        leaves.append(snapshot(tree))
        return LEAF
    else:
        if len(_LEAVES) < _MOST_LEAVES:
            _LEAVES.add(kind)
        leaves.append(tree)
        return LEAF
    before = len(leaves)
    children = tuple([_flatten(member, leaves) for member in members])
    return Structure(kind, keys, children, len(leaves) - before)


def _unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    kind = structure.container
    if kind is None:
        return next(leaves)
    members = [_unflatten(child, leaves) for child in structure.children]
    if kind is list:
        return members
    if kind is tuple:
        return tuple(members)
    if issubclass(kind, dict):
        return kind(zip(structure.keys, members, strict=True))
    if issubclass(kind, tuple):
        return kind._make(members)  # type: ignore[attr-defined]
    if issubclass(kind, Rebuilt):
        return kind.rebuilt(members)
    # `__init__` may take other arguments than the fields, and frozen classes refuse plain assignment.
    instance = object.__new__(kind)
    for name, member in zip(structure.keys, members, strict=True):
        object.__setattr__(instance, name, member)
    return instance
