"""What remains of a loop or branch when only some of its results are read. A part of `dce`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import control, custom
from tapec.ops.rows import STORED_ROWS

# Removes the ops of a graph that no output needs.
Clean = Callable[[Graph], Graph]


class Pruned(NamedTuple):
    """An op with regions without what nobody needs.

    Attributes:
        operands: positions of the operands that it still reads.
        results: positions of the results that it still makes.
        attributes: its attributes then.
        regions: its regions then.
    """

    operands: list[int]
    results: list[int]
    attributes: dict[str, Any]
    regions: tuple[Graph, ...]


def pruned(op: Op, wanted: Collection[int], clean: Clean) -> Pruned:
    """`op` with the results at the positions `wanted` and as little else as these need.

    A carry stays if a later round can hand it on to something wanted; one that only feeds itself goes.
    """
    if op.primitive is control.scan:
        return _scan(op, wanted, clean)
    # The regions of custom rules are not run; they say how the results move together. Rows go from op to op.
    if op.primitive.family in (custom.CUSTOM, STORED_ROWS):
        return Pruned([*range(len(op.operands))], [*range(len(op.results))], op.attributes, op.regions)
    if op.primitive is control.cond:
        return _cond(op, wanted, clean)
    if op.primitive is control.sweeps:
        return _sweeps(op, wanted, clean)
    return _while_loop(op, wanted, clean)


def _scan(op: Op, wanted: Collection[int], clean: Clean) -> Pruned:
    consts, carries = op.attributes["consts"], op.attributes["carries"]
    assert isinstance(consts, int)
    assert isinstance(carries, int)
    (body,) = op.regions
    kept = {i for i in wanted if i < carries}
    ys = [i for i in sorted(wanted) if i >= carries]
    while True:
        smaller = _with_outputs(body, [*sorted(kept), *ys], clean)
        read = _read(smaller)
        reached = kept | {i for i in range(carries) if smaller.inputs[consts + i] in read}
        if reached == kept:
            break
        kept = reached
    operands = [
        i for i, v in enumerate(smaller.inputs) if (i - consts in kept if 0 <= i - consts < carries else v in read)
    ]
    if not operands:  # every op with regions has an operand
        if consts == 0 and carries:
            return _scan(op, {*wanted, 0}, clean)
        operands = [0]
    smaller.inputs = [smaller.inputs[i] for i in operands]
    attributes = {**op.attributes, "consts": sum(i < consts for i in operands), "carries": len(kept)}
    return Pruned(operands, [*sorted(kept), *ys], attributes, (smaller,))


def _while_loop(op: Op, wanted: Collection[int], clean: Clean) -> Pruned:
    consts = op.attributes["consts"]
    assert isinstance(consts, int)
    condition, body = op.regions
    count = len(body.outputs)
    condition = _with_outputs(condition, [0], clean)
    read = _read(condition)
    kept = {i for i in wanted if i < count} | {i for i in range(count) if condition.inputs[consts + i] in read}
    while True:
        smaller = _with_outputs(body, sorted(kept), clean)
        read = _read(smaller) | _read(condition)
        reached = kept | {i for i in range(count) if smaller.inputs[consts + i] in read}
        if reached == kept:
            break
        kept = reached
    operands = [i for i in range(consts) if smaller.inputs[i] in read or condition.inputs[i] in read]
    attributes = {"consts": len(operands)}
    operands += [consts + i for i in sorted(kept)]
    smaller.inputs = [smaller.inputs[i] for i in operands]
    condition.inputs = [condition.inputs[i] for i in operands]
    return Pruned(operands, [*sorted(kept), count], attributes, (condition, smaller))


def _cond(op: Op, wanted: Collection[int], clean: Clean) -> Pruned:
    results = sorted(wanted)
    smaller = [_with_outputs(region, results, clean) for region in op.regions]
    read = [_read(region) for region in smaller]
    inputs = [
        i
        for i in range(len(op.operands) - 1)
        if any(region.inputs[i] in values for region, values in zip(smaller, read, strict=True))
    ]
    for region in smaller:
        region.inputs = [region.inputs[i] for i in inputs]
    return Pruned([0, *[1 + i for i in inputs]], results, op.attributes, tuple(smaller))


def _sweeps(op: Op, wanted: Collection[int], clean: Clean) -> Pruned:
    """The regions from the last to the first: what one stores it stores for those behind it."""
    parts = control.sweep_parts(op.attributes, op.regions)
    numbers = range(len(op.regions))
    carries: list[list[int]] = [[] for _ in numbers]
    rows: list[list[int]] = [[] for _ in numbers]
    cleaned = list(op.regions)
    needed: set[tuple[int, int]] = set()  # (region, row)
    consts: set[int] = set()
    for n in reversed(numbers):
        region, count, first = op.regions[n], parts.carries[n], parts.first(n)
        rows[n] = [r for r in range(parts.rows[n]) if (n, r) in needed]
        kept = {i for i in range(count) if first + i in wanted}
        while True:
            smaller = _with_outputs(region, [*sorted(kept), *[count + r for r in rows[n]]], clean)
            read = _read(smaller)
            reached = kept | {i for i in range(count) if smaller.inputs[parts.consts + i] in read}
            if reached == kept:
                break
            kept = reached
        carries[n], cleaned[n] = sorted(kept), smaller
        consts |= {i for i in range(parts.consts) if smaller.inputs[i] in read}
        rows_of = [(j, r) for j in range(n) for r in range(parts.rows[j])]
        needed |= {(j, r) for j, r in rows_of if smaller.inputs[parts.row(n, j) + r] in read}
    left = [n for n in numbers if carries[n] or rows[n]]
    regions = []
    for n in left:
        smaller = cleaned[n]
        inputs = [*sorted(consts), *[parts.consts + i for i in carries[n]]]
        inputs += [parts.row(n, j) + r for j in left if j < n for r in rows[j]]
        smaller.inputs = [smaller.inputs[i] for i in inputs]
        regions.append(smaller)
    attributes = {
        "consts": len(consts),
        "carries": tuple([len(carries[n]) for n in left]),
        "reverse": tuple([parts.reverse[n] for n in left]),
    }
    results = [parts.first(n) + i for n in left for i in carries[n]]
    operands = [*sorted(consts), parts.consts, *[parts.consts + 1 + i for i in results]]
    return Pruned(operands, results, attributes, tuple(regions))


def _with_outputs(graph: Graph, positions: list[int], clean: Clean) -> Graph:
    return clean(Graph(graph.name, graph.inputs, graph.ops, [graph.outputs[i] for i in positions]))


def _read(graph: Graph) -> set[Value]:
    return {v for op in graph.ops for v in op.operands}.union(graph.outputs)
