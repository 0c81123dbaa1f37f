"""Reverse mode of `while_loop` and of `sweeps`, which its derivatives are made of.

The loops run forward once more, as many rounds as they have run, and store what the derivatives of their bodies read;
then a loop against each of them, the last one first, carries the cotangents of its carries, and those of the consts as
sums. Cotangents of rows that a loop has read are rows themselves, for the loop against the one that stored them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Attribute, Graph, Op, Value
from tapec.ops import control
from tapec.ops.control import SweepParts
from tapec.ops.symbolic import Sym
from tapec.passes.derivative_graph import AdjointGraph
from tapec.passes.derivatives.loop_residuals import hoisted, sources_of
from tapec.passes.derivatives.regions import Adjoint, connected, emit_pruned, full, spliced
from tapec.passes.derivatives.table import Flow
from tapec.passes.splice import copy_ops


def pull(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Adjoint
) -> list[tuple[int, Sym | None]]:
    """See `Structured.pull`."""
    parts = control.sweep_parts(op.attributes, op.regions)
    return _Reversal(parts, op.regions, operands, adjoint).run(cts, flow)


def pull_while(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Adjoint
) -> list[tuple[int, Sym | None]]:
    """See `Structured.pull`: a while loop that has ended is one sweep of as many rounds as it counted."""
    consts, body = op.attributes["consts"], op.regions[1]
    assert isinstance(consts, int)
    parts = SweepParts(consts, (len(body.outputs),), (False,), (0,))
    with_rounds = [*operands[:consts], outs[-1], *operands[consts:]]
    positions = [i if i < consts else i + 1 for i in flow.operands]
    found = _Reversal(parts, (body,), with_rounds, adjoint).run(cts[:-1], Flow(positions, flow.results, flow.claim))
    return [(i if i < consts else i - 1, ct) for i, ct in found]


class _Against(NamedTuple):
    """A loop that runs against one of the loops.

    Attributes:
        number: of that one.
        made: the adjoint of its body.
        wanted: the inputs of the body, by position, that `made` has gradients of.
        found: those of them that are not zero.
        seeds: by number of the carry the cotangents that are carried, before the first round.
        stored: rows whose cotangents are read.
        sums: consts whose cotangents are added up.
        given: positions of inputs that are rows, whose cotangents are stored.
        again: ops that make residuals of what is stored.
        known: residuals that are the same in every round, and what they are outside.
    """

    number: int
    made: AdjointGraph
    wanted: list[int]
    found: dict[int, Value]
    seeds: dict[int, Value]
    stored: list[int]
    sums: list[int]
    given: list[int]
    again: list[Op]
    known: dict[Value, Value]


class _Reversal:
    """The op that runs the loops and those against them.

    Args:
        parts: of the loops.
        regions: their bodies.
        operands: consts, the number of rounds, first carries.
        adjoint: of a graph.

    Attributes:
        consts: what every loop of the new op takes, each with what stands for it in one region after the other.
        stored: for each loop the residuals that it stores beside the rows that it stores already.
        row_cts: for each loop, by row, where the cotangents of that row are found: (loop against, row).
        against: the bodies that run against, with the number of the loop each runs against.
    """

    def __init__(self, parts: SweepParts, regions: Sequence[Graph], operands: list[Sym], adjoint: Adjoint) -> None:
        self.parts = parts
        self.regions = regions
        self.operands = operands
        self.adjoint = adjoint
        self.builder = operands[0].builder
        self.consts: list[Value] = [x.value for x in operands[: parts.consts]]
        self.stored: list[list[Value]] = [[] for _ in regions]
        self.row_cts: list[dict[int, list[tuple[int, int]]]] = [{} for _ in regions]
        self.against: list[_Against] = []

    def run(self, cts: list[Sym | None], flow: Flow) -> list[tuple[int, Sym | None]]:
        """Appends the op; positions and cotangents of operands."""
        reached: set[int] = set()
        for number in reversed(range(len(self.regions))):
            reached |= self._reverse(number, cts, flow)
        if not self.against:
            return [(i, None) for i in flow.operands if i in reached]
        received = self._emit(flow)
        return [(i, received.get(i)) for i in flow.operands if i in reached]

    def _reverse(self, number: int, cts: list[Sym | None], flow: Flow) -> set[int]:
        """Plans the loop against one; positions of the operands that its results depend on."""
        parts, region = self.parts, self.regions[number]
        count, at, first = parts.carries[number], parts.first(number), parts.operand(number)
        consts = [i for i in flow.operands if i < parts.consts]
        moving = [i - at for i in flow.results if at <= i < at + count]
        rows = [i for i in range(parts.consts + count, len(region.inputs)) if region.inputs[i].type.dtype.is_float]
        wanted = [*consts, *[parts.consts + i for i in moving], *rows]
        carries = [i for i in moving if cts[at + i] is not None]
        stored = sorted(self.row_cts[number])
        while True:  # a carry of which a later round makes something that matters has a cotangent too
            targets = [region.outputs[i] for i in [*carries, *[count + r for r in stored]]]
            made = self.adjoint(region, targets, [region.inputs[i] for i in wanted])
            found = {wanted[i]: v for i, v in connected(made.gradients).items()}
            grown = sorted({*carries, *[i - parts.consts for i in found if 0 <= i - parts.consts < count]})
            if grown == carries:
                break
            carries = grown
        sums = [region.inputs[i] for i in found if i < parts.consts]
        made = self.adjoint(region, targets, [region.inputs[i] for i in wanted], sums=sums)
        found = {i: v for i, v in zip(wanted, made.gradients, strict=True) if v is not None and i in found}
        if targets:
            seeds = {i: full(cts[at + i], self.builder, region.outputs[i]) for i in carries}
            self.against.append(self._plan(number, made, wanted, found, seeds, stored))
        gradients = {i for i, g in zip(wanted, made.gradients, strict=True) if g is not None}
        reached = {i for i in gradients if i < parts.consts}
        reached |= {first + i for i in moving if parts.consts + i in gradients}
        return reached | {first + i for i in carries}

    def _plan(
        self,
        number: int,
        made: AdjointGraph,
        wanted: list[int],
        found: dict[int, Value],
        seeds: dict[int, Value],
        stored: list[int],
    ) -> _Against:
        parts, region = self.parts, self.regions[number]
        count = parts.carries[number]
        invariant = hoisted(region, parts.consts, count, made.residuals, self.operands_of(number), self.builder)
        rows = {*region.inputs[parts.consts + count :], *region.outputs[count:]}
        values, again = sources_of(region, made.residuals, {*invariant, *rows})
        known: dict[Value, Value] = {}
        for value in values:
            if value in invariant:
                known[value] = invariant[value]
                if invariant[value] not in self.consts:
                    self.consts.append(invariant[value])
            elif value not in rows:
                self.stored[number].append(value)
        behind = len(self.against)
        places = list(range(parts.consts + count, len(region.inputs)))
        given = [i for i in places if i in found]
        for n, i in enumerate(given):
            earlier = max(j for j in range(number) if parts.row(number, j) <= i)
            self.row_cts[earlier].setdefault(i - parts.row(number, earlier), []).append((behind, n))
        sums = [i for i in found if i < parts.consts]
        return _Against(number, made, wanted, found, seeds, stored, sums, given, again, known)

    def operands_of(self, number: int) -> list[Sym]:
        """Consts and first carries of one loop."""
        first = self.parts.operand(number)
        return [*self.operands[: self.parts.consts], *self.operands[first : first + self.parts.carries[number]]]

    def _emit(self, flow: Flow) -> dict[int, Sym]:
        parts = self.parts
        forward = [self._forward(number) for number in range(len(self.regions))]
        backward = [self._backward(n) for n in range(len(self.against))]
        firsts = [x.value for x in self.operands[parts.consts + 1 :]]
        counts = list(parts.carries)
        positions: dict[int, list[int]] = {}  # by operand where its cotangents are among the results
        for loop in self.against:
            at = sum(counts)
            first = parts.operand(loop.number)
            for n, i in enumerate([*[first + i for i in loop.seeds], *loop.sums]):
                positions.setdefault(i, []).append(at + n)
            inputs = self.regions[loop.number].inputs
            firsts += [*loop.seeds.values(), *[full(flow.claim(i), self.builder, inputs[i]) for i in loop.sums]]
            counts.append(len(loop.seeds) + len(loop.sums))
        attributes: dict[str, Attribute] = {
            "consts": len(self.consts),
            "carries": tuple(counts),
            "reverse": (*parts.reverse, *[not parts.reverse[loop.number] for loop in self.against]),
        }
        values = (*self.consts, self.operands[parts.consts].value, *firsts)
        whole = Op(control.sweeps, values, attributes, (), None, self.builder.phase, (*forward, *backward))
        results = emit_pruned(self.builder, whole, [n for found in positions.values() for n in found])
        received = {}
        for position, (n, *others) in positions.items():
            total = results[n]
            for other in others:
                total = total + results[other]
            received[position] = total
        return received

    def _row_types(self, number: int) -> list[Value]:
        """What a loop of the new op stores, each as a value of that type: the rows it had, and then residuals."""
        return [*self.regions[number].outputs[self.parts.carries[number] :], *self.stored[number]]

    def _forward(self, number: int) -> Graph:
        """A loop as it was, which stores residuals too."""
        parts, region = self.parts, self.regions[number]
        count = parts.carries[number]
        more = [Value(v.type) for v in self.consts[parts.consts :]]
        inputs = [*region.inputs[: parts.consts], *more, *region.inputs[parts.consts : parts.consts + count]]
        for earlier in range(number):
            start = parts.row(number, earlier)
            inputs += region.inputs[start : start + parts.rows[earlier]]
            inputs += [Value(v.type) for v in self.stored[earlier]]
        return Graph(REGION, inputs, region.ops, [*region.outputs, *self.stored[number]])

    def _backward(self, n: int) -> Graph:
        """A loop against one."""
        parts, loop = self.parts, self.against[n]
        region = self.regions[loop.number]
        new = Graph(REGION)
        inner = Builder(new, self.builder.phase)
        consts = {v: new.add_input(v.type) for v in self.consts}
        seeds = [new.add_input(v.type) for v in loop.seeds.values()]
        sums = [new.add_input(region.inputs[i].type) for i in loop.sums]
        primals = {value: consts[outside] for value, outside in loop.known.items()}
        for number in range(len(self.regions)):
            kinds = self._row_types(number)
            rows = [new.add_input(v.type) for v in kinds]
            if number < loop.number:
                start = parts.row(loop.number, number)
                primals |= dict(zip(region.inputs[start : start + parts.rows[number]], rows, strict=False))
            elif number == loop.number:
                primals |= {v: row for v, row in zip(kinds, rows, strict=True) if v not in primals}
        of_rows = [
            [new.add_input(self.regions[other.number].inputs[i].type) for i in other.given]
            for other in self.against[:n]
        ]
        for r in loop.stored:
            parts_of = [Sym(inner, of_rows[k][m]) for k, m in self.row_cts[loop.number][r]]
            total = parts_of[0]
            for part in parts_of[1:]:
                total = total + part
            seeds.append(total.value)
        copy_ops(loop.again, new, primals, inner.phase)
        gradients = dict(zip(loop.wanted, spliced(loop.made, [*seeds, *sums], primals, new), strict=True))
        for i in loop.seeds:
            position = parts.consts + i
            gradient = gradients[position] if position in loop.found else None
            new.outputs.append(full(None, inner, region.inputs[position]) if gradient is None else gradient)
        new.outputs += [v for i in [*loop.sums, *loop.given] if (v := gradients[i]) is not None]
        return new
