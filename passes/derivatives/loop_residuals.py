"""What the derivative of a loop's body reads of the body: what is the same in every round, and what is made again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op, Value
from tapec.ops import control, creation, movement
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym
from tapec.passes.scalar.costs import cost
from tapec.passes.splice import copy_ops

_VIEWS = (movement.reshape, movement.transpose, movement.broadcast)
_FEW = 3  # vector instructions


def sources_of(body: Graph, residuals: Sequence[Value], at_hand: Collection[Value]) -> tuple[list[Value], list[Op]]:
    """The values of which the residuals are made, and the ops that make them.

    Views, and what few instructions make of values at hand or of carries that are stored, are computed again: a loop
    that stores less is no slower, or faster (docs/design/0014-control-flow.md). So are the stacks of an inner loop that
    starts from such values: its derivative runs it again in any case.

    Args:
        body: of the loop.
        residuals: values of the body that its derivative reads.
        at_hand: values of the body that are there for the derivative in any case.
    """
    known = {*at_hand, *[v for v in residuals if v.op is None]}
    given = {*at_hand, *residuals}
    sources: dict[Value, None] = {}
    again: set[Op] = set()
    for value in residuals:
        made: set[Op] = set()
        source = value
        while source not in at_hand and source.op is not None and source.op.primitive in _VIEWS:
            made.add(source.op)
            source = source.op.operands[0]
        way = None
        if source not in at_hand:
            way = _inner_loop(source, given) or _way(source, known)
        if way is None:
            sources[source] = None
        else:
            made |= way
        again |= made
    ops = [op for op in body.ops if op in again]
    sources.update(dict.fromkeys(v for op in ops for v in op.operands if v in at_hand))
    return list(sources), ops


def _inner_loop(value: Value, given: set[Value]) -> set[Op] | None:
    """The inner loop that stacks a value, if all that this loop reads is given."""
    op = value.op
    if op is None or op.primitive is not control.scan or not given.issuperset(op.operands):
        return None
    carries = op.attributes["carries"]
    assert isinstance(carries, int)
    return {op} if value in op.results[carries:] else None


def _way(value: Value, known: Collection[Value]) -> set[Op] | None:
    """The ops that make `value` from known values; None if that takes more than a few instructions."""
    ops: set[Op] = set()
    waiting, room = [value], _FEW
    while waiting:
        op = waiting.pop().op
        if op is None:
            return None
        if op in ops:
            continue
        if op.primitive.family is ew.ELEMENTWISE and "effect" not in op.primitive.traits:
            room -= cost(op.primitive, op.operands[-1].type.dtype)
        elif op.primitive not in (*_VIEWS, creation.constant):
            return None
        if room < 0:
            return None
        ops.add(op)
        waiting += [v for v in op.operands if v not in known]
    return ops


def hoisted(
    body: Graph, consts: int, carries: int, residuals: Sequence[Value], operands: Sequence[Sym], builder: Builder
) -> dict[Value, Value]:
    """Those residuals that are the same in every round, computed outside of the loop.

    Args:
        body: of the loop; its inputs are consts, carries, and what else there is.
        consts: number of consts.
        carries: number of carries.
        residuals: values of the body.
        operands: what the first inputs of the body stand for, consts and carries at least.
        builder: of the graph around the loop.

    Returns:
        Values outside by values of the body; among them all residuals that are the same in every round.
    """
    mapping = {body.inputs[i]: operands[i].value for i in range(consts)}
    for i in range(carries):
        if body.outputs[i] is body.inputs[consts + i]:  # a carry that is handed on as it is
            mapping[body.inputs[consts + i]] = operands[consts + i].value
    known = set(mapping)
    ops = []
    for op in body.ops:
        if known.issuperset(op.operands):
            known.update(op.results)
            ops.append(op)
    needed = known.intersection(residuals)
    live = []
    for op in reversed(ops):
        if not needed.isdisjoint(op.results):
            needed.update(op.operands)
            live.append(op)
    copy_ops(live[::-1], builder.graph, mapping, builder.phase)
    return mapping
