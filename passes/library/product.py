"""Matrix products: unrolled where they are tiny, else calls of the routine that eager runs call too."""

from __future__ import annotations

from math import prod

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.passes import matmul_names
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64
from tapec.passes.matmul_kernel import emit_small_matmul, is_unrolled
from tapec.passes.places import Surroundings
from tapec.passes.product_functions import functions, routine
from tapec.passes.product_plan import layout
from tapec.passes.product_steps import is_large_product, product_axes
from tapec.passes.steps import LibraryStep
from tapec.passes.threads_names import HISTORY


def matmul(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out[..., i, j] = sum over p of a[..., i, p] * b[..., p, j]`."""
    if is_large_product(step):
        contract(f, step, around)
        return
    a, b = step.operands
    *batch, m, n = step.shape
    k = a.shape[-1]
    dtype = a.buffer.dtype
    assert step.result is not None
    result = around.pointer(step.result)
    left, right = address(f, a, around), address(f, b, around)
    if prod(batch) == 1 and is_unrolled(dtype, m, n, k):
        emit_small_matmul(
            f, dtype, m, n, k, left, (a.strides[1], a.strides[2]), right, (b.strides[1], b.strides[2]), result
        )
        return
    sizes = (prod(batch), m, n, k)
    strides_a, strides_b = [i64(s) for s in a.strides], [i64(s) for s in b.strides]
    f.call(matmul_names.symbol(dtype), "i64", *map(i64, sizes), left, *strides_a, right, *strides_b, result)


def contract(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """The same where the four indices are several axes each, or the product is large."""
    a, b = step.operands
    assert step.result is not None
    words, history = layout(product_axes(step)), f.fresh(f"{f.name}_history")
    f.variables[history] = f"[{HISTORY} x i64] zeroinitializer"
    plan = layout_constant(f, a.buffer.dtype, words, around)
    matrices = (address(f, a, around), address(f, b, around), around.pointer(step.result))
    f.call(routine(words), "i64", Reg(f"@{history}", "ptr"), plan, *matrices)


def layout_constant(f: FunctionText, dtype: DType, words: tuple[int, ...], around: Surroundings) -> Reg:
    """The address of a layout among the module's constants, with the functions that the product calls."""
    plan, names = f.fresh(f"{f.name}_layout"), functions(dtype, words, around.vector_bits)
    f.declarations |= {f"declare void @{name}({'ptr, i64, i64' if name == names[0] else ''})" for name in names if name}
    addresses = [f"i64 ptrtoint (ptr @{name} to i64)" if name else "i64 0" for name in names]
    f.constants[plan] = f"[{len(words) + len(names)} x i64] [{', '.join([*(f'i64 {w}' for w in words), *addresses])}]"
    return Reg(f"@{plan}", "ptr")


def guard(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """Reports the value; where it is not the one that Python saw, the run ends here."""
    (x,) = step.operands
    dtype = x.buffer.dtype
    value = f.load(address(f, x, around), "i8" if dtype is dtypes.BOOL else f"i{dtype.bits}")
    if dtype.bits < 64:
        value = f.convert("sext" if dtype.kind == "i" else "zext", value, "i64")
    around.guard(value, Reg(str(int(step.attributes["expected"])), "i64"))
