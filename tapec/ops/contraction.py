"""Matrix products. NumPy's other shapes (vectors, broadcast batches) are made from this one at the surface."""

from __future__ import annotations

import numpy as np

from tapec.errors import DTypeError, ShapeError
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.registry import define


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


CONTRACTION = Contraction()

matmul = define(
    Primitive("matmul", CONTRACTION, 2, np.matmul, "Batched matrix product.", exact=False, operand_kinds="iuf")
)
