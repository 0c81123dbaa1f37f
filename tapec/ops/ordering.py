"""Sorting. A sort is an `argsort` followed by `take_along`, so it needs no derivative of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.reduction import check_axis
from tapec.ops.registry import define
from tapec.ops.short_floats import in_single


class Ordering(Family):
    """Same shape, int64 positions."""

    name = "ordering"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        (x,) = operands
        axis: Any = attributes["axis"]
        check_axis(primitive.name, axis, x.rank)
        return (tensor_type(dtypes.I64, x.shape),)


@in_single
def _argsort(x: Any, *, axis: int) -> Any:
    return np.argsort(x, axis, kind="stable")


ORDERING = Ordering()

argsort = define(
    Primitive("argsort", ORDERING, 1, _argsort, "Positions in ascending order; ties keep theirs, NaN last.", ("axis",),
              result="i64")
)  # fmt: skip
