"""What the derivative rules of control flow share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op, Value
from tapec.ops.symbolic import Sym, broadcast, zeros
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.derivative_graph import AdjointGraph, TangentGraph
from tapec.passes.pruning import pruned
from tapec.passes.splice import splice
from tapec.passes.sums import is_zero

Adjoint = Callable[..., AdjointGraph]
Tangent = Callable[..., TangentGraph]
ActiveValues = Callable[[Graph, Iterable[Value]], tuple[set[Value], object]]


def connected(values: Sequence[Value | None]) -> dict[int, Value]:
    """By position the derivatives that are there and not zero everywhere."""
    return {i: value for i, value in enumerate(values) if value is not None and not is_zero(value)}


def full(x: Sym | None, builder: Builder, like: Value) -> Value:
    """A lean value or a symbolic zero in the shape of `like`."""
    return (zeros(builder, like.type) if x is None else broadcast(x, like.shape)).value


def spliced(
    made: AdjointGraph | TangentGraph, seeds: Sequence[Value], primals: dict[Value, Value], into: Graph
) -> list[Value | None]:
    """Copies a derivative graph into a region; its results there, one for each value asked for.

    Args:
        made: the derivative of a region.
        seeds: the cotangents or tangents that it gets.
        primals: for each value of the differentiated region that it reads what stands for it.
        into: the new region.
    """
    mapping = splice(made.graph, into, [*seeds, *[primals[v] for v in made.residuals]])
    results = made.gradients if isinstance(made, AdjointGraph) else made.tangents
    return [None if v is None else mapping[v] for v in results]


def emit_pruned(builder: Builder, op: Op, wanted: Iterable[int]) -> dict[int, Sym]:
    """Appends what remains of `op`, which is in no graph yet, when only the results at `wanted` are read.

    A tape must keep every operand of a derivative's ops, so that what they do not need had better go at once.

    Returns:
        Results by position, among them those at `wanted`.
    """
    part = pruned(op, sorted(wanted), DeadCodeElimination().run)
    made = builder.emit(op.primitive, tuple([op.operands[i] for i in part.operands]), part.attributes, part.regions)
    return {i: Sym(builder, value) for i, value in zip(part.results, made.results, strict=True)}
