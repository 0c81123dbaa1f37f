"""Batching of linear algebra: its primitives take batches themselves."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.graph import Op
from tapec.ops import linalg
from tapec.ops.symbolic import Sym, reshape, transpose
from tapec.passes.batching.table import Operand, again, spread


def factorization(op: Op, operands: Sequence[Operand], size: int) -> Sequence[Operand]:
    """One more axis of matrices; or, where only the right-hand side differs, more columns."""
    *matrices, b = operands
    solves = op.primitive in (linalg.lu_solve, linalg.triangular_solve)
    if solves and len(b.shape) == 2 and not any(x.batched for x in matrices):
        return [Operand(_as_columns(op, matrices, b.sym), True)]
    builder = operands[0].sym.builder
    values = tuple([spread(x, size).value for x in operands])
    made = builder.emit(op.primitive, values, op.attributes)
    return [Operand(Sym(builder, value), True) for value in made.results]


def _as_columns(op: Op, matrices: Sequence[Operand], b: Sym) -> Sym:
    size, n, k = b.shape
    wide = reshape(transpose(b, (1, 0, 2)), (n, size * k))
    found = again(op, *[x.sym for x in matrices], wide)
    return transpose(reshape(found, (n, size, k)), (1, 0, 2))
