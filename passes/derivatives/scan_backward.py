"""Reverse mode of `scan`: two loops.

The first runs forward once more and stacks what the derivative of the body reads (`passes.merge_loops` makes one of it
and the primal loop); the second runs the other way and carries the cotangents of the carries, and those of the consts
as sums.
"""

from __future__ import annotations

from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ops import control
from tapec.ops.symbolic import Sym, broadcast, reshape
from tapec.passes.derivative_graph import AdjointGraph
from tapec.passes.derivatives.loop_residuals import hoisted, sources_of
from tapec.passes.derivatives.regions import Adjoint, connected, emit_pruned, full, spliced
from tapec.passes.derivatives.scan_parts import ScanParts
from tapec.passes.derivatives.table import Flow
from tapec.passes.splice import copy_ops


def pull(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Adjoint
) -> list[tuple[int, Sym | None]]:
    """See `Structured.pull`."""
    parts = ScanParts(op)
    if parts.length == 0:
        return [(i, cts[carry]) for i in flow.operands if (carry := parts.carry(i)) is not None]
    wanted = [i for i in flow.operands if parts.carry(i) is None]
    wanted += [parts.consts + i for i in flow.results if i < parts.carries]
    ys = [i for i in flow.results if i >= parts.carries and cts[i] is not None]
    carries = [i for i in flow.results if i < parts.carries and cts[i] is not None]
    while True:  # a carry of which a later round makes something that matters has a cotangent too
        targets = [parts.body.outputs[i] for i in [*carries, *ys]]
        made = adjoint(parts.body, targets, [parts.body.inputs[i] for i in wanted])
        found = {wanted[i]: v for i, v in connected(made.gradients).items()}
        grown = sorted({*carries, *[carry for i in found if (carry := parts.carry(i)) is not None]})
        if grown == carries:
            break
        carries = grown
    sums = [parts.body.inputs[i] for i in found if i < parts.consts]
    made = adjoint(parts.body, targets, [parts.body.inputs[i] for i in wanted], sums=sums)
    found = {i: v for i, v in zip(wanted, made.gradients, strict=True) if v is not None and i in found}
    loop = _BackwardLoop(parts, operands[0].builder)
    loop.add_residuals(made, outs, operands)
    received = loop.run(made, wanted, found, {i: cts[i] for i in carries}, {i: cts[i] for i in ys}, flow)
    reached = {i for i, g in zip(wanted, made.gradients, strict=True) if g is not None}
    reached |= {parts.consts + i for i in carries}
    return [(i, received.get(i)) for i in flow.operands if i in reached]


class _BackwardLoop:
    """The loop that runs against the primal one.

    Attributes:
        consts, carries, xs: operands so far, each with the region's input that stands for it.
        primals: the region's input for each value of the body that the body's adjoint reads.
    """

    def __init__(self, parts: ScanParts, builder: Builder) -> None:
        self.parts = parts
        self.builder = builder
        self.inner = Builder(Graph(REGION), builder.phase)
        self.consts: list[tuple[Value, Value]] = []
        self.carries: list[tuple[Value, Value]] = []
        self.xs: list[tuple[Value, Value]] = []
        self.primals: dict[Value, Value] = {}

    def add_residuals(self, made: AdjointGraph, outs: list[Sym], operands: list[Sym]) -> None:
        """Finds where each residual of the body comes from; what has to be stacked, a loop that runs forward stacks."""
        parts, body = self.parts, self.parts.body
        xs = dict(zip(body.inputs[parts.xs :], operands[parts.xs :], strict=True))
        ys = dict(zip(body.outputs[parts.carries :], outs[parts.carries :], strict=True))
        invariant = hoisted(body, parts.consts, parts.carries, made.residuals, operands, self.builder)
        sources, again = sources_of(body, made.residuals, {*invariant, *xs, *ys})
        stacked = []
        for value in sources:
            if value in invariant:
                self.primals[value] = self._add(self.consts, invariant[value], value)
            elif value in xs or value in ys:
                self.primals[value] = self._add(self.xs, (xs.get(value) or ys[value]).value, value)
            else:
                stacked.append(value)
        if stacked:
            forward = Graph(REGION, body.inputs, body.ops, [*body.outputs[: parts.carries], *stacked])
            attributes = parts.attributes(parts.consts, parts.carries, parts.reverse)
            values = tuple([x.value for x in operands])
            whole = Op(control.scan, values, attributes, (), None, self.builder.phase, (forward,))
            rows = emit_pruned(self.builder, whole, range(parts.carries, len(forward.outputs)))
            for i, value in enumerate(stacked):
                self.primals[value] = self._add(self.xs, rows[parts.carries + i].value, value)
        copy_ops(again, self.inner.graph, self.primals, self.inner.phase)

    def run(
        self,
        made: AdjointGraph,
        wanted: list[int],
        found: dict[int, Value],
        carry_cts: dict[int, Sym | None],
        y_cts: dict[int, Sym | None],
        flow: Flow,
    ) -> dict[int, Sym]:
        """Appends the loop; the cotangents of operands by position."""
        parts, body, inner = self.parts, self.parts.body, self.inner
        seeds = []
        for i, ct in carry_cts.items():
            like = body.outputs[i]
            seeds.append(self._add(self.carries, full(ct, self.builder, like), like))
        seeds += [self._row_of(ct, body.outputs[i]) for i, ct in y_cts.items() if ct is not None]
        sums = [i for i in found if i < parts.consts]
        for i in sums:
            so_far = full(flow.claim(i), self.builder, body.inputs[i])
            seeds.append(self._add(self.carries, so_far, body.inputs[i]))
        region = inner.graph
        region.inputs = [inside for group in (self.consts, self.carries, self.xs) for _, inside in group]
        gradients = dict(zip(wanted, spliced(made, seeds, self.primals, region), strict=True))
        for i in carry_cts:
            position = parts.consts + i
            gradient = gradients[position] if position in found else None
            region.outputs.append(full(None, inner, body.inputs[position]) if gradient is None else gradient)
        slices = [i for i in found if i >= parts.xs]
        region.outputs += [v for i in [*sums, *slices] if (v := gradients[i]) is not None]
        attributes = parts.attributes(len(self.consts), len(self.carries), not parts.reverse)
        values = tuple([outside for group in (self.consts, self.carries, self.xs) for outside, _ in group])
        results = self.builder.emit(control.scan, values, attributes, (region,)).results
        positions = [*[parts.consts + i for i in carry_cts], *sums, *slices]
        return {i: Sym(self.builder, v) for i, v in zip(positions, results, strict=True)}

    def _add(self, group: list[tuple[Value, Value]], outside: Value, like: Value) -> Value:
        """A new operand and the region's input for it."""
        inside = Value(like.type)
        group.append((outside, inside))
        return inside

    def _row_of(self, ct: Sym, like: Value) -> Value:
        """The cotangent of one round's y. A lean one that is the same in every round is not spread over the rounds."""
        rank = len(like.shape)
        if len(ct.shape) <= rank or (ct.shape[0] == 1 and self.parts.length != 1):
            row = reshape(ct, ct.shape[1:]) if len(ct.shape) > rank else ct
            inside = self._add(self.consts, row.value, row.value)
            return broadcast(Sym(self.inner, inside), like.shape).value
        stacked = broadcast(ct, (self.parts.length, *like.shape))
        return self._add(self.xs, stacked.value, like)
