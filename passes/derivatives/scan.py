"""Forward mode of `scan`: the loop over values and tangents side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ops import control
from tapec.ops.symbolic import Sym
from tapec.passes.derivatives.regions import ActiveValues, Tangent, connected, emit_pruned, full, spliced
from tapec.passes.derivatives.scan_parts import ScanParts
from tapec.passes.splice import splice


def flow(op: Op, active: Sequence[int], active_values: ActiveValues) -> list[int]:
    """See `Structured.flow`: a carry that one round makes active is so in the next one."""
    parts = ScanParts(op)
    if parts.length == 0:
        return [i for i in range(parts.carries) if parts.consts + i in active]
    inputs = set(active)
    while True:
        values, _ = active_values(parts.body, [parts.body.inputs[i] for i in inputs])
        carries = {i for i in range(parts.carries) if parts.consts + i in inputs or parts.body.outputs[i] in values}
        grown = inputs | {parts.consts + i for i in carries}
        if grown == inputs:
            ys = [i for i, v in enumerate(parts.body.outputs) if i >= parts.carries and v in values]
            return [*sorted(carries), *ys]
        inputs = grown


def push(op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Tangent) -> list[Sym | None]:
    """See `Structured.push`: the loop over values and tangents side by side."""
    parts = ScanParts(op)
    body, builder = parts.body, outs[0].builder
    if parts.length == 0:
        return [moving.get(parts.consts + i) for i in range(parts.carries)] + [None] * (len(outs) - parts.carries)
    inputs = sorted(moving)
    while True:
        made = tangent(body, body.outputs, [body.inputs[i] for i in inputs])
        found = connected(made.tangents)
        grown = sorted({*inputs, *[parts.consts + i for i in found if i < parts.carries]})
        if grown == inputs:
            break
        inputs = grown
    carries = [i - parts.consts for i in inputs if parts.consts <= i < parts.xs]
    region, order, primals, seeds = _paired_inputs(parts, inputs)
    inner = Builder(region, builder.phase)
    mapping = splice(body, region, [primals[v] for v in body.inputs])
    tangents = spliced(made, [seeds[i] for i in inputs], mapping, region)
    region.outputs = [mapping[v] for v in body.outputs[: parts.carries]]
    region.outputs += [full(None, inner, body.outputs[i]) if (v := tangents[i]) is None else v for i in carries]
    ys = [i for i in found if i >= parts.carries]
    region.outputs += [v for i in ys if (v := tangents[i]) is not None]
    values = [
        operands[i].value if not is_tangent else full(moving.get(i), builder, operands[i].value)
        for i, is_tangent in order
    ]
    consts = parts.consts + sum(i < parts.consts for i in inputs)
    attributes = parts.attributes(consts, parts.carries + len(carries), parts.reverse)
    whole = Op(control.scan, tuple(values), attributes, (), None, builder.phase, (region,))
    wanted = range(parts.carries, len(region.outputs))
    results = emit_pruned(builder, whole, wanted)
    by_result = dict(zip([*carries, *ys], [results[i] for i in wanted], strict=True))
    return [by_result.get(i) for i in range(len(outs))]


def _paired_inputs(
    parts: ScanParts, moving: list[int]
) -> tuple[Graph, list[tuple[int, bool]], dict[Value, Value], dict[int, Value]]:
    """A region that takes the body's inputs and tangents of those at `moving`.

    Returns:
        The region; for each input the position of an operand and whether it stands for the tangent; the region's values
        for the body's inputs; its inputs for the tangents by position.
    """
    region = Graph(REGION)
    order: list[tuple[int, bool]] = []
    for first, last in ((0, parts.consts), (parts.consts, parts.xs), (parts.xs, len(parts.body.inputs))):
        order += [(i, False) for i in range(first, last)]
        order += [(i, True) for i in moving if first <= i < last]
    primals: dict[Value, Value] = {}
    seeds: dict[int, Value] = {}
    for i, is_tangent in order:
        value = region.add_input(parts.body.inputs[i].type)
        if is_tangent:
            seeds[i] = value
        else:
            primals[parts.body.inputs[i]] = value
    return region, order, primals, seeds
