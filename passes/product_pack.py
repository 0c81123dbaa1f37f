"""Copies of the right operand of a large matrix product: panels."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64, when
from tapec.passes.product_names import BLOCK, GROUP, panel_width
from tapec.passes.product_tile import in_pieces
from tapec.passes.text_loops import counted

_RIGHT = (
    "ptr noalias %panel, ptr noalias %b, ptr noalias %offsets, ptr noalias %inner_offsets, i64 %steps, i64 %columns"
)


def right_by_columns(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(panel, b, offsets, inner_offsets, steps, columns)`: rows of a panel whose columns are neighbours."""
    f = FunctionText(name, _RIGHT)
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
                in_pieces(f, width // 2, columns, piece)

    full = f.icmp("eq", columns, i64(width))
    when(f, full, lambda: rows(True))
    when(f, f.icmp("ne", columns, i64(width)), lambda: rows(False))
    f.line("ret void")
    return f


def right_group(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(panels, b, inner_offsets, steps)`: `GROUP` whole panels whose columns, from `b` on, are neighbours.

    Together, since their rows are one run of memory: panel by panel each would take its few lines from every page.
    """
    f = FunctionText(name, "ptr noalias %panels, ptr noalias %b, ptr noalias %inner_offsets, i64 %steps")
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
    f = FunctionText(name, _RIGHT)
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
    f = FunctionText(name, _RIGHT)
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
