"""Running one primitive on arrays now. NumPy does it where its bits are those of the generated code."""

from __future__ import annotations

from typing import Any

from tapec.ir.primitive import Primitive


def execute(primitive: Primitive, arrays: list[Any], attributes: dict[str, Any]) -> Any:
    """The result as an array (or a NumPy scalar for a 0-d one)."""
    return primitive.meaning(*arrays, **attributes)
