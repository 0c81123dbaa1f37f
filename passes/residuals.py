"""Which values of an op its derivative reads: what a recording must keep, and all that it need keep.

Found by running the derivative rule of both modes once on placeholders, so no rule has to say it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from tapec.errors import NotDifferentiableError
from tapec.ir.builder import Builder
from tapec.ir.graph import Attribute, Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType
from tapec.ops.symbolic import Sym
from tapec.passes.activity import active_results, differentiable_operands
from tapec.passes.adjoint import adjoint
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Flow, Missing
from tapec.passes.pullback import pull, pull_structured
from tapec.passes.tangent import push, push_structured

OUT = -1  # stands for the result among the positions of operands


def needed(
    primitive: Primitive, attributes: dict[str, Attribute], operands: tuple[TensorType, ...], active: int
) -> tuple[int, ...] | None:
    """Positions of the operands, and `OUT` for the result, that the op's derivative reads.

    Args:
        primitive: the op's primitive; one without a derivative rule needs everything, as it may get a rule later.
        attributes: the op's attributes.
        operands: types of the operands.
        active: bit i is set if operand i depends on something that is differentiated by.

    Returns:
        None if no derivative flows through the op at all: its result does not depend on them.
    """
    values = tuple([Value(t) for t in operands])
    op = Op(primitive, values, attributes, primitive.family.infer(primitive, operands, attributes))
    positions = [i for i in differentiable_operands(op) if active >> i & 1]
    if not positions:
        return None
    if isinstance(DERIVATIVES.get(primitive, Missing("")), Missing):
        return (OUT, *range(len(operands)))
    builder = Builder(Graph("rule"))
    out = Value(op.results[0].type)
    placeholders = [Value(t) for t in operands]
    result, arguments = Sym(builder, out), [Sym(builder, v) for v in placeholders]
    pulled = pull(op, result, arguments, Sym(builder, Value(out.type)), positions)
    pushed: Sym | None
    try:
        pushed = push(op, result, arguments, {i: Sym(builder, Value(operands[i])) for i in positions})
    except NotDifferentiableError:  # a rule that was registered for reverse mode only: who asks for the other is told
        pushed = None
    read = _read(builder.graph, [pushed, *[sym for _, sym in pulled]])
    return tuple([i for i, v in [(OUT, out), *enumerate(placeholders)] if v in read])


class ControlNeeds(NamedTuple):
    """What a recording must know of a loop or branch.

    Attributes:
        kept: positions of the operands that its derivative reads, and for its result i the number -1 - i.
        reached: positions of the results that depend on something that is differentiated by.
    """

    kept: tuple[int, ...]
    reached: tuple[int, ...]


def needed_by_control(
    primitive: Primitive,
    attributes: dict[str, Any],
    operands: tuple[TensorType, ...],
    active: int,
    regions: tuple[Graph, ...],
) -> ControlNeeds | None:
    """What `needed` gives, for an op with regions or with several results.

    A mode that it does not have needs nothing: who asks for it will meet the error.
    """
    builder = Builder(Graph("rule"))
    types = primitive.family.infer_regions(primitive, operands, attributes, regions)
    op = Op(primitive, tuple([Value(t) for t in operands]), attributes, types, regions=regions)
    positions = [i for i in differentiable_operands(op) if active >> i & 1 and operands[i].dtype.is_float]
    reached = tuple(active_results(op, positions))
    if not reached:
        return None
    outs = [Sym(builder, Value(t)) for t in types]
    arguments = [Sym(builder, Value(t)) for t in operands]
    moving = {i: Sym(builder, Value(operands[i])) for i in positions}
    cts = [Sym(builder, Value(t)) if i in reached else None for i, t in enumerate(types)]
    made: list[Sym | None] = []
    with suppress(NotDifferentiableError):
        made += push_structured(op, outs, arguments, moving)
    with suppress(NotDifferentiableError):
        flow = Flow(positions, reached)
        made += [ct for _, ct in pull_structured(op, outs, arguments, cts, flow, adjoint)]
    read = _read(builder.graph, made)
    places = [*[(-1 - i, sym) for i, sym in enumerate(outs)], *enumerate(arguments)]
    return ControlNeeds(tuple([i for i, sym in places if sym.value in read]), reached)


def _read(graph: Graph, results: list[Sym | None]) -> set[Value]:
    """The values that `results` depend on, themselves included."""
    live = {sym.value for sym in results if sym is not None}
    for op in reversed(graph.ops):
        if not live.isdisjoint(op.results):
            live.update(op.operands)
    return live
