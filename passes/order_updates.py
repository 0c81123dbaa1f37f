"""Updates as late as possible: behind everything that reads the version that they may write over.

An update can use the memory of its first operand if nobody reads that afterwards (`passes.in_place`). So updates wait
until something needs their result, and what still reads the old version, and can be computed, goes first. A part of the
old version that is only read later is copied: the residuals of a loop that reads elements of what it writes are such.

    %1 = "tapec.slice_set"(%0, %a)             %2 = "tapec.mul"(%0, %b)
    %2 = "tapec.mul"(%0, %b)                   %5 = "tapec.slice"(%0)
    %3 = "tapec.sum"(%1)                ->     %6 = "tapec.copy"(%5)
    %4 = "tapec.slice"(%0)                     %1 = "tapec.slice_set"(%0, %a)
    %5 = "tapec.mul"(%4, %3)                   %3 = "tapec.sum"(%1)
                                               %5 = "tapec.mul"(%6, %3)
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, Value
from tapec.ops import creation
from tapec.ops import elementwise as ew
from tapec.passes.graph_pass import Rebuild
from tapec.passes.in_place import UPDATES
from tapec.passes.views import VIEWS, View, ViewTable, views_of


def order_updates(graph: Graph, seeds: Sequence[View | None] = ()) -> Graph:
    """See the module.

    Args:
        graph: one that `materialize` has prepared.
        seeds: of a region, for each input the view that it is of a value outside, or None.
    """
    if not any(op.primitive in UPDATES for op in graph.ops):
        return graph
    known = {v: seed for v, seed in zip(graph.inputs, seeds, strict=False) if seed is not None}
    return _Ordering(graph, views_of(graph, known)).run()


class _Ordering:
    """The graph in its new order, as far as it is written.

    Attributes:
        readers: the ops, views apart, that read each value or a view of it.
        copies: for a view of a version that is gone what stands for it.
    """

    def __init__(self, graph: Graph, views: ViewTable) -> None:
        self.graph = graph
        self.views = views
        self.out = Rebuild(graph)
        self.done: set[Op] = set()
        self.copies: dict[Value, Value] = {}
        self.readers: dict[Value, list[Op]] = {}
        for op in graph.ops:
            if op.primitive not in VIEWS:
                for base in {views[v].base for v in op.operands}:
                    self.readers.setdefault(base, []).append(op)

    def run(self) -> Graph:
        """The new graph."""
        for op in self.graph.ops:
            if not _waits(op):
                self._write(op)
        for value in self.graph.outputs:
            if value.op is not None:
                self._write(value.op)
        return self.out.finish()

    def _write(self, wanted: Op) -> None:
        """Appends an op behind what it needs, and behind what must not come later."""
        stack = [wanted]
        cleared: set[Op] = set()
        while stack:
            op = stack[-1]
            if op in self.done:
                stack.pop()
                continue
            first = [v.op for v in op.operands if v.op is not None and v not in self.copies and v.op not in self.done]
            if not first and op.primitive in UPDATES and op not in cleared:
                cleared.add(op)
                first = self._before(op)
            if first:
                stack += first
                continue
            stack.pop()
            self._append(op)

    def _append(self, op: Op) -> None:
        self.done.add(op)
        if any(v in self.copies for v in op.operands):
            op_operands = tuple([self.copies.get(v) or self.out.mapping[v] for v in op.operands])
            types = tuple([v.type for v in op.results])
            made = Op(op.primitive, op_operands, op.attributes, types, op.location, op.phase, op.regions)
            self.out.graph.ops.append(made)
            self.out.mapping.update(zip(op.results, made.results, strict=True))
        else:
            self.out.copy(op)

    def _before(self, update: Op) -> list[Op]:
        """What reads the version that an update writes over and can be computed by now; parts read later are copied."""
        base = self.views[update.operands[0]].base
        first, later = [], []
        for reader in self.readers[base]:
            if reader in self.done or reader is update:
                continue
            movable = reader.primitive not in UPDATES and reader.primitive is not creation.guard
            if movable and all(self._is_there(v) for v in reader.operands):
                first.append(reader)
            else:
                later += [v for v in reader.operands if self.views[v].base is base]
        later += [v for v in update.operands[1:] if self.views[v].base is base]
        parts = [v for v in dict.fromkeys(later) if v not in self.copies]
        if all(self._is_there(v) for v in parts) and sum(v.type.size for v in parts) < base.type.size:
            for value in parts:
                self._copy(value, update)
        return first

    def _is_there(self, value: Value) -> bool:
        """Whether a value has been computed, or is a view of what has been."""
        op = value.op
        if op is None or op in self.done or value in self.copies or op.primitive is creation.constant:
            return True
        return op.primitive in VIEWS and all(self._is_there(v) for v in op.operands)

    def _copy(self, value: Value, like: Op) -> None:
        chain = []
        op = value.op
        while op is not None and op not in self.done:
            chain.append(op)
            op = op.operands[0].op if op.operands else None
        for op in reversed(chain):
            self._append(op)
        self.copies[value] = emit(
            self.out.graph, ew.copy, (self.out.mapping[value],), {}, like.location, like.phase
        ).result


def _waits(op: Op) -> bool:
    """Whether an op is written when its result is needed, and not before."""
    return op.primitive in UPDATES or op.primitive in VIEWS or op.primitive is creation.constant
