"""Batching of updates: windows get the batch axis, positions count through the examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapec.ir.graph import Op
from tapec.ops import update
from tapec.ops.symbolic import Sym
from tapec.passes.batching.indexing import in_long
from tapec.passes.batching.table import Operand, again, spread


def updated(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """`slice_set` and `put`."""
    every, new = spread(operands[0], size), spread(operands[-1], size)
    if op.primitive is update.put:
        positions = spread(operands[1], size)
        return again(op, every, in_long(positions, op.operands[0].type.size, size), new)
    a: Any = op.attributes
    return again(op, every, new, start=(0, *a["start"]), step=(1, *a["step"]))
