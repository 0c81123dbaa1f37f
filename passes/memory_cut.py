"""Which values the backward pass gets from the forward pass, and which it computes again: a minimum cut.

On one side of the cut lies what only the forward pass has, on the other what the backward pass has. A value that is
handed over is an edge from its op across the cut and costs its bytes; an op that runs again costs its time. What the
backward pass reads lies on its side, and so do the operands of what runs again. So does PyTorch's Inductor
(`torch/_functorch/partitioners.py`), with heuristics where there are times here.
"""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from tapec.ir.graph import Op, Value
from tapec.ops import contraction, control, linalg
from tapec.ops import elementwise as ew
from tapec.passes.memory_flow import MemoryFlow
from tapec.passes.scalar.costs import cost
from tapec.passes.views import VIEWS

_PER_INSTRUCTION = 0.05  # nanoseconds of an element's instruction, among others in vectors


def nanoseconds(op: Op) -> float:
    """About how long an op takes."""
    size = max([v.type.size for v in (*op.operands, *op.results)], default=0)
    if op.primitive in VIEWS:
        return 0.0
    if op.regions:
        once = sum(nanoseconds(inner) for region in op.regions for inner in region.ops)
        length = op.attributes.get("length", 1_000 if op.primitive is control.while_loop else 1)
        assert isinstance(length, int)
        return once * length
    if op.primitive is contraction.matmul:
        return size + op.results[0].type.size * op.operands[0].shape[-1] * _PER_INSTRUCTION
    if op.primitive.family is linalg.LINALG:
        return prod(op.operands[0].shape) * op.operands[0].shape[-1]
    each = cost(op.primitive, op.operands[-1].type.dtype) if op.primitive.family is ew.ELEMENTWISE else 8
    return size * each * _PER_INSTRUCTION


def cheapest(flow: MemoryFlow, price: float, kept: Collection[Value] = ()) -> set[Value]:
    """The values to hand over.

    Args:
        flow: the passes.
        price: of a byte, in nanoseconds.
        kept: values that are never computed again.
    """
    import networkx as nx

    network = nx.DiGraph()
    network.add_nodes_from(("forward", "backward"))
    for op in flow.forward:
        once = flow.repeatable(op) and not any(v in kept for v in op.results)
        network.add_edge("forward", op, **({"capacity": nanoseconds(op)} if once else {}))
        for v in op.operands:
            if v not in flow.free:
                network.add_edge(v, op)
        for v in op.results:
            # A view takes no memory; what it is a view of is handed over instead.
            network.add_edge(op, v, **({} if op.primitive in VIEWS else {"capacity": price * v.type.nbytes}))
    for v in flow.crossing:
        if v not in flow.free:
            network.add_edge(v, "backward")
    _, (ours, _) = nx.minimum_cut(network, "forward", "backward")
    return {v for op in flow.forward if op in ours for v in op.results if v not in ours}
