"""Results of blocks of a reduction, from several blocks of threads, folded by kernels that follow."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.cuda.kernel import BLOCK, Kernel, Phase, Shared
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.reductions import (
    STAGE_BYTES,
    Reductions,
    for_each,
    load_shared,
    power_below,
    power_of_two,
    store_parts,
    store_shared,
    tree_phases,
)
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer

_MOST = 512  # parts that one block of threads folds


def fold_kernels(
    reductions: Reductions, arrays: Sequence[Buffer], parts: int, workspace: Workspace, label: str
) -> list[Kernel]:
    """Kernels that fold the parts of each row, which lie at `row * parts + part`, and store the results."""
    kernels, sources = [], tuple(arrays)
    while parts > 1:
        fold = _Fold(reductions, sources, parts, workspace)
        kernels.append(fold.kernel(workspace.name(f"{label}_fold")))
        sources, parts = fold.results, fold.chunks
    return kernels


class _Fold:
    """One round.

    Attributes:
        size: parts that one block folds of a row; a power of two, so that they are a subtree of the whole.
        groups: rows of a block.
        chunks: parts that are left of a row.
        results: where they go; empty if the row is done.
    """

    def __init__(self, reductions: Reductions, sources: tuple[Buffer, ...], parts: int, workspace: Workspace) -> None:
        self.reductions, self.sources, self.parts = reductions, sources, parts
        room = min(_MOST, power_below(STAGE_BYTES // reductions.itemsizes))
        self.size = min(room, power_of_two(parts))
        self.groups = room // self.size
        self.chunks = -(-parts // self.size)
        self.results = reductions.parts_memory(self.chunks, workspace)
        self.shared = tuple([Shared(e, self.size * self.groups) for e in reductions.elements])

    def kernel(self, name: str) -> Kernel:
        grid = -(-self.reductions.rows // self.groups) * self.chunks
        tree = tree_phases(self.reductions, self.shared, self.groups, self.size, 1, self._limit)
        writes = self.results or tuple(dict.fromkeys(r.access.buffer for r in self.reductions.reduces))
        parts = (Phase("read parts", self._read), *tree, Phase("store", self._store))
        return Kernel(name, grid, BLOCK, self.sources, writes, parts, self.shared)

    def _where(self, thread: Thread, group: Reg) -> tuple[Reg, Reg]:
        """The row of a group of this block, and the chunk."""
        f, count = thread.f, -(-self.reductions.rows // self.groups) * self.chunks
        block, chunk = positions(f, thread.block, (count // self.chunks, self.chunks), count)
        return f.add(f.mul(block, i64(self.groups)), group), chunk

    def _limit(self, thread: Thread) -> Reg:
        _, chunk = self._where(thread, i64(0))
        return thread.f.sub(i64(self.parts), thread.f.mul(chunk, i64(self.size)))

    def _read(self, thread: Thread) -> None:
        f, rows = thread.f, self.reductions.rows

        def element(number: Reg) -> None:
            group, within = positions(f, number, (self.groups, self.size), self.groups * self.size)
            row, chunk = self._where(thread, group)
            part = f.add(f.mul(chunk, i64(self.size)), within)

            def copy() -> None:
                at = f.add(f.mul(row, i64(self.parts)), part)
                values = []
                for source in self.sources:
                    element = memory_element(source.dtype)
                    values.append(f.load(f.element_pointer(thread.pointer(source), at, element), element))
                store_shared(thread, self.shared, number, values)

            exists = f.binary("and", f.icmp("slt", row, i64(rows)), f.icmp("slt", part, i64(self.parts)))
            when(f, exists, copy)

        for_each(thread, self.groups * self.size, element)

    def _store(self, thread: Thread) -> None:
        f = thread.f

        def group(number: Reg) -> None:
            row, chunk = self._where(thread, number)

            def write() -> None:
                values = load_shared(thread, self.shared, f.mul(number, i64(self.size)))
                if self.results:
                    store_parts(thread, self.results, f.add(f.mul(row, i64(self.chunks)), chunk), values)
                else:
                    self.reductions.store(thread, row, values)

            when(f, f.icmp("slt", row, i64(self.reductions.rows)), write)

        for_each(thread, self.groups, group)
