"""The edge of a large matrix product: tiles that are cut off on the right or below."""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import either, i64
from tapec.passes.text_loops import counted

_SIGNATURE = "ptr noalias %tile, ptr noalias %c, i64 %c_row, i64 %rows, i64 %columns, i1 %fresh"


def tile_edge(name: str, dtype: DType, width: int) -> FunctionText:
    """`void name(tile, c, c_row, rows, columns, fresh)`: what there is of a tile goes to `c`, or is added to it.

    A row of up to `2 L` columns is two vectors of `L`, the first and the last ones, which overlap; both are read, and
    added to, before either is stored. `L` is the power of two that fits, so that a tile takes one loop over its rows.

    Args:
        name: of the private function.
        dtype: of the elements.
        width: columns of the tile in memory.
    """
    f = FunctionText(name, _SIGNATURE, private=True, attributes="noinline")
    element, columns = memory_element(dtype), Reg("%columns", "i64")
    lanes = width // 2
    while lanes:
        this, smaller = f"lanes{lanes}", f"below{lanes}"
        f.branch_if(f.icmp("sge", columns, i64(lanes)), this, smaller)
        f.label(this)
        _rows(f, element, width, lanes)
        f.line("ret void")
        f.label(smaller)
        lanes //= 2
    f.line("ret void")
    return f


def _rows(f: FunctionText, element: str, width: int, lanes: int) -> None:
    places = (i64(0), f.sub(Reg("%columns", "i64"), i64(lanes)))
    with counted(f, Reg("%rows", "i64")) as row:
        tile = f.element_pointer(Reg("%tile", "ptr"), f.mul(row, i64(width)), element)
        out = f.element_pointer(Reg("%c", "ptr"), f.mul(row, Reg("%c_row", "i64")), element)
        values = [f.load(f.element_pointer(tile, at, element), element, lanes) for at in places]
        outs = [f.element_pointer(out, at, element) for at in places]

        def store() -> None:
            for value, to in zip(values, outs, strict=True):
                f.store(value, to)

        def add() -> None:
            sums = [f.fadd(f.load(to, element, lanes), value) for value, to in zip(values, outs, strict=True)]
            for value, to in zip(sums, outs, strict=True):
                f.store(value, to)

        either(f, Reg("%fresh", "i1"), store, add)
