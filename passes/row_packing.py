"""Which stacks of a loop lie in memory row by row: all that one round stores beside each other.

A loop that stacks many small values has an address for each stack, more than there are registers, and as many places of
memory that it writes to. Beside each other they have one address, and a cache line holds several of them.
"""

from __future__ import annotations

from tapec.ir.graph import Op, Value
from tapec.ops import control
from tapec.passes.fuse import Fused

_ROW_BYTES = 256  # of one value; larger ones fill cache lines of their own


def packed_rows(fused: Fused) -> list[list[Value]]:
    """Groups of stacks of one loop and one dtype that only loops read, a slice at a time."""
    stacks: dict[Value, Op] = {}
    for op in fused.graph.ops:
        for position, operand in enumerate(op.operands):
            base = fused.views[operand].base
            if op.primitive is not control.scan or position < _first_of_xs(op) or base is not operand:
                stacks.pop(base, None)
        if op.primitive is control.scan:
            carries, length = op.attributes["carries"], op.attributes["length"]
            assert isinstance(carries, int)
            assert isinstance(length, int)
            small = [y for y in op.results[carries:] if 0 < y.type.nbytes <= length * _ROW_BYTES]
            stacks.update(dict.fromkeys(small, op))
    for value in fused.graph.outputs:
        stacks.pop(fused.views[value].base, None)
    groups: dict[tuple[Op, str], list[Value]] = {}
    for value, op in stacks.items():
        groups.setdefault((op, value.type.dtype.name), []).append(value)
    return [group for group in groups.values() if len(group) > 1]


def _first_of_xs(op: Op) -> int:
    consts, carries = op.attributes["consts"], op.attributes["carries"]
    assert isinstance(consts, int)
    assert isinstance(carries, int)
    return consts + carries
