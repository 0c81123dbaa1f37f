"""Of which values the sign of a zero can show in what a graph returns.

Sums, products and what moves elements hand it on to a result; comparisons, sums with what is never -0.0, and products
with strong zeros lose it. So few values of a derivative show it: a cotangent meets such a product wherever it goes on.
"""

from __future__ import annotations

from typing import Final

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import movement, reduction
from tapec.passes.rewrites.signs import never_negative_zero

# A zero of the other sign gives the same result, zeros of the other sign excepted.
_HANDED_ON: Final = frozenset({
    ew.add, ew.sub, ew.mul, ew.neg, ew.select, ew.sqrt, ew.copy, ew.stop_gradient, reduction.sum, movement.broadcast,
    movement.reshape, movement.transpose, movement.slice_, movement.unslice, movement.concat,
})  # fmt: skip
# The result is the same.
_LOST: Final = frozenset({ew.eq, ew.ne, ew.lt, ew.le, ew.gt, ew.ge, ew.abs, ew.exp, ew.cos, ew.zero_mul})


def signs_of_zeros_that_show(graph: Graph) -> set[Value]:
    """Values of the graph of which other signs of zeros may change a bit of the outputs."""
    showing = set(graph.outputs)
    for op in reversed(graph.ops):
        showing.update(_shown(op, not showing.isdisjoint(op.results)))
    return showing


def _shown(op: Op, result_shows: bool) -> tuple[Value, ...]:
    """The operands of an op whose signs of zeros may show, given whether those of its result may."""
    primitive, operands = op.primitive, op.operands
    if primitive in _LOST:
        return ()
    if primitive is ew.div:
        return operands if result_shows else operands[1:]
    if primitive is ew.strong_mul:
        return operands[1:] if result_shows else ()
    if primitive not in _HANDED_ON:
        return operands
    if not result_shows:
        return ()
    if primitive is ew.add:  # -0.0 needs both
        a, b = operands
        return tuple([v for v, other in ((a, b), (b, a)) if not never_negative_zero(other)])
    return operands
