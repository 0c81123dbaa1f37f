"""What every pass over graphs shares: its signature, and building the new graph from the old one."""

from __future__ import annotations

from typing import ClassVar, Protocol, final

from tapec.ir.graph import Graph, Op, Value


class Pass(Protocol):
    """Graph in, graph out. The input is left as it was; inputs and outputs keep their number, order and types.

    A pass is a frozen dataclass whose fields are its options.
    """

    name: ClassVar[str]

    def run(self, graph: Graph) -> Graph:
        """A new graph that computes the same."""


@final
class Rebuild:
    """A new graph in the making, and where each value of the old one went.

    Attributes:
        graph: the new graph; it begins with inputs like the old one's.
        mapping: the new value of each old one that has been handled.
    """

    __slots__ = ("_old", "graph", "mapping")

    def __init__(self, old: Graph) -> None:
        self._old = old
        self.graph = Graph(old.name)
        self.mapping: dict[Value, Value] = {value: self.graph.add_input(value.type) for value in old.inputs}

    def moved(self, op: Op) -> Op:
        """`op` with new operands, not yet in the graph. Types of values never change, so nothing is inferred."""
        mapping = self.mapping
        return Op(
            op.primitive,
            tuple([mapping[v] for v in op.operands]),
            op.attributes,
            tuple([v.type for v in op.results]),
            op.location,
            op.phase,
        )

    def copy(self, op: Op) -> None:
        """Appends `op` with new operands."""
        moved = self.moved(op)
        self.graph.ops.append(moved)
        self.mapping.update(zip(op.results, moved.results, strict=True))

    def finish(self) -> Graph:
        """The new graph, with the old one's outputs."""
        self.graph.outputs = [self.mapping[v] for v in self._old.outputs]
        return self.graph
