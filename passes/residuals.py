"""Which values of an op its derivative reads: what a recording must keep, and all that it need keep.

Found by running the derivative rule of both modes once on placeholders, so no rule has to say it.
"""

from __future__ import annotations

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType
from tapec.ops.symbolic import Sym
from tapec.passes.activity import differentiable_operands
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Missing
from tapec.passes.pullback import pull
from tapec.passes.tangent import push

OUT = -1  # stands for the result among the positions of operands


def needed(
    primitive: Primitive, attributes: dict[str, object], operands: tuple[TensorType, ...], active: int
) -> tuple[int, ...] | None:
    """Positions of the operands, and `OUT` for the result, that the op's derivative reads.

    Args:
        primitive: the op's primitive; one without a derivative rule needs nothing, as using it is an error later.
        attributes: the op's attributes.
        operands: types of the operands.
        active: bit i is set if operand i depends on something that is differentiated by.

    Returns:
        None if no derivative flows through the op at all: its result does not depend on them.
    """
    values = tuple([Value(t) for t in operands])
    op = Op(primitive, values, attributes, primitive.family.infer(primitive, operands, attributes))  # type: ignore[arg-type]
    positions = [i for i in differentiable_operands(op) if active >> i & 1]
    if not positions:
        return None
    if isinstance(DERIVATIVES.get(primitive, Missing("")), Missing):
        return ()
    builder = Builder(Graph("rule"))
    out = Value(op.results[0].type)
    placeholders = [Value(t) for t in operands]
    result, arguments = Sym(builder, out), [Sym(builder, v) for v in placeholders]
    pulled = pull(op, result, arguments, Sym(builder, Value(out.type)), positions)
    pushed = push(op, result, arguments, {i: Sym(builder, Value(operands[i])) for i in positions})
    live = {sym.value for sym in [pushed, *[sym for _, sym in pulled]] if sym is not None}
    for made in reversed(builder.graph.ops):
        if not live.isdisjoint(made.results):
            live.update(made.operands)
    return tuple([i for i, v in [(OUT, out), *enumerate(placeholders)] if v in live])
