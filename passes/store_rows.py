"""A while loop that is differentiated stores what its backward loop reads in its only forward run.

Reverse mode gives `sweeps` whose first loop runs the rounds of a while loop once more to store rows. In a program that
also needs that loop, as all do that also count its rounds, it stores the rows itself, in memory that grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.builder import emit
from tapec.ir.graph import REGION, Attribute, Graph, Op, Value
from tapec.ir.types import TensorType
from tapec.ops import control, rows
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.graph_pass import Rebuild
from tapec.passes.loop_merging import LoopView, Merged, merged, moved_before, view_of
from tapec.passes.merge_loops import MergeLoops
from tapec.passes.splice import splice


@final
@dataclass(frozen=True, slots=True)
class StoreRows:
    """Takes the first loop out of `sweeps` if a while loop has the same carries and the same number of rounds.

        %0:2 = "tapec.while_loop"(%init) (...)
        %1:2 = "tapec.sweeps"(%0#1, %init, %ct) ({ ... return(%next, %row) }, { ... })
                    ->      %0:3 = "tapec.while_rows"(%init) (..., { ... return(%next, %row) })
                            %1 = "tapec.sweep_rows"(%0#2, %ct) ({ ... })

    Each while loop has rows for one op; further ones run it again. It belongs behind every pass that knows `sweeps`.
    """

    name: ClassVar[str] = "store_rows"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        if not any(op.regions for op in graph.ops):
            return graph
        while (found := _pair(graph)) is not None:
            graph = _replaced(graph, *found)
        rebuild = Rebuild(graph, self.run)  # regions last: bodies are compared as they were
        for op in graph.ops:
            rebuild.copy(op)
        return rebuild.finish()


def _clean(graph: Graph) -> Graph:
    cse = CommonSubexpressionElimination()
    return cse.run(MergeLoops().run(cse.run(graph)))


def _pair(graph: Graph) -> tuple[Op, Op, Merged, list[Op]] | None:
    """A while loop, sweeps that begin with the same loop, the loop that is both, and what must move before that."""
    place = {op: i for i, op in enumerate(graph.ops)}
    for op in graph.ops:
        if op.primitive is control.sweeps and len(op.regions) > 1:
            loop = op.operands[_consts(op)].op
            view = _forward(op)
            if view is not None and loop is not None and loop.primitive is control.while_loop:
                early = moved_before(place, loop, (*view.consts, *view.inits))
                one = None if early is None else merged(view_of(loop), view, _clean)
                if early is not None and one is not None:
                    return loop, op, one, early
    return None


def _consts(op: Op) -> int:
    consts = op.attributes["consts"]
    assert isinstance(consts, int)
    return consts


def _forward(op: Op) -> LoopView | None:
    """The first loop of `sweeps`, with no more than it reads; None if it runs backwards."""
    parts = control.sweep_parts(op.attributes, op.regions)
    if parts.reverse[0]:
        return None
    body = op.regions[0]
    read = {v for inner in body.ops for v in inner.operands}.union(body.outputs)
    consts = [i for i in range(parts.consts) if body.inputs[i] in read]
    first = parts.operand(0)
    inputs = [body.inputs[i] for i in (*consts, *range(parts.consts, len(body.inputs)))]
    return LoopView(
        [op.operands[i] for i in consts],
        op.operands[first : first + parts.carries[0]],
        (),
        Graph(body.name, inputs, body.ops, body.outputs),
    )


def _replaced(graph: Graph, loop: Op, sweeps: Op, one: Merged, early: list[Op]) -> Graph:
    """`graph` with a loop that stores rows in the place of `loop`, and `sweeps` that read them."""
    view, (of_loop, of_forward) = one.view, one.positions
    assert view.condition is not None
    parts = control.sweep_parts(sweeps.attributes, sweeps.regions)
    count = len(view.inits)
    rebuild = Rebuild(graph)
    for op in graph.ops:
        if op is loop:
            for moved in early:
                rebuild.copy(moved)
            operands = tuple([rebuild.mapping[v] for v in (*view.consts, *view.inits)])
            regions = (view.condition, view.body)
            attributes: dict[str, Attribute] = {"consts": len(view.consts)}
            made = emit(rebuild.graph, rows.while_rows, operands, attributes, op.location, op.phase, regions)
            results = [*[made.results[i] for i in of_loop], made.results[count]]
            rebuild.mapping.update(zip(op.results, results, strict=True))
        elif op is sweeps:
            carries = zip(op.results, of_forward[: parts.carries[0]], strict=False)
            rebuild.mapping.update({old: made.results[i] for old, i in carries})
            places = [i - count for i in of_forward[parts.carries[0] :]]
            _read_rows(op, places, [v.type for v in view.body.outputs[count:]], made.results[-1], rebuild)
        elif op not in early:
            rebuild.copy(op)
    return rebuild.finish()


def _read_rows(sweeps: Op, places: list[int], types: list[TensorType], given: Value, rebuild: Rebuild) -> None:
    """Appends `sweeps` without the first loop.

    Args:
        sweeps: what it was.
        places: for each part of a row that the first loop stored the place that it has now.
        types: of the parts of a row now.
        given: the rows.
        rebuild: the graph.
    """
    parts = control.sweep_parts(sweeps.attributes, sweeps.regions)
    regions = []
    for number, region in enumerate(sweeps.regions[1:], 1):
        new = Graph(REGION)
        start = parts.row(number, 0)
        taken = [new.add_input(v.type) for v in region.inputs[:start]]
        parts_now = [new.add_input(t) for t in types]
        taken += [parts_now[i] for i in places]
        taken += [new.add_input(v.type) for v in region.inputs[start + len(places) :]]
        mapping = splice(region, new, taken)
        new.outputs = [mapping[v] for v in region.outputs]
        regions.append(new)
    values = [rebuild.mapping[v] for v in (*sweeps.operands[: parts.consts], *sweeps.operands[parts.operand(1) :])]
    values.insert(parts.consts, given)
    attributes: dict[str, Attribute] = {
        "consts": parts.consts,
        "carries": parts.carries[1:],
        "reverse": parts.reverse[1:],
    }
    made = emit(
        rebuild.graph, rows.sweep_rows, tuple(values), attributes, sweeps.location, sweeps.phase, tuple(regions)
    )
    rebuild.mapping.update(zip(sweeps.results[parts.carries[0] :], made.results, strict=True))
