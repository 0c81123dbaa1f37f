"""What attributes may hold: the vocabulary of names, each with its Python types, the same in every primitive."""

from __future__ import annotations

from typing import Any, Literal

Kind = Literal["bool", "int", "float", "str", "ints", "bools"]

ATTRIBUTE_KINDS: dict[str, tuple[Kind, ...]] = {
    "args": ("int",),
    "axes": ("ints",),
    "axis": ("int",),
    "carries": ("int", "ints"),  # of one loop in `scan`, of every one in `sweeps`
    "consts": ("int",),
    "distinct": ("bool",),
    "dtype": ("str",),
    "expected": ("int", "bool"),
    "exponent": ("int",),
    "inverse": ("bool",),
    "length": ("int",),
    "lower": ("bool",),
    "permutation": ("ints",),
    "results": ("int",),
    "reverse": ("bool", "bools"),  # likewise
    "shape": ("ints",),
    "size": ("int", "ints"),  # of one axis in `wrap_index`, of every axis in `slice`
    "sizes": ("ints",),
    "start": ("ints",),
    "step": ("ints",),
    "transposed": ("bool",),
    "unit": ("bool",),
    "value": ("float", "int", "bool"),
}


def attribute_kinds(value: Any) -> tuple[Kind, ...]:
    """The kinds that `value` is: one, or both tuple kinds if it is empty, or none if it cannot be an attribute.

    Only Python's own types count: `numpy.int64(3)` or a list would not be equal, hash or print as `3` or a tuple does.
    """
    kind = type(value)
    if kind is bool:
        return ("bool",)
    if kind is int:
        return ("int",)
    if kind is float:
        return ("float",)
    if kind is str:
        return ("str",)
    if kind is tuple:
        items = {type(item) for item in value}
        if not items:
            return ("ints", "bools")
        if items == {int}:
            return ("ints",)
        if items == {bool}:
            return ("bools",)
    return ()
