"""Reductions over axes, which disappear from the shape. An empty tuple of axes is not a reduction and is refused.

The order in which `sum` and `prod` combine is part of their meaning: see `docs/design/0002-numerics.md`. NumPy's order
is another one, so they are not `exact` and eager runs call generated code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import AttributeValueError, ShapeError
from tapec.ir import dtypes
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.registry import define
from tapec.ops.short_floats import in_single


def check_axis(name: str, axis: int, rank: int) -> None:
    """Raises `AttributeValueError` unless `0 <= axis < rank`."""
    if not 0 <= axis < rank:
        raise AttributeValueError(f"{name}: axis {axis} is outside a rank of {rank}")


class Reduction(Family):
    """Drops `axes`, which are sorted, distinct and not empty."""

    name = "reduction"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        (x,) = operands
        axes: Any = attributes["axes"]
        if not axes or list(axes) != sorted(set(axes)):
            raise AttributeValueError(f"{primitive.name}: axes must be sorted, distinct and not empty, got {axes}")
        for axis in axes:
            check_axis(primitive.name, axis, x.rank)
            if x.shape[axis] == 0 and primitive.name in ("max", "min"):
                raise ShapeError(f"{primitive.name} over axis {axis} of size 0 has no value")
        return (tensor_type(x.dtype, tuple([n for i, n in enumerate(x.shape) if i not in axes])),)


class ArgReduction(Family):
    """Drops the one axis `axis`; the result holds positions as int64."""

    name = "arg_reduction"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        (x,) = operands
        axis: Any = attributes["axis"]
        check_axis(primitive.name, axis, x.rank)
        if x.shape[axis] == 0:
            raise ShapeError(f"{primitive.name} over axis {axis} of size 0 has no value")
        return (tensor_type(dtypes.I64, x.shape[:axis] + x.shape[axis + 1 :]),)


class Accumulation(Family):
    """Same type; elements accumulate along `axis`, from the end if `reverse`."""

    name = "accumulation"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        (x,) = operands
        axis: Any = attributes["axis"]
        check_axis(primitive.name, axis, x.rank)
        return (x,)


REDUCTION, ARG_REDUCTION, ACCUMULATION = Reduction(), ArgReduction(), Accumulation()


@in_single
def _sum(x: Any, *, axes: tuple[int, ...]) -> Any:
    return np.sum(x, axis=axes, dtype=x.dtype)


@in_single
def _prod(x: Any, *, axes: tuple[int, ...]) -> Any:
    return np.prod(x, axis=axes, dtype=x.dtype)


@in_single
def _max(x: Any, *, axes: tuple[int, ...]) -> Any:
    return np.max(x, axis=axes)


@in_single
def _min(x: Any, *, axes: tuple[int, ...]) -> Any:
    return np.min(x, axis=axes)


@in_single
def _argmax(x: Any, *, axis: int) -> Any:
    return np.argmax(x, axis)


@in_single
def _argmin(x: Any, *, axis: int) -> Any:
    return np.argmin(x, axis)


@in_single
def _cumsum(x: Any, *, axis: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(np.cumsum(np.flip(x, axis), axis, dtype=x.dtype), axis)
    return np.cumsum(x, axis, dtype=x.dtype)


sum = define(
    Primitive("sum", REDUCTION, 1, _sum, "Sum over axes.", ("axes",), exact=False, operand_kinds="iuf")
)  # fmt: skip
prod = define(Primitive("prod", REDUCTION, 1, _prod, "Product over axes.", ("axes",), exact=False, operand_kinds="iuf"))
max = define(Primitive("max", REDUCTION, 1, _max, "Largest; NaN if any is.", ("axes",), exact=False))
min = define(Primitive("min", REDUCTION, 1, _min, "Smallest; NaN if any is.", ("axes",), exact=False))
argmax = define(
    Primitive("argmax", ARG_REDUCTION, 1, _argmax, "Position of the first largest.", ("axis",), result="i64")
)
argmin = define(
    Primitive("argmin", ARG_REDUCTION, 1, _argmin, "Position of the first smallest.", ("axis",), result="i64")
)
cumsum = define(
    Primitive(
        "cumsum", ACCUMULATION, 1, _cumsum, "Running sum along an axis.", ("axis", "reverse"), operand_kinds="iuf"
    )
)
