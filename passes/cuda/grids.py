"""Kernels of one phase in which every thread does one of many equal things."""

from __future__ import annotations

from collections.abc import Callable

from tapec.passes.cuda.kernel import BLOCK, Kernel, Phase
from tapec.passes.cuda.mapping import in_range
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import when
from tapec.passes.loops import Buffer
from tapec.passes.steps import LibraryStep


def grid_kernel(
    name: str,
    count: int,
    reads: tuple[Buffer, ...],
    writes: tuple[Buffer, ...],
    item: Callable[[Thread, Reg], None],
) -> Kernel:
    """A kernel that does `item` for the numbers below `count`, in any order; arrays that stand twice are taken once."""

    def write(thread: Thread) -> None:
        number = thread.global_index()
        when(thread.f, in_range(thread.f, number, count), lambda: item(thread, number))

    written = tuple(dict.fromkeys(writes))
    read = tuple([b for b in dict.fromkeys(reads) if b not in written])
    return Kernel(name, -(-count // BLOCK), BLOCK, read, written, (Phase("items", write),))


def operands_of(step: LibraryStep) -> tuple[Buffer, ...]:
    """The arrays that a library step reads."""
    return tuple([o.buffer for o in step.operands])
