"""Large matrix products in panels on Numba's threads, as LLVM text.

The longer side of the result is cut into panels of equal length; of a batch every matrix is a piece. Each piece is one
call of BLAS, on one thread. Which pieces there are depends on the sizes alone, so that the bits do not depend on
threads.
"""

from __future__ import annotations

from tapec.ir.dtypes import DType
from tapec.passes.matmul_names import ALONE_BEGIN, ALONE_END, cut_symbol, panel_symbol
from tapec.passes.matmul_text import SIGNATURE
from tapec.passes.threads_names import PARALLEL

_SHORTEST = 128  # of a panel: BLAS packs the other operand anew for each
_LEAST = 2**22  # multiplications in a panel
_MOST = 16  # panels of one matrix

_FIELDS = ("m", "n", "k", "a", "a_batch", "a_row", "a_col", "b", "b_batch", "b_row", "b_col", "c", "columns", "length",
           "panels")  # fmt: skip


def _field(name: str) -> str:
    return f"  %{name}.slot = getelementptr i64, ptr %call, i64 {_FIELDS.index(name)}\n"


def _type(name: str) -> str:
    return "ptr" if name in ("a", "b", "c") else "i64"


def matmul_cut_text(dtype: DType, *, alone: bool) -> str:
    """The module of one routine, `i64 cut(ptr history, batch, m, n, k, a, ..., c)`, that calls the dtype's other ones.

    Arguments are those of `passes.matmul_text.matmul_routine`, behind the memory that `tapec_parallel` keeps for a
    call. The strides must be ones that BLAS takes, and extents and strides below 2**31; it returns 0.

    Args:
        dtype: a floating one.
        alone: whether BLAS can be told to use one thread; if not, the pieces run one after the other, on its threads.
    """
    size = dtype.itemsize
    loads = "".join(_field(x) + f"  %{x} = load {_type(x)}, ptr %{x}.slot, align 8\n" for x in _FIELDS)
    stores = "".join(_field(x) + f"  store {_type(x)} %{x}, ptr %{x}.slot, align 8\n" for x in _FIELDS)
    work, begin, end, declared = "call void @pieces(ptr %call, i64 0, i64 %pieces)", "", "", ""
    if alone:
        work = f"call void @{PARALLEL}(ptr @pieces, ptr %call, i64 %pieces, i64 %pieces, ptr %history)"
        begin, end = f"call void @{ALONE_BEGIN}()", f"call void @{ALONE_END}()"
        declared = (
            f"declare void @{PARALLEL}(ptr, ptr, i64, i64, ptr)\n"
            f"declare void @{ALONE_BEGIN}()\ndeclare void @{ALONE_END}()\n"
        )
    return f"""
declare void @{panel_symbol(dtype)}(i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64)
{declared}declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)

define internal void @pieces(ptr %call, i64 %first, i64 %stop) {{
entry:
{loads}  %by_columns = icmp ne i64 %columns, 0
  %side = select i1 %by_columns, i64 %n, i64 %m
  br label %head
head:
  %piece = phi i64 [ %first, %entry ], [ %next, %body ]
  %more = icmp slt i64 %piece, %stop
  br i1 %more, label %body, label %done
body:
  %next = add i64 %piece, 1
  %matrix = udiv i64 %piece, %panels
  %panel = urem i64 %piece, %panels
  %from = mul i64 %panel, %length
  %rest = sub i64 %side, %from
  %extent = call i64 @llvm.smin.i64(i64 %rest, i64 %length)
  %rows = select i1 %by_columns, i64 %m, i64 %extent
  %across = select i1 %by_columns, i64 %extent, i64 %n
  %from_row = select i1 %by_columns, i64 0, i64 %from
  %from_column = select i1 %by_columns, i64 %from, i64 0
  %a.matrix = mul i64 %matrix, %a_batch
  %a.row = mul i64 %from_row, %a_row
  %a.elements = add i64 %a.matrix, %a.row
  %a.bytes = mul i64 %a.elements, {size}
  %a.here = getelementptr i8, ptr %a, i64 %a.bytes
  %b.matrix = mul i64 %matrix, %b_batch
  %b.column = mul i64 %from_column, %b_col
  %b.elements = add i64 %b.matrix, %b.column
  %b.bytes = mul i64 %b.elements, {size}
  %b.here = getelementptr i8, ptr %b, i64 %b.bytes
  %c.matrix = mul i64 %matrix, %m
  %c.rows = add i64 %c.matrix, %from_row
  %c.row = mul i64 %c.rows, %n
  %c.elements = add i64 %c.row, %from_column
  %c.bytes = mul i64 %c.elements, {size}
  %c.here = getelementptr i8, ptr %c, i64 %c.bytes
  call void @{panel_symbol(dtype)}(i64 %rows, i64 %across, i64 %k, ptr %a.here, i64 %a_row, i64 %a_col,
    ptr %b.here, i64 %b_row, i64 %b_col, ptr %c.here, i64 %n)
  br label %head
done:
  ret void
}}

define i64 @{cut_symbol(dtype)}(ptr %history, {SIGNATURE}) {{
  %call = alloca [{len(_FIELDS)} x i64], align 8
  %wide = icmp sgt i64 %n, %m
  %columns = zext i1 %wide to i64
  %side = select i1 %wide, i64 %n, i64 %m
  %other = select i1 %wide, i64 %m, i64 %n
  %line = mul i64 %other, %k
  %least = udiv i64 {_LEAST}, %line
  %shortest = call i64 @llvm.smax.i64(i64 %least, i64 {_SHORTEST})
  %many = udiv i64 %side, %shortest
  %fewer = call i64 @llvm.smin.i64(i64 %many, i64 {_MOST})
  %matrices = icmp sgt i64 %batch, 1
  %uncut = select i1 %matrices, i64 1, i64 %fewer
  %wanted = call i64 @llvm.smax.i64(i64 %uncut, i64 1)
  %filled = add i64 %side, %wanted
  %reach = sub i64 %filled, 1
  %even = udiv i64 %reach, %wanted
  %up = add i64 %even, 15
  %length = and i64 %up, -16
  %covered = add i64 %side, %length
  %covering = sub i64 %covered, 1
  %panels = udiv i64 %covering, %length
{stores}  %pieces = mul i64 %batch, %panels
  {begin}
  {work}
  {end}
  ret i64 0
}}
"""
