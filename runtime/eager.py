"""Running one primitive on arrays now. NumPy does it where its bits are those of the generated code; results are dense
and row-major unless they are views, as in compiled programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.ir.primitive import Primitive

_GENERATED: dict[str, Callable[..., Any]] = {}  # by family


def _load() -> None:
    from tapec.runtime import generated

    _GENERATED.update(
        elementwise=generated.elementwise, reduction=generated.reduction, contraction=generated.product
    )


def execute(primitive: Primitive, arrays: list[Any], attributes: dict[str, Any]) -> Any:
    """The result as an array (or a NumPy scalar for a 0-d one).

    Raises:
        ShapeError, DTypeError, AttributeValueError: see the primitive's family.
        ValueError: what NumPy raises where it does the work.
    """
    if not primitive.exact:
        if not _GENERATED:
            _load()
        return _GENERATED[primitive.family.name](primitive, arrays, attributes)
    result = primitive.meaning(*arrays, **attributes)
    # Elementwise NumPy keeps the order of a transposed operand; a product reading it would see other strides than in a
    # compiled program.
    if primitive.family.name == "elementwise" and not result.flags.c_contiguous:
        return np.ascontiguousarray(result)
    return result
