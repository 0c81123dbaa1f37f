"""Matrix products: unrolled where they are tiny, else calls of the routine that eager runs call too."""

from __future__ import annotations

from math import prod

from tapec.ir import dtypes
from tapec.passes import matmul_names
from tapec.passes.kernel_status import TOO_LARGE
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import LibraryStep
from tapec.passes.matmul_kernel import emit_small_matmul, is_unrolled
from tapec.passes.nest_text import Surroundings
from tapec.passes.threads_names import HISTORY


def matmul(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`out[..., i, j] = sum over p of a[..., i, p] * b[..., p, j]`."""
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
    extents = (prod(batch), m, n, k)
    routine, memory = matmul_names.symbol(dtype), []
    if matmul_names.is_cut(dtype, extents, (*a.strides, *b.strides)):
        routine = matmul_names.cut_symbol(dtype)
        history = f.fresh(f"{f.name}_product")
        f.variables[history] = f"[{HISTORY} x i64] zeroinitializer"
        memory = [Reg(f"@{history}", "ptr")]
    status = f.call(
        routine, "i64", *memory, *(i64(x) for x in extents),
        left, *(i64(s) for s in a.strides), right, *(i64(s) for s in b.strides), result,
    )  # fmt: skip
    when(f, f.icmp("ne", status, i64(matmul_names.DONE)), lambda: around.fail(i64(TOO_LARGE)))


def guard(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """Reports the value; where it is not the one that Python saw, the run ends here."""
    (x,) = step.operands
    dtype = x.buffer.dtype
    value = f.load(address(f, x, around), "i8" if dtype is dtypes.BOOL else f"i{dtype.bits}")
    if dtype.bits < 64:
        value = f.convert("sext" if dtype.kind == "i" else "zext", value, "i64")
    around.guard(value, Reg(str(int(step.attributes["expected"])), "i64"))
