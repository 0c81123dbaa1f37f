"""The reference execution of a graph: op by op, each as eager code runs it; loops and branches in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapec.ir.graph import Graph, Value
from tapec.ir.primitive import Primitive
from tapec.ops import control, creation, custom
from tapec.ops.rows import sweep_rows, while_rows
from tapec.runtime.eager import execute

Array = np.ndarray[Any, Any]
Rows = list[list[Array]]  # for each round of a loop


def interpret(graph: Graph, arrays: Sequence[Array]) -> tuple[list[Array], list[int]]:
    """Runs `graph` on one array per input.

    Returns:
        The outputs, and for each `guard` in order the value that it saw.

    Raises:
        IndexOutOfRangeError: an index is outside its axis.
    """
    known: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    guards: list[int] = []
    for op in graph.ops:
        operands = [known[value] for value in op.operands]
        if op.primitive is creation.guard:
            guards.append(int(operands[0].reshape(())))
        elif op.regions:
            results = interpret_control(op.primitive, operands, op.attributes, op.regions)
            known.update(zip(op.results, results, strict=True))
        elif len(op.results) > 1:
            known.update(zip(op.results, execute(op.primitive, operands, op.attributes), strict=True))
        else:
            known[op.result] = np.asarray(execute(op.primitive, operands, op.attributes))
    return [known[value] for value in graph.outputs], guards


def interpret_control(
    primitive: Primitive, arrays: list[Array], attributes: dict[str, Any], regions: Sequence[Graph]
) -> list[Array]:
    """The results of an op with regions: what `tapec.ops.control` says, with Python's own loops and branches.

    Raises:
        IndexOutOfRangeError: an index in a region that runs is outside its axis.
    """
    if primitive is control.scan:
        return _scan(arrays, attributes, regions[0])
    if primitive is control.cond:
        index = min(max(int(arrays[0]), 0), len(regions) - 1)
        return interpret(regions[index], arrays[1:])[0]
    if primitive is custom.rule:
        return arrays[: attributes["results"]]
    if primitive is control.sweeps:
        stored: Rows = [[] for _ in range(int(arrays[attributes["consts"]]))]
        return _sweeps(arrays, attributes, regions, stored)
    if primitive is sweep_rows:
        given: Any = arrays[attributes["consts"]]
        return _sweeps(arrays, attributes, regions, given)
    found, stored = _while_loop(arrays, attributes["consts"], *regions)
    made: Any = stored
    return [*found, made] if primitive is while_rows else found


def _scan(arrays: list[Array], attributes: dict[str, Any], body: Graph) -> list[Array]:
    length = attributes["length"]
    consts, carries, xs = control.scan_parts(arrays, attributes)
    stacked = [np.empty((length, *v.shape), v.type.dtype.numpy) for v in body.outputs[len(carries) :]]
    for i in reversed(range(length)) if attributes["reverse"] else range(length):
        outputs = interpret(body, [*consts, *carries, *[np.asarray(x[i]) for x in xs]])[0]
        carries = outputs[: len(carries)]
        for rows, y in zip(stacked, outputs[len(carries) :], strict=True):
            rows[i] = y
    return [*carries, *stacked]


def _while_loop(arrays: list[Array], count: int, condition: Graph, body: Graph) -> tuple[list[Array], Rows]:
    """The last carries and the number of rounds; and the rows."""
    consts, carries = arrays[:count], arrays[count:]
    stored: Rows = []
    while interpret(condition, [*consts, *carries])[0][0]:
        outputs = interpret(body, [*consts, *carries])[0]
        stored.append(outputs[len(carries) :])
        carries = outputs[: len(carries)]
    return [*carries, np.array(len(stored), np.int64)], stored


def _sweeps(arrays: list[Array], attributes: dict[str, Any], regions: Sequence[Graph], rows: Rows) -> list[Array]:
    parts = control.sweep_parts(attributes, regions)
    consts, rounds = arrays[: parts.consts], len(rows)
    results = []
    for number, region in enumerate(regions):
        count, first = parts.carries[number], parts.operand(number)
        carries = arrays[first : first + count]
        for i in reversed(range(rounds)) if parts.reverse[number] else range(rounds):
            outputs = interpret(region, [*consts, *carries, *rows[i]])[0]
            carries = outputs[:count]
            rows[i] += outputs[count:]
        results += carries
    return results
