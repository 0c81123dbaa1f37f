"""The tile of a large matrix product: a few rows and two vectors of columns, whose chains stay in registers.

Where the elements of the left operand lie is told by tables: a row's offset and, for each step of the inner index, an
offset along it. One load per step pays for reading any view of an array in place. The right operand comes in panels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import either, i64, when
from tapec.passes.product_edge import tile_edge
from tapec.passes.product_names import symbol
from tapec.passes.text_loops import counted

_SIGNATURE = (
    "i64 %steps, ptr noalias %a, ptr noalias %row_offsets, ptr noalias %inner_offsets, ptr noalias %b, i64 %b_step, "
    "ptr noalias %c, i64 %c_row, i64 %rows, i64 %columns, i1 %fresh"
)


def tile_function(name: str, dtype: DType, rows: int, width: int, panel: int) -> FunctionText:
    """`void name(steps, a, row_offsets, inner_offsets, b, b_step, c, c_row, rows, columns, fresh)`.

    One tile over one block of the inner index, at least one step long. The chains go to `c`, or are added to it where
    this is not the first block. `rows` may be less than the function's: those beyond read the last one's elements.

    Args:
        name: of the function.
        dtype: of the elements.
        rows: that have chains.
        width: columns that have chains.
        panel: columns of a whole tile.
    """
    f = FunctionText(name, _SIGNATURE)
    element = memory_element(dtype)
    last = f.sub(Reg("%rows", "i64"), i64(1))
    places = [i64(0), *[f.intrinsic("smin", i64(r), last) for r in range(1, rows)]]
    offsets = [f.load(f.element_pointer(Reg("%row_offsets", "ptr"), row, "i64"), "i64") for row in places]
    lefts = [f.element_pointer(Reg("%a", "ptr"), offset, element) for offset in offsets]
    when(f, f.icmp("eq", Reg("%fresh", "i1"), Reg("false", "i1")), lambda: _fetch(f, element, width))
    edge = tile_edge(symbol("edge", dtype), dtype, panel)
    f.helpers[edge.name] = edge
    _write(f, element, _chains(f, element, width, lefts), edge.name, panel)
    f.line("ret void")
    return f


def _fetch(f: FunctionText, element: str, width: int) -> None:
    """Has what the chains will be added to come while they are computed; a row of it lies in one or two cache lines."""
    with counted(f, Reg("%rows", "i64")) as row:
        out = f.element_pointer(Reg("%c", "ptr"), f.mul(row, Reg("%c_row", "i64")), element)
        f.prefetch(out)
        f.prefetch(f.element_pointer(out, i64(width - 1), element))


def _chains(f: FunctionText, element: str, width: int, lefts: list[Reg]) -> list[Reg]:
    """The chains of so many columns, a vector or two for each row."""
    chain, summed, before = f.fresh("chain"), f.fresh("summed"), f.block
    zero = f.number(0, element, width)
    f.branch(chain)
    f.label(chain)
    phi_at = len(f.lines)
    p = f.phi("i64", [("0", before)])
    right_at = f.phi("ptr", [("%b", before)])
    accs = [f.phi(element, [(zero.text, before)], width) for _ in lefts]
    right = f.load(right_at, element, width)
    along = f.load(f.element_pointer(Reg("%inner_offsets", "ptr"), p, "i64"), "i64")
    sums = []
    for left, acc in zip(lefts, accs, strict=True):
        value = f.splat(f.load(f.element_pointer(left, along, element), element), width)
        sums.append(f.intrinsic("fma", value, right, acc))
    following = f.add(p, i64(1))
    next_right = f.element_pointer(right_at, Reg("%b_step", "i64"), element)
    for i, value in enumerate([following, next_right, *sums]):
        f.lines[phi_at + i] += f", [ {value.text}, %{chain} ]"
    f.branch_if(f.icmp("slt", following, Reg("%steps", "i64")), chain, summed)
    f.label(summed)
    return sums


def _write(f: FunctionText, element: str, sums: list[Reg], edge: str, panel: int) -> None:
    """Stores the chains or adds them to what is there; tiles that are cut off go by way of the stack."""
    rows, columns, width = Reg("%rows", "i64"), Reg("%columns", "i64"), sums[0].width
    outs = [f.element_pointer(Reg("%c", "ptr"), f.mul(i64(r), Reg("%c_row", "i64")), element) for r in range(len(sums))]
    whole = f.binary("and", f.icmp("eq", rows, i64(len(sums))), f.icmp("eq", columns, i64(width)))

    def all_of_it() -> None:
        def add() -> None:
            for value, out in zip(sums, outs, strict=True):
                f.store(f.fadd(f.load(out, element, width), value), out)

        def store() -> None:
            for value, out in zip(sums, outs, strict=True):
                f.store(value, out)

        either(f, Reg("%fresh", "i1"), store, add)

    def some_of_it() -> None:
        spill = f.alloca(element, len(sums) * panel)
        for r, value in enumerate(sums):
            f.store(value, f.element_pointer(spill, i64(r * panel), element))
        names = ("ptr %c", "i64 %c_row", "i64 %rows", "i64 %columns", "i1 %fresh")
        f.line(f"call void @{edge}(ptr {spill.text}, {', '.join(names)})")

    either(f, whole, all_of_it, some_of_it)


def store_or_add(f: FunctionText, value: Reg, out: Reg) -> None:
    """Stores a sum over part of the inner axis; it is added to what lies there unless it is the first (`%fresh`)."""
    # Where nothing has been written yet nothing is read: a select would let a NaN that lies there through.
    either(
        f,
        Reg("%fresh", "i1"),
        lambda: f.store(value, out),
        lambda: f.store(f.fadd(f.load(out, value.element, value.width), value), out),
    )


def in_pieces(f: FunctionText, width: int, count: Reg, body: Callable[[Reg, int], None]) -> None:
    """`body(position, lanes)` for `count` (up to `width`) elements, in powers of two from the largest down."""
    lanes = width
    while lanes:
        at = f.binary("and", count, i64(-2 * lanes))
        when(f, f.icmp("ne", f.binary("and", count, i64(lanes)), i64(0)), partial(body, at, lanes))
        lanes //= 2
