"""The rules of `tapec.passes.sparsity`: by family, from the operands' sets to the results'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tapec.ir.graph import Op
from tapec.ops import elementwise as ew
from tapec.ops import indexing, linalg, movement, transform, update
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Partials
from tapec.passes.index_sets import IndexSets, compose, empty, gather, merge, relation, stack, union

if TYPE_CHECKING:
    from tapec.passes.sparsity import Propagation

Array: TypeAlias = np.ndarray[Any, Any]
Operands: TypeAlias = Sequence[IndexSets | None]
Rule: TypeAlias = "Callable[[Propagation, Op, Operands], Sequence[IndexSets]]"


def _numbers(shape: tuple[int, ...]) -> Array:
    return np.arange(prod(shape)).reshape(shape)


def joins(op: Op) -> bool:
    """Whether each element of an op's result has just the sets of the elements that it is made of."""
    return op.primitive.family is ew.ELEMENTWISE or op.primitive is movement.reshape


def joined(op: Op, positions: Sequence[int]) -> list[int]:
    """Those of an op's active operands whose sets its result has, where it `joins` them."""
    row = DERIVATIVES.get(op.primitive)
    flat = row.rules if isinstance(row, Partials) else ()
    return [i for i in positions if not (flat and flat[i] == 0.0)]  # a partial that is zero everywhere, as of `floor`


def _broadcast(sets: IndexSets, old: tuple[int, ...], new: tuple[int, ...]) -> IndexSets:
    return gather(sets, np.broadcast_to(_numbers(old), new).reshape(-1))


def _movement(_: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    (sets,), (x,) = operands, op.operands
    # Counted from 1, so that the zeros that `unslice` fills with are told from the first element.
    moved = op.primitive.meaning(_numbers(x.shape) + 1, **op.attributes)
    return [gather(sets, moved.reshape(-1) - 1)]


def _concatenation(within: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    parts, numbers, first = [], [], 0
    for value, sets in zip(op.operands, operands, strict=True):
        parts.append(empty(value.type.size, within.width) if sets is None else sets)
        numbers.append(_numbers(value.shape) + first)
        first += value.type.size
    return [gather(stack(parts), op.primitive.meaning(*numbers, **op.attributes).reshape(-1))]


def _reduction(_: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    axes: Any = op.attributes["axes"]
    shape = op.operands[0].shape
    return [_over(operands[0], shape, axes, op.result.shape)]


def _over(sets: IndexSets, shape: tuple[int, ...], axes: Sequence[int], result: tuple[int, ...]) -> IndexSets:
    """The unions over `axes`, which disappear."""
    kept = tuple([1 if axis in axes else n for axis, n in enumerate(shape)])
    groups = np.broadcast_to(_numbers(result).reshape(kept), shape)
    return merge(sets, groups.reshape(-1), prod(result))


def _accumulation(_: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    axis: Any = op.attributes["axis"]
    sets, shape = operands[0], op.result.shape
    numbers = np.moveaxis(_numbers(shape), axis, 0)
    if op.attributes["reverse"]:
        numbers = numbers[::-1]
    step = 1
    while step < shape[axis]:  # after k rounds each has the sets of 2**k elements
        before = np.full(prod(shape), -1)
        before[numbers[step:]] = numbers[:-step]
        sets = union(sets, gather(sets, before))
        step *= 2
    return [sets]


def _contraction(within: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    a, b = op.operands
    (*batch, m, _), n = a.shape, b.shape[-1]
    parts = []
    for i, (value, other) in enumerate(((a, b), (b, a))):
        sets = operands[i]
        if sets is None:
            continue
        matrix = within.elements(other) if operands[1 - i] is None else None
        if matrix is not None and not matrix.all():
            links = _right(matrix, a.shape, op.result.shape) if i == 0 else _left(matrix, b.shape, op.result.shape)
            parts.append(compose(relation(*links, (op.result.type.size, value.type.size)), sets))
            continue
        axis = len(batch) + 1 - i
        lines = value.shape[:axis] + value.shape[axis + 1 :]
        summed = _over(sets, value.shape, (axis,), lines)
        shape = (*batch, m, 1) if i == 0 else (*batch, 1, n)
        parts.append(_broadcast(summed, shape, op.result.shape))
    return [within.total(parts, op.result.type.size)]


def _right(matrix: Array, left: tuple[int, ...], result: tuple[int, ...]) -> tuple[Array, Array]:
    """Which elements of a product (first) read which of its left operand, by the nonzeros of the right one."""
    *batch, k, j = np.nonzero(matrix)
    rows = np.arange(left[-2])
    to = np.ravel_multi_index((*[b[:, None] for b in batch], rows, j[:, None]), result)
    of = np.ravel_multi_index((*[b[:, None] for b in batch], rows, k[:, None]), left)
    return to.reshape(-1), of.reshape(-1)


def _left(matrix: Array, right: tuple[int, ...], result: tuple[int, ...]) -> tuple[Array, Array]:
    *batch, i, k = np.nonzero(matrix)
    columns = np.arange(right[-1])
    to = np.ravel_multi_index((*[b[:, None] for b in batch], i[:, None], columns), result)
    of = np.ravel_multi_index((*[b[:, None] for b in batch], k[:, None], columns), right)
    return to.reshape(-1), of.reshape(-1)


def _indexing(within: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    axis: Any = op.attributes["axis"]
    x, indices = op.operands[:2]
    along = op.primitive in (indexing.take_along, indexing.scatter_add_along)
    known = within.elements(indices)
    if known is not None:
        pick = np.take_along_axis if along else np.take
        positions = pick(_numbers(x.shape), known, axis).reshape(-1)
        if len(op.operands) == 2:
            return [gather(operands[0], positions)]
        if op.primitive is indexing.put:
            return _overwritten(within, op, operands, known)
        parts = [] if operands[0] is None else [operands[0]]
        if operands[2] is not None:
            parts.append(merge(operands[2], positions, x.type.size))
        return [within.total(parts, x.type.size)]
    # Any index of the axis may be meant.
    line = x.shape[:axis] + (1,) + x.shape[axis + 1 :]
    count = 1 if along else len(indices.shape)
    if len(op.operands) == 2:
        summed = _over(operands[0], x.shape, (axis,), line[:axis] + line[axis + 1 :])
        kept = line[:axis] + (1,) * count + line[axis + 1 :]
        return [_broadcast(summed, kept, op.result.shape)]
    parts = [] if operands[0] is None else [operands[0]]
    if operands[2] is not None:
        picked = op.operands[2].shape
        summed = _over(operands[2], picked, range(axis, axis + count), line[:axis] + line[axis + 1 :])
        parts.append(_broadcast(summed, line, x.shape))
    return [within.total(parts, x.type.size)]


def _update(within: Propagation, op: Op, operands: Operands) -> Sequence[IndexSets]:
    x, new = op.operands
    if op.primitive is update.slice_set:
        return _overwritten(within, op, operands)
    parts = [] if operands[0] is None else [operands[0]]
    if operands[1] is not None:
        # Counted from 1, so that what lies outside the window is told from the first element.
        numbers = op.primitive.meaning(np.zeros(x.shape, np.int64), _numbers(new.shape) + 1, **op.attributes)
        parts.append(gather(operands[1], numbers.reshape(-1) - 1))
    return [within.total(parts, x.type.size)]


def _overwritten(within: Propagation, op: Op, operands: Operands, *where: Array) -> list[IndexSets]:
    """Each element has the sets of the first operand's or of the last one's, whichever is there."""
    x, new = op.operands[0], op.operands[-1]
    parts = [
        empty(v.type.size, within.width) if sets is None else sets
        for v, sets in ((x, operands[0]), (new, operands[-1]))
    ]
    numbers = op.primitive.meaning(_numbers(x.shape), *where, _numbers(new.shape) + x.type.size, **op.attributes)
    return [gather(stack(parts), numbers.reshape(-1))]


def everything(within: Propagation, op: Op, operands: Operands) -> list[IndexSets]:
    """Every element depends on every one of its matrix, line, or, for families not known here, operands."""
    count = _batch_rank(op)
    batch = op.operands[0].shape[:count]
    parts = []
    for value, sets in zip(op.operands, operands, strict=True):
        if sets is not None:
            shape = (*batch, -1 if prod(batch) else 0)
            groups = np.broadcast_to(_numbers(batch)[..., None], _numbers(value.shape).reshape(shape).shape)
            parts.append(merge(sets, groups.reshape(-1), prod(batch)))
    every = within.total(parts, prod(batch))
    results = []
    for value in op.results:
        each = value.type.size // max(prod(batch), 1)
        results.append(gather(every, np.repeat(np.arange(prod(batch)), each)))
    return results


def _batch_rank(op: Op) -> int:
    """How many first axes of all operands and results are the same and independent of one another."""
    if op.primitive.family is linalg.LINALG:
        return op.operands[0].type.rank - 2
    if op.primitive.family is linalg.ATTACHED:
        return op.operands[1].type.rank - 2
    if op.primitive.family is transform.TRANSFORM:
        return op.operands[0].type.rank - (1 if op.primitive is transform.rfft else 2)
    return 0


RULES: Mapping[str, Rule] = {
    "movement": _movement,
    "concatenation": _concatenation,
    "reduction": _reduction,
    "accumulation": _accumulation,
    "contraction": _contraction,
    "indexing": _indexing,
    "update": _update,
}
