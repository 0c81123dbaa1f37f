"""Forward mode of `sweeps`: values and tangents side by side, in every loop and in the rows between them."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Attribute, Graph, Op, Value
from tapec.ops import control
from tapec.ops.control import SweepParts
from tapec.ops.symbolic import Sym
from tapec.passes.derivative_graph import TangentGraph
from tapec.passes.derivatives.regions import ActiveValues, Tangent, connected, emit_pruned, full, spliced
from tapec.passes.splice import splice


def flow(op: Op, active: Sequence[int], active_values: ActiveValues) -> list[int]:
    """See `Structured.flow`: region by region, since each reads the rows of those before it."""
    parts = control.sweep_parts(op.attributes, op.regions)
    rows: list[set[int]] = []
    reached = []
    for number, region in enumerate(op.regions):
        inputs = _moving(parts, number, active, rows)
        count = parts.carries[number]
        while True:
            values, _ = active_values(region, [region.inputs[i] for i in inputs])
            carries = {i for i in range(count) if parts.consts + i in inputs or region.outputs[i] in values}
            grown = inputs | {parts.consts + i for i in carries}
            if grown == inputs:
                break
            inputs = grown
        rows.append({r for r in range(parts.rows[number]) if region.outputs[count + r] in values})
        reached += [parts.first(number) + i for i in sorted(carries)]
    return reached


def _moving(parts: SweepParts, number: int, active: Sequence[int], rows: Sequence[set[int]]) -> set[int]:
    """Positions of the inputs of a region that depend on the operands at `active` or on the `rows` of earlier ones."""
    first, count = parts.operand(number), parts.carries[number]
    inputs = {i for i in active if i < parts.consts}
    inputs |= {i - first + parts.consts for i in active if first <= i < first + count}
    return inputs | {parts.row(number, j) + r for j, found in enumerate(rows) for r in found}


def push(op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Tangent) -> list[Sym | None]:
    """See `Structured.push`."""
    parts = control.sweep_parts(op.attributes, op.regions)
    builder = outs[0].builder
    consts = sorted(i for i in moving if i < parts.consts)
    rows: list[list[int]] = []  # of each region those that have a tangent
    regions: list[Graph] = []
    values = [
        *[x.value for x in operands[: parts.consts]],
        *[full(moving[i], builder, operands[i].value) for i in consts],
    ]
    values.append(operands[parts.consts].value)
    counts: list[int] = []
    wanted: dict[int, int] = {}  # by position of a result of `op` that of its tangent
    for number, region in enumerate(op.regions):
        count, first = parts.carries[number], parts.operand(number)
        inputs = sorted(_moving(parts, number, list(moving), [set(found) for found in rows]))
        while True:
            made = tangent(region, region.outputs, [region.inputs[i] for i in inputs])
            found = connected(made.tangents)
            grown = sorted({*inputs, *[parts.consts + i for i in found if i < count]})
            if grown == inputs:
                break
            inputs = grown
        carries = [i - parts.consts for i in inputs if parts.consts <= i < parts.consts + count]
        stored = [i - count for i in found if i >= count]
        before = sum(counts)
        wanted |= {parts.first(number) + i: before + count + n for n, i in enumerate(carries)}
        values += [x.value for x in operands[first : first + count]]
        values += [full(moving.get(first + i), builder, operands[first + i].value) for i in carries]
        counts.append(count + len(carries))
        regions.append(
            _side_by_side(parts, number, region, made, inputs, consts, rows, (carries, stored), builder.phase)
        )
        rows.append(stored)
    attributes: dict[str, Attribute] = {
        "consts": parts.consts + len(consts),
        "carries": tuple(counts),
        "reverse": parts.reverse,
    }
    if not wanted:
        return [None] * len(outs)
    whole = Op(control.sweeps, tuple(values), attributes, (), None, builder.phase, tuple(regions))
    results = emit_pruned(builder, whole, wanted.values())
    return [results[wanted[i]] if i in wanted else None for i in range(len(outs))]


def _side_by_side(
    parts: SweepParts,
    number: int,
    region: Graph,
    made: TangentGraph,
    inputs: list[int],
    consts: list[int],
    rows: list[list[int]],
    outputs: tuple[list[int], list[int]],
    phase: str,
) -> Graph:
    """A region that takes and gives values, and behind each group of them its tangents.

    Args:
        parts: of the op.
        number: of the region.
        region: what is differentiated.
        made: its tangents.
        inputs: positions of its inputs that `made` is given tangents of.
        consts: numbers of the consts that have tangents.
        rows: for each earlier region the numbers of the rows that have tangents.
        outputs: numbers of the carries and of the stored rows that have tangents.
        phase: of the ops.
    """
    new = Graph(REGION)
    primals: list[Value] = []
    seeds: dict[int, Value] = {}

    def take(first: int, count: int, tangents: list[int]) -> None:
        primals.extend([new.add_input(region.inputs[first + i].type) for i in range(count)])
        seeds.update({first + i: new.add_input(region.inputs[first + i].type) for i in tangents})

    carries, stored = outputs
    count = parts.carries[number]
    take(0, parts.consts, consts)
    take(parts.consts, count, carries)
    for earlier, tangents in enumerate(rows):
        take(parts.row(number, earlier), parts.rows[earlier], tangents)
    mapping = splice(region, new, primals)
    found = spliced(made, [seeds[i] for i in inputs], mapping, new)
    inner = Builder(new, phase)
    values = [mapping[v] for v in region.outputs]
    moved = {i: full(None, inner, region.outputs[i]) if (v := found[i]) is None else v for i in carries}
    new.outputs = [*values[:count], *[moved[i] for i in carries], *values[count:]]
    new.outputs += [v for r in stored if (v := found[count + r]) is not None]
    return new
