"""Fusion: which ops run in one loop nest.

Elementwise ops, and the reductions that eat them, join a group when they walk the same domain; several results of a
group may leave it. The rule for joining keeps the groups free of cycles: an op may enter a group unless one of its
operands comes from a group that itself depends on that one. Constants and views belong to no group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import creation, movement
from tapec.passes.in_place import taken_over
from tapec.passes.materialize import LIBRARY
from tapec.passes.pieces import Piece, inner_concats, pieces
from tapec.passes.views import VIEWS, View, ViewTable, dense_strides, views_of

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One op of a group; of a `concat`, one operand of it.

    Args:
        op: the op.
        domain: extents that it walks.
        axes: for reductions, the domain axes that it reduces; else None.
        piece: for `concat`, the part of it that this node writes; else None.
    """

    op: Op
    domain: Shape
    axes: Shape | None = None
    piece: Piece | None = None

    def reads(self, views: ViewTable) -> list[View]:
        """What this node reads."""
        return [views[v] for v in self.op.operands] if self.piece is None else [self.piece.view]


@dataclass(slots=True, eq=False)
class Group:
    """Nodes that become one step of the program.

    Attributes:
        domain: extents that all of them walk.
        nodes: in program order.
        axes: the axes that its reductions reduce; None while it has none.
        library: whether it is a single op that is not a loop nest of ours (a gather, a sort, a matrix product, ...).
    """

    domain: Shape
    nodes: list[Node] = field(default_factory=list)
    axes: Shape | None = None
    library: bool = False


# A nest with more streams than this runs out of registers and of the caches' ways.
MAX_NODES = 96
# How many earlier groups of the same domain an op may join that none of its operands comes from.
NEIGHBOURS = 4


@dataclass(frozen=True, slots=True)
class Fused:
    """Groups in an order in which each depends on earlier ones only, with the views through which they read."""

    graph: Graph
    groups: tuple[Group, ...]
    views: ViewTable


def _nodes(op: Op, views: ViewTable, inner: set[Value]) -> list[Node]:
    """The nodes that an op becomes; `inner` as in `tapec.passes.pieces`."""
    attributes: Any = op.attributes
    if op.primitive is movement.concat:
        return [Node(op, piece.view.shape, piece=piece) for piece in pieces(op, views, inner)]
    if op.primitive.family.name == "reduction":
        return [Node(op, op.operands[0].shape, axes=attributes["axes"])]
    return [Node(op, op.results[0].shape if op.results else ())]


class _Fusion:
    def __init__(self, graph: Graph, seeds: Mapping[Value, View] | None) -> None:
        self.graph = graph
        self.views = views_of(graph, seeds)
        self.groups: list[Group] = []
        self.ancestors: list[int] = []  # bit h of ancestors[g]: group g needs a result of group h
        self.readers: list[set[int]] = []  # the groups that read a result of this one directly
        self.producers: dict[Value, dict[int, Node]] = {}
        self.by_domain: dict[Shape, list[int]] = {}
        self.reading: dict[Value, set[int]] = {}  # the groups that read each value's memory

    def run(self) -> Fused:
        inner = inner_concats(self.graph, self.views)
        for op in self.graph.ops:
            if op.primitive in VIEWS or op.primitive is creation.constant or not inner.isdisjoint(op.results):
                continue
            library = op.primitive in LIBRARY
            for node in _nodes(op, self.views, inner):
                views = node.reads(self.views)
                home = None if library else self._home(node, views)
                if home is None:
                    home = self._new_group(node, library)
                self._enter(node, home, views)
        return Fused(self.graph, tuple(self._ordered()), self.views)

    def _new_group(self, node: Node, library: bool) -> int:
        self.groups.append(Group(node.domain, library=library))
        self.ancestors.append(0)
        self.readers.append(set())
        if not library:
            self.by_domain.setdefault(node.domain, []).append(len(self.groups) - 1)
        return len(self.groups) - 1

    def _sources(self, views: list[View]) -> set[int]:
        return {g for view in views for g in self.producers.get(view.base, ())}

    def _home(self, node: Node, views: list[View]) -> int | None:
        sources = self._sources(views)
        near = self.by_domain.get(node.domain, [])
        for g in sorted({*sources, *near[-NEIGHBOURS:]}, reverse=True):
            if self._may_join(node, g, views, sources):
                return g
        return None

    def _may_join(self, node: Node, g: int, views: list[View], sources: set[int]) -> bool:
        group = self.groups[g]
        if group.library or group.domain != node.domain or len(group.nodes) >= MAX_NODES:
            return False
        if node.axes is not None and group.axes not in (None, node.axes):
            return False
        for view in views:
            made_by = self.producers.get(view.base, {}).get(g)
            if made_by is not None and not readable_in_place(made_by, node, view):
                return False
        return not any(h != g and self.ancestors[h] >> g & 1 for h in sources)

    def _enter(self, node: Node, g: int, views: list[View]) -> None:
        group = self.groups[g]
        group.nodes.append(node)
        if node.axes is not None:
            group.axes = node.axes
        sources = self._sources(views)
        if group.library:  # what reads memory goes before what may write over it
            sources = sources.union(*[self.reading.get(views[i].base, ()) for i, _ in taken_over(node.op)])
        for view in views:
            self.reading.setdefault(view.base, set()).add(g)
        needed = 0
        for h in sources - {g}:
            needed |= 1 << h | self.ancestors[h]
            self.readers[h].add(g)
        behind = [g]
        while behind:
            h = behind.pop()
            if needed & ~self.ancestors[h]:
                self.ancestors[h] |= needed
                behind += self.readers[h]
        for value in node.op.results:
            self.producers.setdefault(value, {})[g] = node

    def _ordered(self) -> list[Group]:
        # Program order where dependences allow, so that values die soon. A group's ancestors are a strict subset of
        # those of every group that depends on it, so sorting by their number puts a group behind what it needs.
        order: list[int] = []
        done = 0
        for g in range(len(self.groups)):
            missing = (self.ancestors[g] | 1 << g) & ~done
            done |= missing
            waiting = []
            while missing:
                lowest = missing & -missing
                waiting.append(lowest.bit_length() - 1)
                missing ^= lowest
            order += sorted(waiting, key=lambda h: (self.ancestors[h].bit_count(), h))
        return [self.groups[g] for g in order]


def readable_in_place(made_by: Node, reader: Node, view: View) -> bool:
    """Whether `reader` finds the element of `view` that it needs in a register, where `made_by` has just put it."""
    if made_by.axes is not None or made_by.piece is not None or reader.op.primitive is movement.unslice:
        return False
    return view.offset == 0 and view.over(reader.domain) == _dense_over(made_by.domain)


def _dense_over(domain: Shape) -> Shape:
    return tuple([0 if n == 1 else s for n, s in zip(domain, dense_strides(domain), strict=True)])


def fuse(graph: Graph, seeds: Mapping[Value, View] | None = None) -> Fused:
    """Groups of a graph that `materialize` has prepared; `seeds` as in `views_of`."""
    return _Fusion(graph, seeds).run()
