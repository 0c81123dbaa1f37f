"""Which values of a graph depend, through floats and differentiable ops, on given ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tapec.ir.graph import Graph, Op, Value
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Excused, Explicit, Linear, Structured


def differentiable_operands(op: Op) -> Iterable[int]:
    """Positions of the operands through which a derivative may flow; all those of an op that has no row."""
    row = DERIVATIVES.get(op.primitive)
    if isinstance(row, Structured):
        return range(len(op.operands))
    if len(op.results) != 1 or not op.results[0].type.dtype.is_float:
        return ()
    if isinstance(row, Excused):
        return ()
    if isinstance(row, Linear | Explicit) and row.operands is not None:
        return row.operands
    return range(len(op.operands))


def active_results(op: Op, positions: Sequence[int]) -> Sequence[int]:
    """Positions of the results that depend on the operands at `positions`, through which a derivative may flow."""
    if not positions:
        return ()
    row = DERIVATIVES.get(op.primitive)
    return row.flow(op, positions, active_values) if isinstance(row, Structured) else (0,)


def active_values(graph: Graph, wrt: Iterable[Value]) -> tuple[set[Value], list[tuple[Op, list[int]]]]:
    """The values that depend on `wrt`, itself included, and in order the ops that make them, with active operands."""
    active = {value for value in wrt if value.type.dtype.is_float}
    ops = []
    for op in graph.ops:
        positions = [i for i in differentiable_operands(op) if op.operands[i] in active]
        reached = active_results(op, positions)
        if reached:
            active.update([op.results[i] for i in reached])
            ops.append((op, positions))
    return active, ops
