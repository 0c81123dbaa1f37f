"""Reverse mode: from a graph to the graph that computes cotangents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tapec.ir.graph import Graph, Value
from tapec.ops.symbolic import Sym
from tapec.passes.activity import active_values
from tapec.passes.derivative_graph import AdjointGraph, DerivativeGraph, accumulate
from tapec.passes.derivatives.table import Flow
from tapec.passes.pullback import pull, pull_structured


def adjoint(
    graph: Graph,
    targets: Sequence[Value],
    wrt: Sequence[Value],
    given: Sequence[bool] | None = None,
    sums: Sequence[Value] = (),
) -> AdjointGraph:
    """The graph of the gradient of `targets` with respect to `wrt`, in time linear in the length of `graph`.

    Args:
        graph: what was computed.
        targets: values whose cotangents are given, or are one in every element; what several of them, or one named
            twice, contribute is added.
        wrt: values to differentiate by, intermediate ones included. A derivative with respect to one does not stop
            there but goes on to those before it.
        given: for each target whether its cotangent is an input; without it all are.
        sums: inputs of `graph` that have received something already, which is an input too, behind the cotangents.

    Raises:
        NotDifferentiableError: an op between `wrt` and `targets` has no derivative rule.
    """
    derivative = DerivativeGraph(f"{graph.name}_adjoint", "adjoint")
    active, ops = active_values(graph, wrt)
    seeds = [derivative.seed(t.type) if given is None or given[i] else None for i, t in enumerate(targets)]
    cts: dict[Value, Sym | None] = {value: derivative.seed(value.type) for value in sums}
    for target, seed in zip(targets, seeds, strict=True):
        if target in active:  # an input that is a target goes on from what it has received
            accumulate(cts, target, seed or derivative.number(1.0, target.type))
    wanted = set(wrt)
    for op, positions in reversed(ops):
        reached = [i for i, out in enumerate(op.results) if out in cts]
        if not reached:
            continue
        received = {i: cts[out] if (out := op.results[i]) in wanted else cts.pop(out) for i in reached}
        if all(ct is None for ct in received.values()):
            for i in positions:
                accumulate(cts, op.operands[i], None)
            continue
        derivative.builder.location = op.location
        operands = [derivative.primal(v) for v in op.operands]
        outs = [derivative.primal(v) for v in op.results]
        if op.primitive.results != 1:
            results = [i for i, out in enumerate(op.results) if out in active]
            flow = Flow(positions, results, partial(_taken, cts, op.operands))
            found = pull_structured(op, outs, operands, [received.get(i) for i in range(len(outs))], flow, adjoint)
        else:
            (ct,) = received.values()
            assert ct is not None
            found = pull(op, outs[0], operands, ct, positions)
        for i, part in found:
            accumulate(cts, op.operands[i], part)
    full = {value: derivative.full(cts[value], value.type).value for value in dict.fromkeys(wrt) if value in cts}
    gradients = tuple([full.get(value) for value in wrt])
    finished, residuals = derivative.finish([value for value in gradients if value is not None])
    return AdjointGraph(finished, residuals, gradients)


def _taken(cts: dict[Value, Sym | None], operands: tuple[Value, ...], position: int) -> Sym | None:
    """What an operand has received so far, which is then the taker's."""
    return cts.pop(operands[position], None)
