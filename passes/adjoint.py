"""Reverse mode: from a graph to the graph that computes cotangents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tapec.ir.graph import Graph, Value
from tapec.ops.symbolic import Sym
from tapec.passes.activity import active_values
from tapec.passes.derivative_graph import DerivativeGraph, accumulate
from tapec.passes.pullback import pull


@dataclass(frozen=True, slots=True)
class AdjointGraph:
    """What `adjoint` makes.

    Attributes:
        graph: its inputs are the cotangents of those targets that were `given`, then the residuals; its outputs are the
            gradients that are connected.
        residuals: the values of the primal graph that it reads.
        gradients: for each value asked for its cotangent in `graph`, or None where no target depends on it.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    gradients: tuple[Value | None, ...]


def adjoint(
    graph: Graph, targets: Sequence[Value], wrt: Sequence[Value], given: Sequence[bool] | None = None
) -> AdjointGraph:
    """The graph of the gradient of `targets` with respect to `wrt`, in time linear in the length of `graph`.

    Args:
        graph: what was computed.
        targets: values whose cotangents are given, or are one in every element; what several of them, or one named
            twice, contribute is added.
        wrt: values to differentiate by, intermediate ones included. A derivative with respect to one does not stop
            there but goes on to those before it.
        given: for each target whether its cotangent is an input; without it all are.

    Raises:
        NotDifferentiableError: an op between `wrt` and `targets` has no derivative rule.
    """
    derivative = DerivativeGraph(f"{graph.name}_adjoint", "adjoint")
    active, ops = active_values(graph, wrt)
    cts: dict[Value, Sym | None] = {}
    for i, target in enumerate(targets):
        seeded = given is None or given[i]
        ct = derivative.seed(target.type) if seeded else None
        if target in active:
            accumulate(cts, target, ct or derivative.number(1.0, target.type))
    wanted = set(wrt)
    for op, positions in reversed(ops):
        out = op.results[0]
        if out not in cts:
            continue
        ct = cts[out] if out in wanted else cts.pop(out)
        if ct is None:
            for i in positions:
                accumulate(cts, op.operands[i], None)
            continue
        derivative.builder.location = op.location
        operands = [derivative.primal(v) for v in op.operands]
        for i, received in pull(op, derivative.primal(out), operands, ct, positions):
            accumulate(cts, op.operands[i], received)
    full = {value: derivative.full(cts[value], value.type).value for value in dict.fromkeys(wrt) if value in cts}
    gradients = tuple([full.get(value) for value in wrt])
    finished, residuals = derivative.finish([value for value in gradients if value is not None])
    return AdjointGraph(finished, residuals, gradients)
