"""Values made from nothing, and guards, which make nothing from a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import AttributeValueError, DTypeError, ShapeError
from tapec.ir import dtypes
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.reduction import check_axis
from tapec.ops.registry import define


class Creation(Family):
    """No operands; the type is in the attributes."""

    name = "creation"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        shape: Any = attributes.get("shape", ())
        if any(n < 0 for n in shape):
            raise AttributeValueError(f"{primitive.name}: extents must not be negative, got {shape}")
        if "axis" in attributes:
            axis: Any = attributes["axis"]
            check_axis(primitive.name, axis, len(shape))
            if attributes["dtype"] == dtypes.BOOL.name:
                raise DTypeError(f"{primitive.name}: positions are numbers, not booleans; compare or cast them")
        return (tensor_type(dtypes.by_name(str(attributes["dtype"])), shape),)


class Guard(Family):
    """One scalar operand, no result."""

    name = "guard"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        (x,) = operands
        if x.size != 1:
            raise ShapeError(f"guard takes a single element, got shape {x.shape}")
        return ()


def _constant(*, value: bool | float, dtype: str) -> Any:
    return np.array(value, dtypes.by_name(dtype).numpy)


def _iota(*, axis: int, shape: tuple[int, ...], dtype: str) -> Any:
    column = np.arange(shape[axis], dtype=dtypes.by_name(dtype).numpy)
    return np.broadcast_to(column.reshape((-1,) + (1,) * (len(shape) - axis - 1)), shape)


CREATION, GUARD = Creation(), Guard()

constant = define(
    Primitive("constant", CREATION, 0, _constant, "One scalar; `value` is a Python number.", ("value", "dtype"),
              result="attribute")
)  # fmt: skip
iota = define(
    Primitive("iota", CREATION, 0, _iota, "Each element's position along `axis`.", ("axis", "shape", "dtype"),
              result="attribute")
)  # fmt: skip
guard = define(
    Primitive("guard", GUARD, 1, lambda x, *, expected: None, "Holds if the value is `expected`, which Python saw.",
              ("expected",), traits=frozenset({"effect"}), operand_kinds="biu")
)  # fmt: skip
