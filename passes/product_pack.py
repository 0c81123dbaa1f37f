"""What a large matrix product prepares: tables of offsets, and panels of the right operand."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64, lane_numbers, when
from tapec.passes.product_names import AXES, BLOCK
from tapec.passes.product_tile import in_pieces, panel_width
from tapec.passes.text_loops import counted


def offsets_function(name: str) -> FunctionText:
    """`void name(table, start, count, extents, strides)`: offsets of `count` positions of axes read as one.

    The innermost axis is the last of `AXES`. Positions run from `start`.
    """
    signature = "ptr noalias %table, i64 %start, i64 %count, ptr noalias %extents, ptr noalias %strides"
    f = FunctionText(name, signature, private=True)
    extents = [f.load(f.element_pointer(Reg("%extents", "ptr"), i64(a), "i64"), "i64") for a in range(AXES)]
    strides = [f.load(f.element_pointer(Reg("%strides", "ptr"), i64(a), "i64"), "i64") for a in range(AXES)]
    outer = f.mul(extents[0], extents[1])
    f.branch_if(f.icmp("eq", outer, i64(1)), "even", "uneven")
    f.label("even")
    _even_offsets(f, strides[-1])
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


def _even_offsets(f: FunctionText, stride: Reg) -> None:
    """Offsets along one axis. Whole vectors: tables end on a multiple of four."""
    lanes = 4
    start, table = Reg("%start", "i64"), Reg("%table", "ptr")
    steps = f.mul(lane_numbers(f, lanes), f.splat(stride, lanes))
    with counted(f, Reg("%count", "i64"), step=lanes) as p:
        first = f.mul(f.add(start, p), stride)
        f.store(f.add(f.splat(first, lanes), steps), f.element_pointer(table, p, "i64"))


GROUP = 4  # panels that are copied together
_RIGHT = "ptr noalias %panel, ptr noalias %b, ptr noalias %offsets, ptr noalias %inner_offsets, i64 %steps"


def right_by_columns(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(panel, b, offsets, inner_offsets, steps, columns)`: rows of a panel whose columns are neighbours."""
    f = FunctionText(name, f"{_RIGHT}, i64 %columns", private=True)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    columns = Reg("%columns", "i64")
    first = f.load(Reg("%offsets", "ptr"), "i64")
    start = f.element_pointer(Reg("%b", "ptr"), first, element)

    def rows(whole: bool) -> None:
        with counted(f, Reg("%steps", "i64")) as p:
            along = f.load(f.element_pointer(Reg("%inner_offsets", "ptr"), p, "i64"), "i64")
            source = f.element_pointer(start, along, element)
            target = f.element_pointer(Reg("%panel", "ptr"), f.mul(p, i64(width)), element)

            def piece(at: Reg, lanes: int) -> None:
                value = f.load(f.element_pointer(source, at, element), element, lanes)
                f.store(value, f.element_pointer(target, at, element))

            if whole:
                piece(i64(0), width)
            else:
                f.store(f.number(0, element, width), target)
                in_pieces(f, width, columns, piece)

    full = f.icmp("eq", columns, i64(width))
    when(f, full, lambda: rows(True))
    when(f, f.icmp("ne", columns, i64(width)), lambda: rows(False))
    f.line("ret void")
    return f


def right_group(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(panels, b, inner_offsets, steps)`: `GROUP` whole panels whose columns, from `b` on, are neighbours.

    Together, since their rows are one run of memory: panel by panel each would take its few lines from every page.
    """
    f = FunctionText(name, "ptr noalias %panels, ptr noalias %b, ptr noalias %inner_offsets, i64 %steps", private=True)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    with counted(f, Reg("%steps", "i64")) as p:
        along = f.load(f.element_pointer(Reg("%inner_offsets", "ptr"), p, "i64"), "i64")
        source = f.element_pointer(Reg("%b", "ptr"), along, element)
        target = f.element_pointer(Reg("%panels", "ptr"), f.mul(p, i64(width)), element)
        values = [f.load(f.element_pointer(source, i64(q * width), element), element, width) for q in range(GROUP)]
        for q, value in enumerate(values):
            f.store(value, f.element_pointer(target, i64(q * width * BLOCK), element))
    f.line("ret void")
    return f


def right_by_inner(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(panel, b, offsets, inner_offsets, steps)`: a panel whose inner index is contiguous, turned.

    `offsets` has one of each column; a panel that is cut off repeats the last one.
    """
    f = FunctionText(name, _RIGHT, private=True)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    side = width // 2
    first = f.load(Reg("%inner_offsets", "ptr"), "i64")
    start = f.element_pointer(Reg("%b", "ptr"), first, element)
    steps = Reg("%steps", "i64")
    whole = f.binary("and", steps, i64(-side))
    columns = [f.load(f.element_pointer(Reg("%offsets", "ptr"), i64(j), "i64"), "i64") for j in range(width)]
    sources = [f.element_pointer(start, offset, element) for offset in columns]
    with counted(f, whole, step=side) as p:
        for half in range(2):
            mine = [f.element_pointer(x, p, element) for x in sources[half * side : (half + 1) * side]]
            for i, vector in enumerate(turned(f, element, mine)):
                at = f.add(f.mul(f.add(p, i64(i)), i64(width)), i64(half * side))
                f.store(vector, f.element_pointer(Reg("%panel", "ptr"), at, element))
    with counted(f, steps, start=whole) as p:
        target = f.element_pointer(Reg("%panel", "ptr"), f.mul(p, i64(width)), element)
        for j, source in enumerate(sources):
            f.store(f.load(f.element_pointer(source, p, element), element), f.element_pointer(target, i64(j), element))
    f.line("ret void")
    return f


def right_by_element(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """As `right_by_inner`, whatever the strides are."""
    f = FunctionText(name, _RIGHT, private=True)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    columns = [f.load(f.element_pointer(Reg("%offsets", "ptr"), i64(j), "i64"), "i64") for j in range(width)]
    sources = [f.element_pointer(Reg("%b", "ptr"), offset, element) for offset in columns]
    with counted(f, Reg("%steps", "i64")) as p:
        along = f.load(f.element_pointer(Reg("%inner_offsets", "ptr"), p, "i64"), "i64")
        target = f.element_pointer(Reg("%panel", "ptr"), f.mul(p, i64(width)), element)
        for j, source in enumerate(sources):
            value = f.load(f.element_pointer(source, along, element), element)
            f.store(value, f.element_pointer(target, i64(j), element))
    f.line("ret void")
    return f


def turned(f: FunctionText, element: str, rows: list[Reg]) -> list[Reg]:
    """The columns of a square in memory, of which the rows' addresses are given.

    Halves are loaded where they belong; each round then interleaves the elements of two vectors, half by half.
    """
    side = len(rows)
    half = side // 2
    columns: list[Reg] = []
    low = [lane + start + own for start in (0, half) for lane in range(half // 2) for own in (0, side)]
    high = [lane + half // 2 for lane in low]
    for first in (0, half):
        parts = [f.load(f.element_pointer(row, i64(first), element), element, half) for row in rows]
        some = [_joined(f, a, b) for a, b in zip(parts[:half], parts[half:], strict=True)]
        for _ in range(half.bit_length() - 1):
            pairs = list(zip(some[: half // 2], some[half // 2 :], strict=True))
            some = [_shuffled(f, a, b, lanes) for a, b in pairs for lanes in (low, high)]
        columns += some
    return columns


def _joined(f: FunctionText, low: Reg, high: Reg) -> Reg:
    """A vector of two halves."""
    if low.width == 1:
        return f.insert(f.insert(Reg("poison", low.element, 2), low, 0), high, 1)
    return _shuffled(f, low, high, range(2 * low.width))


def _shuffled(f: FunctionText, a: Reg, b: Reg, lanes: Sequence[int]) -> Reg:
    """Lanes of two vectors, counted through both."""
    mask = ", ".join(f"i32 {x}" for x in lanes)
    text = f"shufflevector {a.type} {a.text}, {b.type} {b.text}, <{len(lanes)} x i32> <{mask}>"
    return f.assign(text, a.element, len(lanes))
