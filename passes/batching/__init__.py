"""The batching table: for each family of primitives the rule that applies an op to many examples at once."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.errors import BatchedValueError
from tapec.ir.graph import Op
from tapec.ir.primitive import Family
from tapec.ops import contraction as contractions
from tapec.ops import creation, elementwise, movement, ordering, reduction, transform
from tapec.ops import indexing as gathers
from tapec.ops import linalg as factorizations
from tapec.ops import update as updates
from tapec.passes.batching import contraction, indexing, linalg, shapes, update
from tapec.passes.batching.table import Operand, Rule, single


def _guard(op: Op, operands: Sequence[Operand], size: int) -> Sequence[Operand]:
    where = f" at {op.location}" if op.location else ""
    raise BatchedValueError(f"Python branched{where} on a value that differs from example to example")


def _creation(op: Op, operands: Sequence[Operand], size: int) -> Sequence[Operand]:
    raise AssertionError(f"{op.primitive.name} has no operand that could be batched")


BATCHING: dict[Family, Rule] = {
    elementwise.ELEMENTWISE: single(shapes.elementwise),
    reduction.REDUCTION: single(shapes.reduction),
    reduction.ARG_REDUCTION: single(shapes.along_axis),
    reduction.ACCUMULATION: single(shapes.along_axis),
    ordering.ORDERING: single(shapes.along_axis),
    movement.MOVEMENT: single(shapes.move),
    movement.CONCATENATION: single(shapes.along_axis),
    contractions.CONTRACTION: single(contraction.product),
    gathers.INDEXING: single(indexing.index),
    factorizations.LINALG: linalg.factorization,
    factorizations.ATTACHED: linalg.factorization,
    transform.TRANSFORM: single(shapes.as_it_is),
    updates.UPDATE: single(update.updated),
    creation.CREATION: _creation,
    creation.GUARD: _guard,
}
