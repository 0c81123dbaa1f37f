"""Batching of elementwise ops, reductions and movement: axes and shapes shift by the batch axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapec.ir.graph import Op
from tapec.ops import movement
from tapec.ops.symbolic import Sym, reshape
from tapec.passes.batching.table import Operand, again, aligned, spread


def elementwise(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """Batch axes meet, whatever the ranks of the examples."""
    rank = max(len(x.shape) for x in operands)
    return again(op, *[aligned(x, rank) for x in operands])


def as_it_is(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """Ops of one operand that treat its first axes as a batch anyway."""
    return again(op, operands[0].sym)


def reduction(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """Reduces each example."""
    axes: Any = op.attributes["axes"]
    return again(op, operands[0].sym, axes=tuple([axis + 1 for axis in axes]))


def along_axis(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """Ops that go along one axis, with as many operands as they like."""
    axis: Any = op.attributes["axis"]
    return again(op, *[spread(x, size) for x in operands], axis=axis + 1)


def move(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """Moves the elements of each example; the batch axis stays where it is."""
    (x,) = operands
    a: Any = op.attributes
    if op.primitive is movement.broadcast:
        return again(op, aligned(x, len(a["shape"])), shape=(size, *a["shape"]))
    if op.primitive is movement.transpose:
        return again(op, x.sym, permutation=(0, *[axis + 1 for axis in a["permutation"]]))
    if op.primitive is movement.windows:
        moved = again(op, x.sym, size=(1, *a["size"]), step=(1, *a["step"]))
        return reshape(moved, (size, *op.result.shape))
    first = {"start": 0, "step": 1, "size": size, "shape": size}
    return again(op, x.sym, **{name: (first[name], *value) for name, value in a.items()})
