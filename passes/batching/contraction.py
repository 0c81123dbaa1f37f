"""Batching of matrix products: one large product where a matrix is the same for all examples."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.graph import Op
from tapec.ops.symbolic import Sym, matmul, reshape, transpose
from tapec.passes.batching.table import Operand, spread


def product(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """The rows of all examples below one another, if the second matrix is fixed; likewise the columns for the first."""
    a, b = operands
    if len(a.shape) > 2 or a.batched == b.batched:
        return matmul(spread(a, size), spread(b, size))
    (m, k), n = a.shape, b.shape[1]
    if a.batched:
        return reshape(matmul(reshape(a.sym, (size * m, k)), b.sym), (size, m, n))
    columns = reshape(transpose(b.sym, (0, 2, 1)), (size * n, k))
    return transpose(reshape(matmul(columns, transpose(a.sym, (1, 0))), (size, n, m)), (0, 2, 1))
