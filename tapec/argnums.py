"""Which arguments of a call a function is differentiated by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from tapec.argument_names import argument_name, function_name, parameters
from tapec.dispatch import apply, lift
from tapec.errors import ArgumentError, IntegerInputError
from tapec.ir.dtypes import FLOATS
from tapec.ops import elementwise as ew
from tapec.structure import Structure, flatten, leaf_paths, unflatten
from tapec.tensor import Tensor, make

# A position, which may be negative, or the name of a parameter; or several of them.
Argnums: TypeAlias = int | str | tuple[int | str, ...]


class Selected(NamedTuple):
    """One argument that is differentiated by.

    Attributes:
        structure: of the argument.
        leaves: its leaves; tensors among them are new ones, which nothing outside the call knows.
    """

    structure: Structure
    leaves: list[Any]

    @property
    def sources(self) -> list[Any]:
        """The leaves that are differentiated by: tensors of floating dtype, and Variables."""
        return [leaf for leaf in self.leaves if is_source(leaf)]

    def filled(self, values: Any) -> Any:
        """The argument's containers around one of `values` for each source; None for every other leaf."""
        found = iter(values)
        return unflatten(self.structure, [next(found) if is_source(leaf) else None for leaf in self.leaves])


class Call(NamedTuple):
    """Arguments in which those that are differentiated by have been replaced, and these."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    selected: list[Selected]


def select_arguments(
    python: Callable[..., Any],
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    variables: bool = True,
) -> Call:
    """Takes the arguments that `argnums` names out of a call of `python`.

    Args:
        python: the function.
        argnums: positions and names.
        args: positional arguments.
        kwargs: arguments by keyword.
        variables: hand Variables on as they are, instead of the values that they hold.

    Raises:
        ArgumentError: the call has no such argument, or one is named twice.
        IntegerInputError: an argument holds integers, or nothing that is floating.
    """
    args_, kwargs_ = list(args), dict(kwargs)
    selected: list[Selected] = []
    taken: set[int | str] = set()
    for argnum in argnums if isinstance(argnums, tuple) else (argnums,):
        place = _place(python, argnum, args, kwargs)
        if place in taken:
            raise ArgumentError(f"argnums={argnums!r} names one argument of {function_name(python)} twice")
        taken.add(place)
        if isinstance(place, int):
            found = _independent(python, args[place], argument_name(python, place), variables=variables)
            args_[place] = unflatten(found.structure, found.leaves)
        else:
            found = _independent(python, kwargs[place], f"argument {place}", variables=variables)
            kwargs_[place] = unflatten(found.structure, found.leaves)
        selected.append(found)
    return Call(tuple(args_), kwargs_, selected)


def _place(python: Callable[..., Any], argnum: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
    """The position of an argument, or the keyword that it was given by."""
    if not isinstance(argnum, int | str):
        raise ArgumentError(
            f"argnums takes positions and names, got a {type(argnum).__name__}; a transform gives a function, which is "
            f"called with the values: tp.grad({function_name(python)})(value)"
        )
    what = f"{function_name(python)} is differentiated with respect to argument {argnum}"
    if isinstance(argnum, int):
        position = argnum + len(args) if argnum < 0 else argnum
        if not 0 <= position < len(args):
            raise ArgumentError(f"{what}, but got {len(args)} positional arguments")
        return position
    if argnum in kwargs:
        return argnum
    names = [p.name for p in parameters(python) if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if argnum not in names:
        raise ArgumentError(f"{what}, but its parameters are {', '.join(names) or 'not known by name'}")
    position = names.index(argnum)
    if position >= len(args):
        raise ArgumentError(f"{what}, which the call leaves at its default; pass it")
    return position


def _independent(python: Callable[..., Any], argument: Any, name: str, *, variables: bool) -> Selected:
    leaves, structure = flatten(argument)
    if not variables:
        leaves = [lift(leaf) if hasattr(type(leaf), "__tapec_tensor__") else leaf for leaf in leaves]
    for leaf, path in zip(leaves, leaf_paths(structure, name), strict=True):
        if isinstance(leaf, Tensor) and leaf.dtype.kind not in FLOATS:
            raise IntegerInputError(
                f"{function_name(python)} is differentiated with respect to {path}, which is {leaf.dtype}; pass a "
                "float (.astype(np.float64), or 2.0 for 2), or leave it out of argnums"
            )
    if not any(is_source(leaf) for leaf in leaves):
        held = type(leaves[0]).__name__ if structure.container is None else structure.container.__name__
        raise IntegerInputError(
            f"{function_name(python)} is differentiated with respect to {name}, a {held} without floating numbers"
        )
    return Selected(structure, [copied(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves])


def is_source(leaf: Any) -> bool:
    """Whether a leaf is differentiated by: tensors (their dtypes have been checked) and Variables."""
    return isinstance(leaf, Tensor) or hasattr(type(leaf), "__tapec_tensor__")


def copied(leaf: Tensor) -> Tensor:
    """A new tensor of the same value: what a function reaches under the old one by another way is a constant."""
    known = make(leaf._array, leaf._weak) if leaf._literal else leaf
    copy = apply(ew.cast, (known,), {"dtype": known.type.dtype.name})
    copy._weak = leaf._weak
    return copy
