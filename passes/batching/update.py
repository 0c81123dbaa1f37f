"""Batching of updates: windows get the batch axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapec.ir.graph import Op
from tapec.ops.symbolic import Sym
from tapec.passes.batching.table import Operand, again, spread


def updated(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """`slice_set` and `slice_add`."""
    x, new = (spread(operand, size) for operand in operands)
    a: Any = op.attributes
    return again(op, x, new, start=(0, *a["start"]), step=(1, *a["step"]))
