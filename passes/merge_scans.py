"""Loops over the same rounds that compute the same carries become one.

Reverse mode runs a loop forward once more to stack what its derivative reads, and forward mode runs it once more beside
the tangents. In a program that also needs the loop itself both are one loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapec.ir.builder import emit
from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ops import control
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.graph_pass import Rebuild
from tapec.passes.splice import splice


@final
@dataclass(frozen=True, slots=True)
class MergeScans:
    """Merges two scans of one length and direction if each carry of one of them is a carry of the other.

        %0 = "tapec.scan"(%init, %xs) ({ ... return(%next) }) ...              the loop itself
        %1:2 = "tapec.scan"(%init, %xs) ({ ... return(%next, %residual) }) ...
                    ->      %0:2 = "tapec.scan"(%init, %xs) ({ ... return(%next, %residual) }) ...

    Which carries are the same is found by assuming that all with the same first value are, and dropping the assumption
    for those whose next values then differ. The ops of both bodies go through `cse`, and loops in them are merged in
    turn. Of loops without carries those are merged that share an op.
    """

    name: ClassVar[str] = "merge_scans"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        if not any(op.regions for op in graph.ops):
            return graph
        rebuild = Rebuild(graph, self.run)
        for op in graph.ops:
            rebuild.copy(op)
        graph = rebuild.finish()
        while (found := self._pair(graph)) is not None:
            graph = _replaced(graph, *found)
        return graph

    def _pair(self, graph: Graph) -> tuple[Op, Op, _Merged] | None:
        """The first two loops that can be merged."""
        defined = set(graph.inputs)
        for i, first in enumerate(graph.ops):
            if first.primitive is control.scan:
                for second in graph.ops[i + 1 :]:
                    # The loop that replaces both stands where the first one does.
                    if second.primitive is control.scan and defined.issuperset(second.operands):
                        merged = _merge(first, second, self._clean)
                        if merged is not None:
                            return first, second, merged
            defined.update(first.results)
        return None

    def _clean(self, graph: Graph) -> Graph:
        cse = CommonSubexpressionElimination()
        return cse.run(self.run(cse.run(graph)))


@dataclass(frozen=True, slots=True)
class _Merged:
    """A loop that does what two did.

    Attributes:
        operands: its operands.
        attributes: its attributes.
        region: its body.
        results: for each result of the first and of the second loop the position of the result that it becomes.
    """

    operands: tuple[Value, ...]
    attributes: dict[str, Any]
    region: Graph
    results: tuple[list[int], list[int]]


def _merge(first: Op, second: Op, clean: Callable[[Graph], Graph]) -> _Merged | None:
    loops = (first, second)
    if any(first.attributes[name] != second.attributes[name] for name in ("length", "reverse")):
        return None
    parts = [control.scan_parts(op.operands, op.attributes) for op in loops]
    inits = [carries for _, carries, _ in parts]
    if not (set(inits[0]) <= set(inits[1]) or set(inits[1]) <= set(inits[0])):
        return None
    consts = list(dict.fromkeys([*parts[0][0], *parts[1][0]]))
    xs = list(dict.fromkeys([*parts[0][2], *parts[1][2]]))
    numbers = {v: n for n, v in enumerate(dict.fromkeys([*inits[0], *inits[1]]))}
    classes = [[numbers[v] for v in carries] for carries in inits]  # the class of each carry
    while True:
        count = len({c for found in classes for c in found})
        body = clean(_joined(loops, parts, consts, classes, xs))
        outputs = iter(body.outputs)
        after = [[next(outputs) for _ in op.results] for op in loops]
        keys: dict[tuple[int, Value], int] = {}
        finer = [
            [keys.setdefault((c, v), len(keys)) for c, v in zip(found, values, strict=False)]
            for found, values in zip(classes, after, strict=True)
        ]
        if len(keys) == count:
            break
        classes = finer
    of = [set(found) for found in classes]
    if not (of[0] <= of[1] or of[1] <= of[0]):
        return None
    if not (of[0] and of[1]) and len(body.ops) == sum(len(op.regions[0].ops) for op in loops):
        return None
    return _assemble(loops, inits, consts, xs, classes, body, after)


def _joined(
    loops: tuple[Op, Op],
    parts: list[tuple[list[Value], list[Value], list[Value]]],
    consts: list[Value],
    classes: list[list[int]],
    xs: list[Value],
) -> Graph:
    """Both bodies, one behind the other, over consts, one carry for each class, and xs."""
    body = Graph(REGION)
    inputs = {("const", v): body.add_input(v.type) for v in consts}
    carries: dict[int, Value] = {}
    for (_, inits, _), found in zip(parts, classes, strict=True):
        for init, c in zip(inits, found, strict=True):
            if c not in carries:
                carries[c] = Value(init.type)
    body.inputs += [carries[c] for c in sorted(carries)]
    for op, (_, _, slices) in zip(loops, parts, strict=True):
        inside = op.regions[0].inputs[len(op.operands) - len(slices) :]
        for v, like in zip(slices, inside, strict=True):
            if ("x", v) not in inputs:
                inputs["x", v] = Value(like.type)
    body.inputs += [inputs["x", v] for v in xs]
    for op, (own_consts, _, own_xs), found in zip(loops, parts, classes, strict=True):
        given = [inputs["const", v] for v in own_consts] + [carries[n] for n in found]
        given += [inputs["x", v] for v in own_xs]
        mapping = splice(op.regions[0], body, given)
        body.outputs += [mapping[v] for v in op.regions[0].outputs]
    return body


def _assemble(
    loops: tuple[Op, Op],
    inits: list[list[Value]],
    consts: list[Value],
    xs: list[Value],
    classes: list[list[int]],
    body: Graph,
    after: list[list[Value]],
) -> _Merged:
    init_of: dict[int, Value] = {}
    next_of: dict[int, Value] = {}
    for carries, found, values in zip(inits, classes, after, strict=True):
        for first, c, following in zip(carries, found, values, strict=False):
            init_of[c], next_of[c] = first, following
    order = sorted(init_of)
    ys = list(dict.fromkeys([v for op, values in zip(loops, after, strict=True) for v in values[_carries(op) :]]))
    region = Graph(REGION, body.inputs, body.ops, [*[next_of[c] for c in order], *ys])
    attributes = {**loops[0].attributes, "consts": len(consts), "carries": len(order)}
    positions: list[list[int]] = []
    for op, found, values in zip(loops, classes, after, strict=True):
        positions.append([order.index(c) for c in found])
        positions[-1] += [len(order) + ys.index(v) for v in values[_carries(op) :]]
    operands = (*consts, *[init_of[c] for c in order], *xs)
    return _Merged(operands, attributes, region, (positions[0], positions[1]))


def _carries(op: Op) -> int:
    carries = op.attributes["carries"]
    assert isinstance(carries, int)
    return carries


def _replaced(graph: Graph, first: Op, second: Op, merged: _Merged) -> Graph:
    """`graph` with one loop in the place of `first`, and without `second`."""
    rebuild = Rebuild(graph)
    for op in graph.ops:
        if op is first:
            operands = tuple([rebuild.mapping[v] for v in merged.operands])
            made = emit(
                rebuild.graph, control.scan, operands, merged.attributes, op.location, op.phase, (merged.region,)
            )
            for old, positions in zip((first, second), merged.results, strict=True):
                rebuild.mapping.update(zip(old.results, [made.results[i] for i in positions], strict=True))
        elif op is not second:
            rebuild.copy(op)
    return rebuild.finish()
