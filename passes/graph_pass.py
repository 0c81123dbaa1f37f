"""What every pass over graphs shares: its signature, and building the new graph from the old one."""

from __future__ import annotations

from collections.abc import Callable
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

    Args:
        old: the graph that the pass was given.
        inner: what becomes of the regions of its ops; they stay as they are if it is not given.

    Attributes:
        graph: the new graph; it begins with inputs like the old one's.
        mapping: the new value of each old one that has been handled.
    """

    __slots__ = ("_inner", "_old", "graph", "mapping")

    def __init__(self, old: Graph, inner: Callable[[Graph], Graph] | None = None) -> None:
        self._old = old
        self._inner = inner
        self.graph = Graph(old.name)
        self.mapping: dict[Value, Value] = {value: self.graph.add_input(value.type) for value in old.inputs}

    def moved(self, op: Op) -> Op:
        """`op` with new operands, not yet in the graph. Types of values never change, so nothing is inferred."""
        mapping, regions = self.mapping, op.regions
        if regions and self._inner is not None:
            regions = tuple([self._inner(region) for region in regions])
        return Op(
            op.primitive,
            tuple([mapping[v] for v in op.operands]),
            op.attributes,
            tuple([v.type for v in op.results]),
            op.location,
            op.phase,
            regions,
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
