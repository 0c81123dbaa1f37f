"""Copies of the left operand of a large matrix product, in the order in which the tiles read it."""

from __future__ import annotations

from functools import partial

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import either, i64
from tapec.passes.product_names import BLOCK, ROWS, panel_width
from tapec.passes.product_tile import in_pieces
from tapec.passes.text_loops import counted

TOGETHER = 8  # slivers that are copied at once
_RUN = TOGETHER * ROWS
_PIECES = ((0, 4), (4, 2))  # first element and number of each of the vectors that make up `ROWS`
_SIGNATURE = (
    "ptr noalias %panel, ptr noalias %a, ptr noalias %row_offsets, i64 %rows, ptr noalias %inner_offsets, i64 %steps"
)


def left_rows(name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """`void name(panel, a, row_offsets, rows, inner_offsets, steps)`: rows along which the inner index is contiguous.

    Each lies `BLOCK` elements behind the one before. Where they lie they may be so far apart that those of one tile
    exclude each other from the first-level cache, and each is on a page of its own.
    """
    f = FunctionText(name, _SIGNATURE)
    element, width = memory_element(dtype), panel_width(dtype, vector_bits)
    steps = Reg("%steps", "i64")
    start = f.element_pointer(Reg("%a", "ptr"), f.load(Reg("%inner_offsets", "ptr"), "i64"), element)
    whole = f.binary("and", steps, i64(-width))
    with counted(f, Reg("%rows", "i64")) as row:
        offset = f.load(f.element_pointer(Reg("%row_offsets", "ptr"), row, "i64"), "i64")
        source = f.element_pointer(start, offset, element)
        target = f.element_pointer(Reg("%panel", "ptr"), f.mul(row, i64(BLOCK)), element)

        def piece(at: Reg, lanes: int, source: Reg = source, target: Reg = target) -> None:
            _copy(f, element, f.element_pointer(source, at, element), f.element_pointer(target, at, element), lanes)

        with counted(f, whole, step=width) as p:
            piece(p, width)
        in_pieces(f, width // 2, f.sub(steps, whole), lambda at, lanes: piece(f.add(whole, at), lanes))
    f.line("ret void")
    return f


def left_slivers(name: str, dtype: DType, _: int) -> FunctionText:
    """`void name(panel, a, row_offsets, rows, inner_offsets, steps)`: slivers of `ROWS` rows, step by step.

    The last sliver's missing rows repeat the last row. Slivers whose rows are neighbours are copied several at once,
    since the elements of a step are one run of memory: one by one, each would take a part of a line from every page.
    """
    f = FunctionText(name, _SIGNATURE)
    element = memory_element(dtype)
    rows = Reg("%rows", "i64")
    with counted(f, rows, step=_RUN) as i0:
        behind = f.intrinsic("smin", f.add(i0, i64(_RUN)), rows)

        def one_by_one(i0: Reg = i0, behind: Reg = behind) -> None:
            with counted(f, behind, start=i0, step=ROWS) as i:
                _sliver(f, element, i, rows)

        either(
            f,
            f.binary("and", f.icmp("eq", f.sub(behind, i0), i64(_RUN)), _neighbours(f, i0, f.sub(behind, i64(1)))),
            partial(_several, f, element, i0),
            one_by_one,
        )
    f.line("ret void")
    return f


def _neighbours(f: FunctionText, first: Reg, last: Reg) -> Reg:
    """Whether each of some rows lies one element behind the row before."""
    gaps = f.alloca("i64", 1)
    f.store(i64(0), gaps)
    with counted(f, last, start=first) as row:
        here, there = (_row_offset(f, r) for r in (row, f.add(row, i64(1))))
        gap = f.binary("xor", f.sub(there, here), i64(1))
        f.store(f.binary("or", f.load(gaps, "i64"), gap), gaps)
    return f.icmp("eq", f.load(gaps, "i64"), i64(0))


def _several(f: FunctionText, element: str, first: Reg) -> None:
    """`TOGETHER` slivers of neighbours."""
    start = f.element_pointer(Reg("%a", "ptr"), _row_offset(f, first), element)
    slivers = f.element_pointer(Reg("%panel", "ptr"), f.mul(first, i64(BLOCK)), element)
    with counted(f, Reg("%steps", "i64")) as p:
        source, target = f.element_pointer(start, _along(f, p), element), _step(f, element, slivers, p)
        with counted(f, i64(TOGETHER)) as sliver:
            from_ = f.element_pointer(source, f.mul(sliver, i64(ROWS)), element)
            to = f.element_pointer(target, f.mul(sliver, i64(ROWS * BLOCK)), element)
            for r, lanes in _PIECES:
                read, write = (f.element_pointer(at, i64(r), element) for at in (from_, to))
                _copy(f, element, read, write, lanes)


def _sliver(f: FunctionText, element: str, first: Reg, rows: Reg) -> None:
    """One sliver, whose rows may lie anywhere."""
    sliver = f.element_pointer(Reg("%panel", "ptr"), f.mul(first, i64(BLOCK)), element)
    last = f.sub(rows, i64(1))
    offsets = [_row_offset(f, f.intrinsic("smin", f.add(first, i64(r)), last)) for r in range(ROWS)]
    sources = [f.element_pointer(Reg("%a", "ptr"), offset, element) for offset in offsets]
    with counted(f, Reg("%steps", "i64")) as p:
        along, target = _along(f, p), _step(f, element, sliver, p)
        for r, source in enumerate(sources):
            _copy(f, element, f.element_pointer(source, along, element), f.element_pointer(target, i64(r), element), 1)


def _row_offset(f: FunctionText, row: Reg) -> Reg:
    return f.load(f.element_pointer(Reg("%row_offsets", "ptr"), row, "i64"), "i64")


def _along(f: FunctionText, step: Reg) -> Reg:
    return f.load(f.element_pointer(Reg("%inner_offsets", "ptr"), step, "i64"), "i64")


def _step(f: FunctionText, element: str, sliver: Reg, step: Reg) -> Reg:
    return f.element_pointer(sliver, f.mul(step, i64(ROWS)), element)


def _copy(f: FunctionText, element: str, source: Reg, target: Reg, lanes: int) -> None:
    f.store(f.load(source, element, lanes), target)
