"""Small matrix products as LLVM text: one routine per dtype, called by eager and compiled code alike.

Which products are small depends on the sizes only (`passes.matmul_names`); the large ones are `passes.product_text`.
"""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.matmul_kernel import small_kernel
from tapec.passes.matmul_names import symbol
from tapec.passes.text_loops import counted

SIGNATURE: Final = (
    "i64 %batch, i64 %m, i64 %n, i64 %k, ptr %a, i64 %a_batch, i64 %a_row, i64 %a_col, "
    "ptr %b, i64 %b_batch, i64 %b_row, i64 %b_col, ptr %c"
)


def matmul_routine(dtype: DType) -> list[FunctionText]:
    """The functions of one module that multiplies small matrices of this dtype.

    `i64 tapec_matmul_f64(batch, m, n, k, a, a_batch, a_row, a_col, b, b_batch, b_row, b_col, c)` writes the dense
    row-major `(batch, m, n)` array `c`, which must not overlap the operands, and returns 0. Strides are in elements;
    any will do.

    Args:
        dtype: any but booleans.
    """
    f = FunctionText(symbol(dtype), SIGNATURE, "i64")
    size = dtype.itemsize
    arg = {name: Reg(f"%{name}", "i64") for name in ("batch", "m", "n", "k", "a_batch", "a_row", "a_col")}
    arg |= {name: Reg(f"%{name}", "i64") for name in ("b_batch", "b_row", "b_col")}
    a, b, c = Reg("%a", "ptr"), Reg("%b", "ptr"), Reg("%c", "ptr")
    zero = f.number(0, "i64")
    per_matrix = f.mul(arg["m"], arg["n"])
    elements = f.mul(arg["batch"], per_matrix)
    nothing = f.icmp("eq", elements, zero)
    f.branch_if(nothing, "done", "some")
    f.label("some")
    f.branch_if(f.icmp("eq", arg["k"], zero), "zeros", "product")
    f.label("zeros")
    _fill_zero(f, c, f.mul(elements, f.number(size, "i64")))
    f.branch("done")
    f.label("done")
    f.line("ret i64 0")
    f.label("product")
    element = memory_element(dtype)
    with counted(f, arg["batch"]) as i:
        f.call(
            f"{symbol(dtype)}_small",
            "void",
            *(arg[name] for name in ("m", "n", "k")),
            f.element_pointer(a, f.mul(i, arg["a_batch"]), element),
            arg["a_row"],
            arg["a_col"],
            f.element_pointer(b, f.mul(i, arg["b_batch"]), element),
            arg["b_row"],
            arg["b_col"],
            f.element_pointer(c, f.mul(i, per_matrix), element),
        )
    f.branch("done")
    return [small_kernel(f"{symbol(dtype)}_small", dtype), f]


def _fill_zero(f: FunctionText, pointer: Reg, count: Reg) -> None:
    f.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    f.line(f"call void @llvm.memset.p0.i64(ptr {pointer.text}, i8 0, i64 {count.text}, i1 false)")
