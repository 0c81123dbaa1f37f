"""Updates: an array with a window replaced, or added to. What `tp.Array` records for `a[key] = v`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import DTypeError
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType
from tapec.ops.movement import check_window, window
from tapec.ops.registry import define


class Update(Family):
    """The first operand with the second one in the window that begins at `start` and goes on by `step`."""

    name = "update"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        x, new = operands
        if new.dtype is not x.dtype:
            raise DTypeError(f"{primitive.name}: the array holds {x.dtype.numpy}, the new elements {new.dtype.numpy}")
        a: Any = attributes
        check_window(primitive.name, x.shape, a["start"], new.shape, a["step"])
        return (x,)


def set_slice(out: Any, new: Any, *, start: tuple[int, ...], step: tuple[int, ...]) -> None:
    """`slice_set` in the memory of `out`."""
    out[window(start, new.shape, step)] = new


def add_slice(out: Any, new: Any, *, start: tuple[int, ...], step: tuple[int, ...]) -> None:
    """`slice_add` in the memory of `out`."""
    out[window(start, new.shape, step)] += new


def _slice_set(x: Any, new: Any, *, start: tuple[int, ...], step: tuple[int, ...]) -> Any:
    out = np.array(x, order="C")
    set_slice(out, new, start=start, step=step)
    return out


def _slice_add(x: Any, new: Any, *, start: tuple[int, ...], step: tuple[int, ...]) -> Any:
    out = np.array(x, order="C")
    add_slice(out, new, start=start, step=step)
    return out


UPDATE = Update()

slice_set = define(
    Primitive("slice_set", UPDATE, 2, _slice_set, "x with the second operand where `slice` would read it.",
              ("start", "step"))
)  # fmt: skip
slice_add = define(
    Primitive("slice_add", UPDATE, 2, _slice_add, "x plus the second operand where `slice` would read it.",
              ("start", "step"))
)  # fmt: skip
