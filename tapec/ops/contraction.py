"""Matrix products. NumPy's other shapes (vectors, broadcast batches) are made from this one at the surface."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tapec.errors import DTypeError, ShapeError
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import elementwise as ew
from tapec.ops.registry import define
from tapec.ops.short_floats import in_single


class Contraction(Family):
    """`(*batch, m, k)` times `(*batch, k, n)` gives `(*batch, m, n)`; batches are equal, not broadcast."""

    name = "contraction"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        a, b = operands
        if a.dtype is not b.dtype:
            raise DTypeError(f"matmul takes operands of one dtype, got {a.dtype.numpy}, {b.dtype.numpy}")
        if a.rank < 2 or a.rank != b.rank or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
            raise ShapeError(f"matmul of shapes {a.shape} and {b.shape}: inner extents or batches differ")
        return (tensor_type(a.dtype, (*a.shape[:-1], b.shape[-1])),)


class ViewedContraction(Family):
    """A matrix product whose operands keep their axes: rows, columns, batch and inner index may be several axes each.

    The left operand's axes are batch, rows, inner index; the right one's batch, inner index, columns; `a_axes` and
    `b_axes` count them. The result has the left one's batch axes, then rows and columns. Extents of batch and inner
    index agree as products.
    """

    name = "viewed contraction"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        a, b = operands
        (batch, rows, inner), (b_batch, b_inner, columns) = (
            _grouped(x.shape, attributes[name]) for x, name in ((a, "a_axes"), (b, "b_axes"))
        )
        if prod(batch) != prod(b_batch) or prod(inner) != prod(b_inner) or a.dtype is not b.dtype:
            raise ShapeError(f"contract of {a} and {b}: inner extents, batches or dtypes differ")
        return (tensor_type(a.dtype, (*batch, *rows, *columns)),)


def _grouped(shape: tuple[int, ...], counts: Attribute) -> list[tuple[int, ...]]:
    assert isinstance(counts, tuple)
    first, second, third = (int(n) for n in counts)
    if first + second + third != len(shape):
        raise ShapeError(f"contract: {counts} axes, got shape {shape}")
    return [shape[:first], shape[first : first + second], shape[first + second :]]


def _contract(a: Any, b: Any, *, a_axes: tuple[int, ...], b_axes: tuple[int, ...]) -> Any:
    batch, rows, inner = _grouped(a.shape, a_axes)
    _, _, columns = _grouped(b.shape, b_axes)
    left = a.reshape((prod(batch), prod(rows), prod(inner)))
    right = b.reshape((prod(batch), prod(inner), prod(columns)))
    return np.matmul(left, right).reshape((*batch, *rows, *columns))


@in_single
def _matmul(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


CONTRACTION = Contraction()

# Made by `passes.product_views` when all derivatives have been taken, so that no table but that of code has a row for
# it, and no registry knows it.
contract = Primitive(
    "contract", ViewedContraction(), 2, _contract, "Matrix product of views.", ("a_axes", "b_axes"), exact=False,
    operand_kinds="f",
)  # fmt: skip

# A step of the chain that an element of a product is; made by `passes.short_parts` when all derivatives are taken.
fma = Primitive(
    "fma", ew.ELEMENTWISE, 3, lambda a, b, c: a * b + c, "a * b + c, rounded once.", exact=False, operand_kinds="f"
)

matmul = define(
    Primitive("matmul", CONTRACTION, 2, _matmul, "Batched matrix product.", exact=False, operand_kinds="iuf")
)
