"""Forward mode of `while_loop`: the loop over values and tangents side by side, as long as the values say."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Attribute, Graph, Op
from tapec.ops import control
from tapec.ops.symbolic import Sym
from tapec.passes.derivatives.regions import ActiveValues, Tangent, connected, emit_pruned, full, spliced
from tapec.passes.splice import splice


def _consts(op: Op) -> int:
    consts = op.attributes["consts"]
    assert isinstance(consts, int)
    return consts


def flow(op: Op, active: Sequence[int], active_values: ActiveValues) -> list[int]:
    """See `Structured.flow`: a carry that one round makes active is so in the next one."""
    consts, body = _consts(op), op.regions[1]
    inputs = set(active)
    while True:
        values, _ = active_values(body, [body.inputs[i] for i in inputs])
        carries = {i for i, v in enumerate(body.outputs) if consts + i in inputs or v in values}
        grown = inputs | {consts + i for i in carries}
        if grown == inputs:
            return sorted(carries)
        inputs = grown


def push(op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Tangent) -> list[Sym | None]:
    """See `Structured.push`."""
    consts = _consts(op)
    condition, body = op.regions
    builder, count = outs[0].builder, len(body.outputs)
    inputs = sorted(moving)
    while True:
        made = tangent(body, body.outputs, [body.inputs[i] for i in inputs])
        grown = sorted({*inputs, *[consts + i for i in connected(made.tangents)]})
        if grown == inputs:
            break
        inputs = grown
    moving_consts = [i for i in inputs if i < consts]
    carries = [i - consts for i in inputs if i >= consts]
    order = [*range(consts), *moving_consts, *range(consts, consts + count), *[consts + i for i in carries]]
    tangents_at = {consts + n: i for n, i in enumerate(moving_consts)}
    first = consts + len(moving_consts) + count
    tangents_at |= {first + n: consts + i for n, i in enumerate(carries)}
    regions = []
    for region in (condition, body):
        new = Graph(REGION)
        taken = [new.add_input(region.inputs[i].type) for i in order]
        primals = [v for n, v in enumerate(taken) if n not in tangents_at]
        mapping = splice(region, new, primals)
        new.outputs = [mapping[v] for v in region.outputs]
        regions.append(new)
    inner = Builder(new, builder.phase)
    seeds = {i: taken[n] for n, i in tangents_at.items()}
    tangents = spliced(made, [seeds[i] for i in inputs], mapping, new)
    new.outputs += [full(None, inner, body.outputs[i]) if (v := tangents[i]) is None else v for i in carries]
    values = [
        full(moving.get(i), builder, operands[i].value) if n in tangents_at else operands[i].value
        for n, i in enumerate(order)
    ]
    attributes: dict[str, Attribute] = {"consts": consts + len(moving_consts)}
    whole = Op(control.while_loop, tuple(values), attributes, (), None, builder.phase, tuple(regions))
    results = emit_pruned(builder, whole, range(count, count + len(carries)))
    by_result = {i: results[count + n] for n, i in enumerate(carries)}
    return [by_result.get(i) for i in range(len(outs))]
