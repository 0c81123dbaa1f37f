"""`in_axes` and `out_axes` of `vmap`: an axis, or None, for every leaf of nested containers."""

from __future__ import annotations

from typing import Any, Final

from tapec.errors import ArgumentError
from tapec.structure import Structure, flatten

_SEQUENCES: Final = (tuple, list)


def axes_of_leaves(axes: Any, structure: Structure, name: str) -> list[int | None]:
    """The axis of each leaf. One axis, or None, in the place of a container holds for all that is in it.

    >>> axes_of_leaves((0, {"a": None, "b": 1}), flatten((1, {"a": 2, "b": (3, 4)}))[1], "in_axes")
    [0, None, 1, 1]

    Args:
        axes: nested containers of integers and None.
        structure: of what the axes are of.
        name: what messages call `axes`.

    Raises:
        ArgumentError: the containers differ, or there is something else in them.
    """
    if axes is None or type(axes) is int:
        return [axes] * structure.leaves
    container = structure.container
    if container is None:
        raise ArgumentError(f"{name} is {axes!r}, where one axis is wanted: an integer or None")
    _, given = flatten(axes)
    same = given.container is container or (given.container in _SEQUENCES and container in _SEQUENCES)
    if not same or set(given.keys) != set(structure.keys) or len(given.children) != len(structure.children):
        raise ArgumentError(
            f"{name} is {axes!r}, which does not fit a {container.__name__} of {len(structure.children)}: give one "
            "axis (an integer or None) for all of it, or one for each member"
        )
    found: list[int | None] = []
    for i, child in enumerate(structure.children):
        if not structure.keys:
            step, member = f"[{i}]", axes[i]
        elif issubclass(container, dict):
            step, member = f"[{structure.keys[i]!r}]", axes[structure.keys[i]]
        else:
            step, member = f".{structure.keys[i]}", getattr(axes, structure.keys[i])
        found += axes_of_leaves(member, child, name + step)
    return found
