"""The primitives by name. `tapec.ops` fills it when it is imported; nothing is added later."""

from __future__ import annotations

from tapec.ir.primitive import Primitive

PRIMITIVES: dict[str, Primitive] = {}


def define(primitive: Primitive) -> Primitive:
    """Enters a primitive; returns it. A second one of the same name is a defect and raises `ValueError`."""
    if primitive.name in PRIMITIVES:
        raise ValueError(f"primitive {primitive.name!r} is defined twice")
    PRIMITIVES[primitive.name] = primitive
    return primitive
