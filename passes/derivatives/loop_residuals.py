"""What the derivative of a loop's body reads of the body: what is the same in every round, and what is a mere view."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op, Value
from tapec.ops import movement
from tapec.ops.symbolic import Sym
from tapec.passes.splice import copy_ops

_VIEWS = (movement.reshape, movement.transpose, movement.broadcast)


def sources_of(residuals: Sequence[Value], invariant: set[Value]) -> tuple[list[Value], list[Op]]:
    """What the residuals are views of, and the ops that make them of that.

    More is not computed again: a store and a load of a scalar cost less (docs/design/0014-control-flow.md).
    """
    sources: dict[Value, None] = {}
    views: dict[Op, None] = {}
    for value in residuals:
        chain = []
        source = value
        while source not in invariant and source.op is not None and source.op.primitive in _VIEWS:
            chain.append(source.op)
            source = source.op.operands[0]
        sources[source] = None
        views.update(dict.fromkeys(reversed(chain)))
    return list(sources), list(views)


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
