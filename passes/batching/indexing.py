"""Batching of gathers and scatters. Indices that differ by example pick in one long axis of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapec.ir import dtypes
from tapec.ir.graph import Op
from tapec.ops import creation, indexing
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, cast, reshape, transpose
from tapec.passes.batching.shapes import along_axis
from tapec.passes.batching.table import Operand, again, spread


def index(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    """`take`, `take_along`, their scatters, and `put`."""
    if op.primitive in (indexing.take_along, indexing.scatter_add_along):
        return along_axis(op, operands, size)
    if op.primitive is indexing.take:
        return _take(op, operands, size)
    return _scatter(op, operands, size)


def _take(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    x, indices = operands
    axis: Any = op.attributes["axis"]
    if not indices.batched:
        return again(op, x.sym, indices.sym, axis=axis + 1)
    if not x.batched:
        return _moved(again(op, x.sym, indices.sym), axis, 0)
    picked = again(op, _long(x.sym, axis), in_long(indices.sym, x.shape[axis], size), axis=0)
    return _block_moved(picked, 1, len(indices.shape), axis + 1)


def _scatter(op: Op, operands: Sequence[Operand], size: int) -> Sym:
    x, indices, updates = operands
    axis: Any = op.attributes["axis"]
    every, new = spread(x, size), spread(updates, size)
    if not indices.batched:
        return again(op, every, indices.sym, new, axis=axis + 1)
    where = in_long(indices.sym, x.shape[axis], size)
    summed = again(op, _long(every, axis), where, _block_moved(new, axis + 1, len(indices.shape), 1), axis=0)
    return _moved(reshape(summed, (size, x.shape[axis], *summed.shape[1:])), 1, axis + 1)


def _long(x: Sym, axis: int) -> Sym:
    """A batched value whose axis 0 runs through the examples' `axis`, one example after another."""
    front = _moved(x, axis + 1, 1)
    return reshape(front, (front.shape[0] * front.shape[1], *front.shape[2:]))


def in_long(indices: Sym, extent: int, size: int) -> Sym:
    """Batched indices into an axis of this extent as indices into the long axis."""
    # Negative indices count from the end of their own example; int8 could not count through all of them.
    within = apply(ew.wrap_index, cast(indices, dtypes.I64), size=extent)
    example = Sym(
        within.builder,
        within.builder.emit(creation.iota, (), {"axis": 0, "shape": (size,), "dtype": dtypes.I64.name}).result,
    )
    return within + reshape(example * extent, (size, *(1,) * (len(within.shape) - 1)))


def _moved(x: Sym, source: int, target: int) -> Sym:
    """`x` with one axis in another place, the others in their order."""
    return _block_moved(x, source, 1, target)


def _block_moved(x: Sym, source: int, count: int, target: int) -> Sym:
    """`x` with `count` axes from `source` on moved so that they start at `target`."""
    block = tuple(range(source, source + count))
    rest = tuple([axis for axis in range(len(x.shape)) if axis not in block])
    order = rest[:target] + block + rest[target:]
    return x if order == tuple(range(len(order))) else transpose(x, order)
