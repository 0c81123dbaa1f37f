"""Matrix products of our own: those that the CPU does without BLAS, with the same chain for each element."""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.grids import grid_kernel, operands_of
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.loops import LibraryStep
from tapec.passes.matmul_kernel import is_small
from tapec.passes.matmul_kernel import step as chain_step


def is_own_product(step: LibraryStep) -> bool:
    """Whether a product is done by a kernel of ours: integers, and what is too small for a library's kernels."""
    m, n = step.shape[-2:]
    return not step.operands[0].buffer.dtype.is_float or is_small(m, n, step.operands[0].shape[-1])


def product_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """`out[..., i, j] = sum over p of a[..., i, p] * b[..., p, j]`, a thread for each element."""
    a, b = step.operands
    assert step.result is not None
    result = step.result
    *batch, m, n = step.shape
    extents = (prod(batch), m, n)
    inner, dtype = a.shape[-1], a.buffer.dtype
    if not prod(extents):
        return []
    element = memory_element(dtype)

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        z, i, j = positions(f, number, extents, prod(extents))
        left, right = address(f, a, around), address(f, b, around)
        row = f.add(f.mul(z, i64(a.strides[0])), f.mul(i, i64(a.strides[1])))
        column = f.add(f.mul(z, i64(b.strides[0])), f.mul(j, i64(b.strides[2])))
        total = f.alloca(element, 1, dtype.itemsize)
        f.store(f.number(0, element), total)

        def link(p: Reg) -> None:
            x = f.load(f.element_pointer(left, f.add(row, f.mul(p, i64(a.strides[2]))), element), element)
            y = f.load(f.element_pointer(right, f.add(column, f.mul(p, i64(b.strides[1]))), element), element)
            f.store(chain_step(f, dtype, x, y, f.load(total, element)), total)

        count_loop(f, i64(0), i64(inner), 1, link)
        f.store(f.load(total, element), f.element_pointer(around.pointer(result), number, element))

    return [grid_kernel(workspace.name("product"), prod(extents), operands_of(step), step.results, item)]
