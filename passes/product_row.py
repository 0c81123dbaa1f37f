"""Products with one row: the right operand is read once, in the order of its memory, and never copied.

The chains are those of the tiles (`passes.product_tile`). Where columns are neighbours, they wait in a cached row while
the right operand's rows are added to them; where the inner index is contiguous, squares of it are turned in registers.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.product_names import CHUNK, panel_width
from tapec.passes.product_pack import turned
from tapec.passes.product_tile import in_pieces, store_or_add
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
    f = FunctionText(name, _SIGNATURE)
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


def row_in_order(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """As `row_by_columns` for up to a panel's columns, along each of which the inner index is contiguous.

    `right_offsets` has one offset of each column; those that are missing repeat the last one. So many streams are more
    than a processor foresees: where the columns are short and lie one behind the other, memory is asked for what comes
    `ahead` elements later.
    """

    def ask(f: FunctionText, element: str, p: Reg, sources: list[Reg], line: int) -> None:
        later = f.element_pointer(sources[0], Reg("%ahead", "i64"), element)
        first = f.element_pointer(later, f.mul(p, i64(len(sources))), element)
        for place in range(0, len(sources) * len(sources) // 2, line):
            f.prefetch(f.element_pointer(first, i64(place), element))

    return _row_by_inner(name, dtype, vector_bits, ask)


def row_along_columns(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """The same where columns are long or lie apart: memory is asked for what comes later in each; `ahead` is 0."""

    def ask(f: FunctionText, element: str, p: Reg, sources: list[Reg], line: int) -> None:
        for source in sources:
            f.prefetch(f.element_pointer(f.element_pointer(source, p, element), i64(_LINES * line), element))

    return _row_by_inner(name, dtype, vector_bits, ask)


def _row_by_inner(
    name: str, dtype: DType, vector_bits: int, ask: Callable[[FunctionText, str, Reg, list[Reg], int], None]
) -> FunctionText:
    f = FunctionText(name, f"{_SIGNATURE}, i64 %ahead")
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

    with counted(f, whole, step=side) as p0:
        ask(f, element, p0, sources, line)
        add(p0, side)
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
