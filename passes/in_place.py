"""Whose memory a result may take over, because what lay in it is not read any more.

Updates write a few elements of their first operand, and loops go on from their first carries. Where that operand is
dead behind the op and lies in memory of the program's own, the result lies in the same memory, and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import control, creation, indexing, rows, update
from tapec.passes.views import VIEWS, ViewTable

# Primitives whose result is the first operand with some elements changed.
UPDATES = frozenset(
    {update.slice_set, update.slice_add, indexing.put, indexing.scatter_add, indexing.scatter_add_along}
)


# A temporary of up to this many bytes may become registers. A carry that may is copied where a loop begins.
REGISTER_BYTES = 256


def taken_over(op: Op) -> list[tuple[int, int]]:
    """Which results go on from which operands: (operand, result)."""
    if op.primitive in UPDATES:
        return [(0, 0)]
    return [(i, n) for i, n in _first_carries(op) if op.results[n].type.nbytes > REGISTER_BYTES]


def _first_carries(op: Op) -> list[tuple[int, int]]:
    attributes: Any = op.attributes
    if op.primitive is control.scan:
        return [(attributes["consts"] + i, i) for i in range(attributes["carries"])]
    if op.primitive in (control.while_loop, rows.while_rows):
        return [(attributes["consts"] + i, i) for i in range(len(op.operands) - attributes["consts"])]
    if op.primitive in (control.sweeps, rows.sweep_rows):
        return [(attributes["consts"] + 1 + i, i) for i in range(len(op.results))]
    return []


def homes(graph: Graph, views: ViewTable, carried: Mapping[Value, int]) -> dict[Value, Value]:
    """For each result that takes over memory the value that the memory was for in the first place.

    An operand qualifies if it is all of a value that an op of the graph has computed, or of a carry; if no op reads
    that value later, or twice in this one; and if it is no output of the graph. What begins as a carry and is an output
    must be the same carry's next value.

    Args:
        graph: in its final order.
        views: of its values.
        carried: inputs that may be written over, of loops' bodies, each with the output that is its next value.
    """
    last: dict[Value, int] = {}
    own = set(carried)  # views in a region may be of values outside
    for at, op in enumerate(graph.ops):
        if op.primitive not in VIEWS:
            last.update((views[v].base, at) for v in op.operands)
            if op.primitive is not creation.constant:
                own.update(op.results)
    outputs = {value: number for number, value in enumerate(graph.outputs)}
    found: dict[Value, Value] = {}
    for at, op in enumerate(graph.ops):
        for operand, result in taken_over(op):
            view, made = views[op.operands[operand]], op.results[result]
            base = view.base
            start = found.get(base, base)
            if start not in own or not view.is_all or last[base] != at or base in outputs:
                continue
            if sum(views[v].base is base for v in op.operands) > 1:
                continue
            if made in outputs and start in carried and outputs[made] != carried[start]:
                continue
            found[made] = start
    return found
