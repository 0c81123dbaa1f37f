"""Large matrix products as LLVM text: blocks of rows and of the inner index, panels of columns, tiles; on threads.

An element of the result is a sum over blocks of `BLOCK` steps of the inner index, in order, each block one chain of
fused multiply-adds. How rows and columns are cut, into tiles or among threads, touches no chain.

`i64 tapec_product_alone(history, layout, a, b, c)` returns 0. `layout` is what `passes.product_plan` writes and the
addresses of what `passes.product_functions` names; `c` is dense, row-major memory that overlaps neither operand;
`history` is not looked at. `tapec_product_on_threads` is the same for products of several parts, which may run at once;
`history` is the call's own for `tapec_parallel`. Both call the function of a part, `void part(ptr call, i64 first unit,
i64 unit behind the last)`, `call` being addresses of the layout, the operands as they are read, and the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from tapec.ir.dtypes import DType, by_name
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64
from tapec.passes.product_left import left_rows, left_slivers
from tapec.passes.product_matrix import MatrixText
from tapec.passes.product_names import (
    ALONE,
    CUT_BATCH,
    CUT_COLUMNS,
    CUT_ROWS,
    EVEN_OFFSETS,
    LOW_ROWS,
    OFFSETS,
    ON_THREADS,
    PREFIX,
    ROWS,
    panel_width,
)
from tapec.passes.product_offsets import even_offsets, offsets
from tapec.passes.product_one_row import row_by_columns_text, row_by_inner_text
from tapec.passes.product_pack import right_by_columns, right_by_element, right_by_inner, right_group
from tapec.passes.product_part import PartText, Range, field
from tapec.passes.product_row import row_along_columns, row_by_columns, row_in_order
from tapec.passes.product_tile import tile_function
from tapec.passes.text_loops import counted
from tapec.passes.threads_names import PARALLEL

# Writes the product of one pair of matrices: left operand, right operand, result, rows and columns of a part.
Matrices = Callable[[PartText, Reg, Reg, Reg, Range, Range], None]


def product_functions(names: Iterable[str], vector_bits: int) -> list[FunctionText]:
    """The functions of these names.

    Args:
        names: `passes.product_functions` and `passes.product_names` have them.
        vector_bits: width of the machine's vector registers.
    """
    return [_function(name, vector_bits) for name in names]


def _function(name: str, vector_bits: int) -> FunctionText:
    if name in _COMMON:
        return _COMMON[name](name)
    what, _, dtype = name.removeprefix(PREFIX).rpartition("_")
    return _OF_DTYPE[what](name, by_name(dtype), vector_bits)


def _alone(name: str) -> FunctionText:
    f, call, part, units = _routine(name)
    f.line(f"call void {part.text}(ptr {call.text}, i64 0, i64 {units.text})")
    f.line("ret i64 0")
    return f


def _on_threads(name: str) -> FunctionText:
    f, call, part, units = _routine(name)
    parts = f.load(field(f, Reg("%layout", "ptr"), "parts"), "i64")
    f.call(PARALLEL, "void", part, call, units, parts, Reg("%history", "ptr"))
    f.line("ret i64 0")
    return f


def _routine(name: str) -> tuple[FunctionText, Reg, Reg, Reg]:
    """A routine, so far as it is the same for both: what a part is told, its function, and the number of units."""
    f = FunctionText(name, "ptr %history, ptr noalias %layout, ptr %a, ptr %b, ptr noalias %c", "i64")
    layout, a, b, c = (Reg(f"%{name}", "ptr") for name in ("layout", "a", "b", "c"))
    swapped = f.icmp("ne", f.load(field(f, layout, "swapped"), "i64"), i64(0))
    call = f.alloca("ptr", 4, align=8)
    for i, pointer in enumerate((layout, f.select(swapped, b, a), f.select(swapped, a, b), c)):
        f.store(pointer, f.element_pointer(call, i64(i), "ptr"))
    return f, call, f.load(field(f, layout, "part"), "ptr"), f.load(field(f, layout, "units"), "i64")


def _part(matrices: Matrices, name: str, dtype: DType, vector_bits: int) -> FunctionText:
    """The function of a part: one pair of matrices after the other."""
    part = PartText(name, dtype, vector_bits)
    f = part.f
    wholes = ((CUT_BATCH, part.value("batch")), (CUT_ROWS, part.m), (CUT_COLUMNS, part.n))
    batch, rows, columns = (_cut(part, which, whole) for which, whole in wholes)
    table = part.column_offsets
    with counted(f, batch.stop, start=batch.start) as matrix:
        part.fill(table, matrix, i64(1), "batch", "a")
        a = f.element_pointer(part.a, f.load(table, "i64"), part.element)
        part.fill(table, matrix, i64(1), "batch", "b")
        b = f.element_pointer(part.b, f.load(table, "i64"), part.element)
        c = f.element_pointer(part.c, f.mul(matrix, f.mul(part.m, part.n)), part.element)
        matrices(part, a, b, c, rows, columns)
    f.line("ret void")
    return f


def _cut(part: PartText, which: int, whole: Reg) -> Range:
    """The positions of an index that a part has: all, unless it is what is cut."""
    f = part.f
    this = f.icmp("eq", part.value("cut"), i64(which))
    unit = part.value("unit")
    start = f.mul(Reg("%first", "i64"), unit)
    stop = f.intrinsic("smin", f.mul(Reg("%stop", "i64"), unit), whole)
    return Range(f.select(this, start, i64(0)), f.select(this, stop, whole))


def _tile(rows: int, share: int, name: str, dtype: DType, vector_bits: int) -> FunctionText:
    panel = panel_width(dtype, vector_bits)
    return tile_function(name, dtype, rows, panel // share, panel)


_COMMON: Final[dict[str, Callable[[str], FunctionText]]] = {
    ALONE: _alone,
    ON_THREADS: _on_threads,
    EVEN_OFFSETS: even_offsets,
    OFFSETS: offsets,
}
_OF_DTYPE: Final[dict[str, Callable[[str, DType, int], FunctionText]]] = {
    "part": partial(_part, lambda part, *matrices: MatrixText(part).write(*matrices)),
    "row_part_by_columns": partial(_part, row_by_columns_text),
    "row_part_by_inner": partial(_part, row_by_inner_text),
    "left_rows": left_rows,
    "left_slivers": left_slivers,
    "right_group": right_group,
    "right_by_columns": right_by_columns,
    "right_by_inner": right_by_inner,
    "right_by_element": right_by_element,
    "tile": partial(_tile, ROWS, 1),
    "narrow_tile": partial(_tile, ROWS, 2),
    "low_tile": partial(_tile, LOW_ROWS, 1),
    "row_by_columns": row_by_columns,
    "row_in_order": row_in_order,
    "row_along_columns": row_along_columns,
}
