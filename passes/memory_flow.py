"""Which values of the forward pass its backward pass reads, and for how long: what a memory budget is about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import final

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import creation, rows, update
from tapec.ops import elementwise as ew
from tapec.passes.recompute import makers
from tapec.passes.splice import copied
from tapec.passes.views import VIEWS, views_of


@final
class MemoryFlow:
    """A graph as a forward pass and the rest, which holds the backward pass.

    Attributes:
        graph: the graph.
        forward: ops of the forward pass, in order: those that no derivative pass wrote and that depend on none such.
        crossing: values that they make and the rest reads, in order.
        free: values that are in memory in any case (inputs, outputs) or that take none (constants).
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        behind: set[Value] = set()
        self.forward: list[Op] = []
        for op in graph.ops:
            if op.phase == "adjoint" or not behind.isdisjoint(op.operands):
                behind.update(op.results)
            else:
                self.forward.append(op)
        made = {v for op in self.forward for v in op.results}
        read = {v for op in graph.ops if not behind.isdisjoint(op.results) for v in op.operands}
        self.crossing = [v for op in self.forward for v in op.results if v in read]
        constants = {v for op in self.forward if op.primitive is creation.constant for v in op.results}
        self.free = {*graph.inputs, *constants, *[v for v in graph.outputs if v in made]}

    @staticmethod
    def repeatable(op: Op) -> bool:
        """Whether an op may run a second time: not one with an effect, nor one that writes into another's memory."""
        return "effect" not in op.primitive.traits and op.primitive.family not in (update.UPDATE, rows.STORED_ROWS)


@dataclass(frozen=True, slots=True)
class Recomputation:
    """A graph whose backward pass computes some values of the forward pass again.

    Attributes:
        graph: the graph.
        again: the ops that do.
    """

    graph: Graph
    again: list[Op]


def recomputing(flow: MemoryFlow, saved: Collection[Value]) -> Recomputation:
    """Keeps `saved`; of the other crossing values each is computed again right before the first op that reads it."""
    graph = flow.graph
    out = Graph(graph.name)
    mapping = {v: out.add_input(v.type) for v in graph.inputs}
    forward = set(flow.forward)
    remade = dict(mapping)  # what the backward pass reads in the place of each value
    again: list[Op] = []
    for op in graph.ops:
        if op in forward:
            made = copied(op, mapping)
            mapping.update(zip(op.results, made.results, strict=True))
            out.ops.append(made)
            remade.update({v: mapping[v] for v in op.results if v in saved or v in flow.free})
            continue
        needed_ops = makers(op.operands, remade.__contains__)
        assert needed_ops is not None, "inputs are there"
        for needed in needed_ops:
            made = copied(needed, remade, "adjoint")
            for v, new in zip(needed.results, made.results, strict=True):
                remade.setdefault(v, new)
            out.ops.append(made)
            again.append(made)
        made = copied(op, remade)
        remade.update(zip(op.results, made.results, strict=True))
        mapping.update(zip(op.results, made.results, strict=True))
        out.ops.append(made)
    out.outputs = [mapping[v] for v in graph.outputs]
    return Recomputation(out, again)


def peak(made: Recomputation) -> tuple[int, list[Value]]:
    """Most bytes of values of the forward pass that are alive at once in the backward pass, and these values.

    A recomputed value whose readers follow with nothing but elementwise functions between is never in memory: one loop
    nest does all of that.
    """
    graph, again = made.graph, set(made.again)
    flow = MemoryFlow(graph)
    views = views_of(graph)
    forward = set(flow.forward)
    first = next((i for i, op in enumerate(graph.ops) if op not in forward), len(graph.ops))
    nest, nests = 0, []  # for each op the number of the run of elementwise functions that it belongs to
    for op in graph.ops:
        simple = op.primitive.family is ew.ELEMENTWISE or op.primitive in VIEWS or op.primitive is creation.constant
        nest += 0 if simple else 1
        nests.append(nest)
        nest += 0 if simple else 1
    defined: dict[Value, int] = {}
    spans: dict[Value, tuple[int, int]] = {}
    for i, op in enumerate(graph.ops):
        if op not in forward:
            for operand in op.operands:
                base = views[operand].base
                if base in defined and base not in flow.free:
                    start = defined[base]
                    if graph.ops[start] in forward or nests[start] != nests[i]:
                        spans[base] = (max(start, first), i)
        if op in forward or op in again:
            defined.update(dict.fromkeys(op.results, i))
    best: tuple[int, list[Value]] = (0, [])
    for moment in {start for start, _ in spans.values()}:
        alive = [v for v, (start, end) in spans.items() if start <= moment <= end]
        total = sum(v.type.nbytes for v in alive)
        if total > best[0]:
            best = (total, alive)
    return best
