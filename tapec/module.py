"""`Module`: an object whose Variables are found through its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass
from typing import Any

from tapec import naming
from tapec.variable import Variable


class Module:
    """A base class for models and their parts, like TensorFlow's class of this name.

    Variables and Modules are found in attributes, and in lists, tuples, dicts and dataclasses there, in the order in
    which the attributes were first set; what is reached by several ways counts once.

    Args:
        name: of the module; the class's name in snake case if it is not given.

    Raises:
        ValueError: the name is no Python identifier.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope, self.offset = Variable(2.0, name="slope"), Variable(1.0, trainable=False, name="offset")
    >>> [v.name for v in Line().variables], [v.name for v in Line().trainable_variables]
    (['slope:0', 'offset:0'], ['slope:0'])
    """

    _name: str | None = None  # subclasses need not call `__init__`

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not name.isidentifier():
            raise ValueError(f"the name of a module is a Python identifier, got {name!r}")
        self._name = name

    @property
    def name(self) -> str:
        """The name."""
        return self._name if self._name is not None else naming.snake_case(type(self).__name__)

    @property
    def name_scope(self) -> AbstractContextManager[str]:
        """A block in which the module's name stands before the names of new Variables: `with self.name_scope: ...`."""
        return naming.name_scope(self.name)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All Variables of the module and of those inside it."""
        return tuple(named_variables(self).values())

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """Those that tapes watch."""
        return tuple([v for v in self.variables if v.trainable])

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules inside this one, itself excluded; one that contains others comes before them."""
        return tuple([found for _, found in _walk(self) if isinstance(found, Module) and found is not self])


def named_variables(tree: Any) -> dict[str, Variable]:
    """The Variables in a Module or in nested containers, by the attributes, keys and positions that lead to each.

    >>> sorted(named_variables({"a": [Variable(1.0), Variable(2.0)]}))
    ['a.0', 'a.1']

    Raises:
        ValueError: two Variables have one path, as `{"a": {"b": v}, "a.b": w}` would give them.
    """
    found: dict[str, Variable] = {}
    for path, leaf in _walk(tree):
        if isinstance(leaf, Variable):
            if path in found:
                raise ValueError(f"two Variables are reached by the name {path!r}; rename a key")
            found[path] = leaf
    return found


def _walk(root: Any) -> Iterator[tuple[str, Variable | Module]]:
    """Variables and Modules with their paths, depth first, each once."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        path, item = waiting.pop()
        members = _members(item)
        if members is None and not isinstance(item, Variable):
            continue
        if id(item) in seen:  # everything here is reached from the root, so that an id stands for one object
            continue
        seen.add(id(item))
        if isinstance(item, Variable | Module):
            yield path, item
        waiting += [(f"{path}.{key}" if path else key, member) for key, member in reversed(members or [])]


def _members(item: Any) -> list[tuple[str, Any]] | None:
    """What is looked into inside `item`; None if it is nothing that holds others."""
    if isinstance(item, Module):
        return list(vars(item).items())
    if isinstance(item, dict):
        return [(str(key), member) for key, member in item.items()]
    if isinstance(item, list | tuple):
        return [(str(i), member) for i, member in enumerate(item)]
    if is_dataclass(item) and not isinstance(item, type):
        return [(f.name, getattr(item, f.name)) for f in fields(item)]
    return None
