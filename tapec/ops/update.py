"""Updates: an array with some elements replaced. What `tp.Array` records for `a[key] = v`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import DTypeError, IndexOutOfRangeError, ShapeError
from tapec.ir import dtypes
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType
from tapec.ops.movement import check_window, window
from tapec.ops.registry import define


class Update(Family):
    """The first operand with elements of the last one; see each primitive for where they go."""

    name = "update"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        x, new = operands[0], operands[-1]
        if new.dtype is not x.dtype:
            raise DTypeError(f"{primitive.name}: the array holds {x.dtype.numpy}, the new elements {new.dtype.numpy}")
        if primitive is put:
            positions = operands[1]
            if positions.dtype is not dtypes.I64:
                raise DTypeError(f"put: positions must be int64, got {positions.dtype.numpy}")
            if positions.shape != new.shape:
                raise ShapeError(f"put: positions have shape {positions.shape}, the new elements {new.shape}")
        else:
            check_window(primitive.name, x.shape, size=new.shape, **attributes)  # type: ignore[arg-type]
        return (x,)


def set_slice(out: Any, new: Any, *, start: tuple[int, ...], step: tuple[int, ...]) -> None:
    """`slice_set` in the memory of `out`."""
    out[window(start, new.shape, step)] = new


def set_positions(out: Any, positions: Any, new: Any) -> None:
    """`put` in the memory of `out`, which is row-major."""
    if positions.size and (positions.min() < 0 or positions.max() >= out.size):
        raise IndexOutOfRangeError(f"put: positions {positions.min()} to {positions.max()}, of {out.size}")
    out.reshape(-1)[positions] = new


def _slice_set(x: Any, new: Any, *, start: tuple[int, ...], step: tuple[int, ...]) -> Any:
    out = np.array(x, order="C")
    set_slice(out, new, start=start, step=step)
    return out


def _put(x: Any, positions: Any, new: Any) -> Any:
    out = np.array(x, order="C")
    set_positions(out, positions, new)
    return out


UPDATE = Update()

slice_set = define(
    Primitive("slice_set", UPDATE, 2, _slice_set, "x with the second operand where `slice` would read it.",
              ("start", "step"))
)  # fmt: skip
put = define(
    Primitive("put", UPDATE, 3, _put, "x with new elements at distinct positions, counted in row-major order.")
)
