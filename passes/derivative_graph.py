"""A derivative graph in the making: what `passes.adjoint` and `passes.tangent` share."""

from __future__ import annotations

from typing import NamedTuple, final

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Value
from tapec.ir.types import TensorType
from tapec.ops import creation
from tapec.ops.symbolic import Sym, broadcast, zeros
from tapec.passes.sums import added


class AdjointGraph(NamedTuple):
    """What `tapec.passes.adjoint` makes.

    Attributes:
        graph: its inputs are the cotangents of those targets that were `given`, the sums that it goes on from, then the
            residuals; its outputs are the gradients that are connected.
        residuals: the values of the primal graph that it reads.
        gradients: for each value asked for its cotangent in `graph`, or None where no target depends on it.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    gradients: tuple[Value | None, ...]


class TangentGraph(NamedTuple):
    """What `tapec.passes.tangent` makes.

    Attributes:
        graph: its inputs are the tangents of the values differentiated by, then the residuals; its outputs are the
            tangents that are connected.
        residuals: the values of the primal graph that it reads.
        tangents: for each target its tangent in `graph`, or None where it depends on nothing differentiated by.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    tangents: tuple[Value | None, ...]


@final
class DerivativeGraph:
    """Appends to a new graph; its values stand beside the primal ones, which become inputs where they are read.

    Args:
        name: of the new graph.
        phase: of the ops in it.
    """

    __slots__ = ("_primals", "builder", "seeds")

    def __init__(self, name: str, phase: str) -> None:
        self.builder = Builder(Graph(name), phase)
        self.seeds: list[Value] = []
        self._primals: dict[Value, Sym] = {}

    def seed(self, type: TensorType) -> Sym:
        """A new input: the cotangent of a target, or the tangent of a source."""
        value = Value(type)
        self.seeds.append(value)
        return Sym(self.builder, value)

    def number(self, value: float, type: TensorType) -> Sym:
        """A scalar constant of the type's dtype."""
        op = self.builder.emit(creation.constant, (), {"value": value, "dtype": type.dtype.name})
        return Sym(self.builder, op.result)

    def primal(self, value: Value) -> Sym:
        """A value of the primal graph: constants again, anything else an input if an op that matters reads it."""
        found = self._primals.get(value)
        if found is None:
            if value.op is not None and value.op.primitive is creation.constant:
                op = self.builder.emit(creation.constant, (), value.op.attributes)
                found = Sym(self.builder, op.result)
            else:
                found = Sym(self.builder, Value(value.type))
            self._primals[value] = found
        return found

    def full(self, x: Sym | None, type: TensorType) -> Sym:
        """A lean value, or a symbolic zero, at its full shape."""
        return zeros(self.builder, type) if x is None else broadcast(x, type.shape)

    def finish(self, outputs: list[Value]) -> tuple[Graph, tuple[Value, ...]]:
        """The graph without dead ops, and the primal values that its inputs behind the seeds stand for."""
        graph = self.builder.graph
        live = set(outputs)
        kept = []
        for op in reversed(graph.ops):
            if not live.isdisjoint(op.results):
                kept.append(op)
                live.update(op.operands)
        graph.ops = kept[::-1]
        residuals = [(v, sym.value) for v, sym in self._primals.items() if sym.value.op is None and sym.value in live]
        graph.inputs = self.seeds + [value for _, value in residuals]
        graph.outputs = outputs
        return graph, tuple([v for v, _ in residuals])


def accumulate(sums: dict[Value, Sym | None], value: Value, received: Sym | None) -> None:
    """Adds to the cotangent of `value`; an entry of None is a symbolic zero, a missing one means unconnected."""
    present = sums.get(value)
    if present is None or received is None:
        sums[value] = present if received is None else received
    else:
        sums[value] = added(present, received)
