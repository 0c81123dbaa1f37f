"""Products with one row: the right operand is read once, in the order of its memory, and never copied.

The chains are those of the tiles (`passes.product_tile`). Where columns are neighbours, they wait in a cached row while
the right operand's rows are added to them; where the inner index is contiguous, squares of it are turned in registers.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import either, i64
from tapec.passes.product_names import CHUNK
from tapec.passes.product_pack import turned
from tapec.passes.product_tile import in_pieces, panel_width, store_or_add
from tapec.passes.text_loops import counted

LINE = 64  # bytes of a cache line
_LINES = 8  # of each of several long columns that are asked for before they are needed
_STEPS = 8  # rows of the right operand that pass a chain between its load and its store
_SIGNATURE = (
    "i64 %steps, ptr noalias %a, ptr noalias %left_offsets, ptr noalias %b, ptr noalias %right_offsets, "
    "ptr noalias %c, i64 %columns, i1 %fresh"
)


def row_by_columns(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(steps, a, left_offsets, b, right_offsets, c, columns, fresh)`: up to `CHUNK` neighbouring columns.

    One block of the inner index, for the columns from `b` on. The chains go to `c`, or are added to it where this is
    not the first block.
    """
    f = FunctionText(name, _SIGNATURE, private=True)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    steps, columns, fresh = Reg("%steps", "i64"), Reg("%columns", "i64"), Reg("%fresh", "i1")
    chains = f.select(fresh, Reg("%c", "ptr"), f.alloca(element, CHUNK))
    _for_columns(f, width, columns, lambda j, lanes: f.store(
        f.number(0, element, lanes), f.element_pointer(chains, j, element)
    ))  # fmt: skip
    whole = f.binary("and", steps, i64(-_STEPS))
    for stride, start, stop in ((_STEPS, None, whole), (1, whole, steps)):
        with counted(f, stop, start=start, step=stride) as p0:
            lefts, rows = [], []
            for s in range(stride):
                p = f.add(p0, i64(s))
                along = f.load(f.element_pointer(Reg("%left_offsets", "ptr"), p, "i64"), "i64")
                lefts.append(f.load(f.element_pointer(Reg("%a", "ptr"), along, element), element))
                offset = f.load(f.element_pointer(Reg("%right_offsets", "ptr"), p, "i64"), "i64")
                rows.append(f.element_pointer(Reg("%b", "ptr"), offset, element))

            def step(j: Reg, lanes: int, lefts: list[Reg] = lefts, rows: list[Reg] = rows) -> None:
                at = f.element_pointer(chains, j, element)
                chain = f.load(at, element, lanes)
                for left, row in zip(lefts, rows, strict=True):
                    right = f.load(f.element_pointer(row, j, element), element, lanes)
                    chain = f.intrinsic("fma", f.splat(left, lanes), right, chain)
                f.store(chain, at)

            _for_columns(f, width, columns, step)
    f.branch_if(fresh, "done", "add")
    f.label("add")

    def add(j: Reg, lanes: int) -> None:
        out = f.element_pointer(Reg("%c", "ptr"), j, element)
        chain = f.load(f.element_pointer(chains, j, element), element, lanes)
        f.store(f.fadd(f.load(out, element, lanes), chain), out)

    _for_columns(f, width, columns, add)
    f.branch("done")
    f.label("done")
    f.line("ret void")
    return f


def _for_columns(f: FunctionText, width: int, columns: Reg, body: Callable[[Reg, int], None]) -> None:
    """`body(first, lanes)` over all columns once, in vectors and then in shorter and shorter ones."""
    whole = f.binary("and", columns, i64(-width))
    with counted(f, whole, step=width) as j:
        body(j, width)
    rest = f.sub(columns, whole)
    in_pieces(f, width // 2, rest, lambda at, lanes: body(f.add(whole, at), lanes))


def row_by_inner(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """As `row_by_columns` for up to a panel's columns, along each of which the inner index is contiguous.

    `right_offsets` has one offset of each column; those that are missing repeat the last one. So many streams are more
    than a processor foresees, so that memory is asked for what comes later: for what lies `ahead` elements behind that
    which is read, where short columns lie one behind the other, or further along each column where `ahead` is 0.
    """
    f = FunctionText(name, f"{_SIGNATURE}, i64 %ahead", private=True)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    side, line = width // 2, LINE * 8 // dtype.bits
    steps, columns = Reg("%steps", "i64"), Reg("%columns", "i64")
    sources = []
    for j in range(width):
        offset = f.load(f.element_pointer(Reg("%right_offsets", "ptr"), i64(j), "i64"), "i64")
        sources.append(f.element_pointer(Reg("%b", "ptr"), offset, element))
    slots = [f.alloca(Reg("", element, side).type, 1) for _ in range(2)]
    for slot in slots:
        f.store(f.number(0, element, side), slot)
    whole = f.binary("and", steps, i64(-side))
    later = f.element_pointer(sources[0], Reg("%ahead", "i64"), element)

    def add(p0: Reg, stride: int) -> None:
        lefts = []
        for s in range(stride):
            along = f.load(f.element_pointer(Reg("%left_offsets", "ptr"), f.add(p0, i64(s)), "i64"), "i64")
            lefts.append(f.splat(f.load(f.element_pointer(Reg("%a", "ptr"), along, element), element), side))
        for square, slot in enumerate(slots):
            chain = f.load(slot, element, side)
            mine = [f.element_pointer(x, p0, element) for x in sources[square * side : (square + 1) * side]]
            rights = turned(f, element, mine) if stride > 1 else [_gathered(f, element, mine)]
            for left, right in zip(lefts, rights, strict=True):
                chain = f.intrinsic("fma", left, right, chain)
            f.store(chain, slot)

    def in_order() -> None:
        with counted(f, whole, step=side) as p0:
            first = f.element_pointer(later, f.mul(p0, i64(width)), element)
            for place in range(0, width * side, line):
                f.prefetch(f.element_pointer(first, i64(place), element))
            add(p0, side)

    def along_each() -> None:
        with counted(f, whole, step=side) as p0:
            for source in sources:
                f.prefetch(f.element_pointer(f.element_pointer(source, p0, element), i64(_LINES * line), element))
            add(p0, side)

    either(f, f.icmp("ne", Reg("%ahead", "i64"), i64(0)), in_order, along_each)
    with counted(f, steps, start=whole) as p:
        add(p, 1)
    chains = f.alloca(element, width)
    for square, slot in enumerate(slots):
        f.store(f.load(slot, element, side), f.element_pointer(chains, i64(square * side), element))
    with counted(f, columns) as column:
        chain = f.load(f.element_pointer(chains, column, element), element)
        out = f.element_pointer(Reg("%c", "ptr"), column, element)
        store_or_add(f, chain, out)
    f.line("ret void")
    return f


def _gathered(f: FunctionText, element: str, pointers: list[Reg]) -> Reg:
    vector = Reg("poison", element, len(pointers))
    for lane, pointer in enumerate(pointers):
        vector = f.insert(vector, f.load(pointer, element), lane)
    return vector
