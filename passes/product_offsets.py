"""Tables of where the elements of an operand of a large matrix product lie along an index."""

from __future__ import annotations

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64, lane_numbers
from tapec.passes.product_names import AXES
from tapec.passes.text_loops import counted

_SIGNATURE = "ptr noalias %table, i64 %start, i64 %count, ptr noalias %extents, ptr noalias %strides"


def even_offsets(name: str) -> FunctionText:
    """As `offsets` where all axes but the last have one position."""
    f = FunctionText(name, _SIGNATURE)
    _even(f, f.load(f.element_pointer(Reg("%strides", "ptr"), i64(AXES - 1), "i64"), "i64"))
    f.line("ret void")
    return f


def offsets(name: str) -> FunctionText:
    """`void name(table, start, count, extents, strides)`: offsets of `count` positions of axes read as one.

    The innermost axis is the last of `AXES`. Positions run from `start`.
    """
    f = FunctionText(name, _SIGNATURE)
    extents = [f.load(f.element_pointer(Reg("%extents", "ptr"), i64(a), "i64"), "i64") for a in range(AXES)]
    strides = [f.load(f.element_pointer(Reg("%strides", "ptr"), i64(a), "i64"), "i64") for a in range(AXES)]
    outer = f.mul(extents[0], extents[1])
    f.branch_if(f.icmp("eq", outer, i64(1)), "even", "uneven")
    f.label("even")
    _even(f, strides[-1])
    f.line("ret void")
    f.label("uneven")
    rest = Reg("%start", "i64")
    index: list[Reg] = []
    for extent in reversed(extents):
        index.append(f.binary("urem", rest, extent))
        rest = f.binary("udiv", rest, extent)
    offset = i64(0)
    for i, stride in zip(index, reversed(strides), strict=True):
        offset = f.add(offset, f.mul(i, stride))
    before = f.block
    f.branch("next")
    f.label("next")
    phi_at = len(f.lines)
    p = f.phi("i64", [("0", before)])
    at = f.phi("i64", [(offset.text, before)])
    counters = [f.phi("i64", [(i.text, before)]) for i in index]
    f.store(at, f.element_pointer(Reg("%table", "ptr"), p, "i64"))
    following = f.add(p, i64(1))
    moved, following_counters, carry = at, [], Reg("true", "i1")
    for counter, extent, stride in zip(counters, reversed(extents), reversed(strides), strict=True):
        raised = f.add(counter, f.convert("zext", carry, "i64"))
        full = f.icmp("eq", raised, extent)
        following_counters.append(f.select(full, i64(0), raised))
        step = f.select(carry, stride, i64(0))
        moved = f.add(moved, f.sub(step, f.select(full, f.mul(extent, stride), i64(0))))
        carry = full
    for n, value in enumerate([following, moved, *following_counters]):
        f.lines[phi_at + n] += f", [ {value.text}, %next ]"
    f.branch_if(f.icmp("slt", following, Reg("%count", "i64")), "next", "done")
    f.label("done")
    f.line("ret void")
    return f


def _even(f: FunctionText, stride: Reg) -> None:
    """Offsets along one axis. Whole vectors: tables end on a multiple of four."""
    lanes = 4
    start, table = Reg("%start", "i64"), Reg("%table", "ptr")
    steps = f.mul(lane_numbers(f, lanes), f.splat(stride, lanes))
    with counted(f, Reg("%count", "i64"), step=lanes) as p:
        first = f.mul(f.add(start, p), stride)
        f.store(f.add(f.splat(first, lanes), steps), f.element_pointer(table, p, "i64"))
