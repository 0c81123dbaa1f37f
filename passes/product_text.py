"""Large matrix products as LLVM text: blocks of rows and of the inner index, panels of columns, tiles; on threads.

An element of the result is a sum over blocks of `BLOCK` steps of the inner index, in order, each block one chain of
fused multiply-adds. How rows and columns are cut, into tiles or among threads, touches no chain.
"""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64
from tapec.passes.product_matrix import MatrixText
from tapec.passes.product_names import BLOCK, BY_INNER, CUT_BATCH, CUT_COLUMNS, CUT_ROWS, ROWS, part_name, symbol
from tapec.passes.product_one_row import OneRowText
from tapec.passes.product_part import PartText, Range, field
from tapec.passes.text_loops import counted
from tapec.passes.threads_names import PARALLEL

LEFT_BYTES = 192 * 1024  # of the left operand that wait in the second-level cache while panels pass


def product_module(dtype: DType, vector_bits: int) -> list[FunctionText]:
    """The functions of one module that multiplies matrices of this dtype, on the thread that calls.

    `i64 tapec_product_f64(history, layout, a, b, c)` returns 0. `layout` is what `passes.product_plan` writes, `c`
    dense and row-major memory that overlaps neither operand; `history` is not looked at.
    """
    f, call, units = _entry(symbol(dtype))
    f.call(part_name(dtype), "void", call, i64(0), units)
    f.line("ret i64 0")
    return [f, _part(dtype, vector_bits)]


def product_threads_module(dtype: DType) -> list[FunctionText]:
    """The same for products of several parts, which may run at once: `history` is the call's own for `tapec_parallel`.

    A module of its own, so that the others need no threads. It calls the other one's function of a part.
    """
    f, call, units = _entry(symbol(dtype, 2))
    parts = f.load(field(f, Reg("%layout", "ptr"), "parts"), "i64")
    f.declarations.add(f"declare void @{part_name(dtype)}(ptr, i64, i64)")
    f.call(PARALLEL, "void", Reg(f"@{part_name(dtype)}", "ptr"), call, units, parts, Reg("%history", "ptr"))
    f.line("ret i64 0")
    return [f]


def _entry(name: str) -> tuple[FunctionText, Reg, Reg]:
    """A routine, so far as it is the same for both: what a part is told, and the number of units."""
    f = FunctionText(name, "ptr %history, ptr noalias %layout, ptr %a, ptr %b, ptr noalias %c", "i64")
    layout, a, b, c = (Reg(f"%{name}", "ptr") for name in ("layout", "a", "b", "c"))
    swapped = f.icmp("ne", f.load(field(f, layout, "swapped"), "i64"), i64(0))
    call = f.alloca("ptr", 4, align=8)
    for i, pointer in enumerate((layout, f.select(swapped, b, a), f.select(swapped, a, b), c)):
        f.store(pointer, f.element_pointer(call, i64(i), "ptr"))
    return f, call, f.load(field(f, layout, "units"), "i64")


def _part(dtype: DType, vector_bits: int) -> FunctionText:
    height = LEFT_BYTES // (BLOCK * dtype.itemsize) // (2 * ROWS) * (2 * ROWS)
    part = PartText(dtype, vector_bits, height)
    f = part.f
    matrix_text, row_text = MatrixText(part, height), OneRowText(part)
    m = part.value("m")
    wholes = ((CUT_BATCH, part.value("batch")), (CUT_ROWS, m), (CUT_COLUMNS, part.n))
    matrices, rows, columns = (_cut(part, which, whole) for which, whole in wholes)
    one_row = f.binary("and", f.icmp("eq", m, i64(1)), f.icmp("sle", part.read_b, i64(BY_INNER)))
    table = part.column_offsets
    with counted(f, matrices.stop, start=matrices.start) as matrix:
        part.fill(table, matrix, i64(1), "batch", "a")
        a = f.element_pointer(part.a, f.load(table, "i64"), part.element)
        part.fill(table, matrix, i64(1), "batch", "b")
        b = f.element_pointer(part.b, f.load(table, "i64"), part.element)
        c = f.element_pointer(part.c, f.mul(matrix, f.mul(m, part.n)), part.element)
        row, several, end = f.fresh("row"), f.fresh("several"), f.fresh("end")
        f.branch_if(one_row, row, several)
        f.label(row)
        row_text.write(a, b, c, columns)
        f.branch(end)
        f.label(several)
        matrix_text.write(a, b, c, rows, columns)
        f.branch(end)
        f.label(end)
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
