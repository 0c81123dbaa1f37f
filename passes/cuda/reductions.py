"""What kernels of reductions share: results in memory, and blocks that meet in the tree of `tapec.passes.reducing`.

The tree of neighbours is built level by level: at level s element i, a multiple of 2 s, meets element i + s if there is
one. That is the order of the binary counter that a CPU uses, so that the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from tapec.passes.cuda.kernel import Phase, Shared
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.loops import Buffer, Nest, Reduce
from tapec.passes.reducing import Reducer

# Shared memory that a kernel takes: two blocks fit every architecture, and six those since sm_80.
STAGE_BYTES = 32 * 1024


class Reductions:
    """The reductions of a nest.

    Attributes:
        values: the nest without them: what computes the values that are reduced.
        reduces: the instructions.
        kept: axes that stay.
        reduced: axes that go.
        rows: results of each reduction.
        length: elements of each result.
    """

    def __init__(self, nest: Nest) -> None:
        self.values = replace(nest, body=tuple([i for i in nest.body if not isinstance(i, Reduce)]))
        self.reduces = [i for i in nest.body if isinstance(i, Reduce)]
        self.kept = [a for a, reduced in enumerate(nest.reduced) if not reduced]
        self.reduced = [a for a, reduced in enumerate(nest.reduced) if reduced]
        self.kept_extents = [int(nest.extents[a]) for a in self.kept]
        self.reduced_extents = [int(nest.extents[a]) for a in self.reduced]
        self.rows = prod(self.kept_extents)
        self.length = prod(self.reduced_extents)
        held = self.reducers(FunctionText("unused", ""))
        self.elements = [r.element for r in held]
        self.dtypes = [r.held for r in held]
        self.itemsizes = sum(d.itemsize for d in self.dtypes)

    def reducers(self, f: FunctionText) -> list[Reducer]:
        """How to combine, for each reduction."""
        return [Reducer(f, r.primitive, r.dtype) for r in self.reduces]

    def where(self, f: FunctionText, row: Reg) -> list[Reg]:
        """Positions along the kept axes of a result."""
        return positions(f, row, self.kept_extents, self.rows) if self.kept else []

    def store(self, thread: Thread, row: Reg, values: Sequence[Reg]) -> None:
        """Writes the results of a row, one for each reduction, where the nest wants them."""
        self.store_at(thread, self.where(thread.f, row), values)

    def store_at(self, thread: Thread, where: Sequence[Reg], values: Sequence[Reg]) -> None:
        """Writes the results at positions along the kept axes."""
        f = thread.f
        for reduce, value in zip(self.reduces, values, strict=True):
            access, offset = reduce.access, i64(reduce.access.offset)
            for axis, index in zip(self.kept, where, strict=True):
                offset = f.add(offset, f.mul(index, i64(access.strides[axis])))
            element = memory_element(access.buffer.dtype)
            f.store(value, f.element_pointer(thread.pointer(access.buffer), offset, element))


def store_parts(thread: Thread, arrays: Sequence[Buffer], index: Reg, values: Sequence[Reg]) -> None:
    """Writes values, one for each reduction, at an index of the workspace."""
    for array, value in zip(arrays, values, strict=True):
        place = thread.f.element_pointer(thread.pointer(array), index, memory_element(array.dtype))
        thread.f.store(value, place)


def load_shared(thread: Thread, arrays: Sequence[Shared], index: Reg, width: int = 1) -> list[Reg]:
    """Reads an index of shared arrays."""
    f = thread.f
    return [f.load(f.element_pointer(thread.shared(a), index, a.element), a.element, width) for a in arrays]


def store_shared(thread: Thread, arrays: Sequence[Shared], index: Reg, values: Sequence[Reg]) -> None:
    """Writes an index of shared arrays."""
    f = thread.f
    for array, value in zip(arrays, values, strict=True):
        f.store(value, f.element_pointer(thread.shared(array), index, array.element))


def tree_phases(
    reductions: Reductions, arrays: Sequence[Shared], groups: int, size: int, inner: int, limit: Callable[[Thread], Reg]
) -> list[Phase]:
    """Phases that combine `size` elements of each of `groups` groups in shared memory into the first of them.

    Args:
        reductions: how to combine.
        arrays: one for each reduction; element i of group g and column c is at `(g * size + i) * inner + c`.
        groups: number of groups.
        size: a power of two.
        inner: columns that are combined side by side.
        limit: how many elements of a group exist.
    """
    levels = [1 << k for k in range(size.bit_length() - 1)]
    return [Phase(f"tree {s}", _level(reductions, arrays, groups, size, inner, limit, s)) for s in levels]


def _level(
    reductions: Reductions,
    arrays: Sequence[Shared],
    groups: int,
    size: int,
    inner: int,
    limit: Callable[[Thread], Reg],
    step: int,
) -> Callable[[Thread], None]:
    pairs = size // (2 * step)

    def write(thread: Thread) -> None:
        f = thread.f
        most = limit(thread)

        def pair(number: Reg) -> None:
            group, which, column = positions(f, number, (groups, pairs, inner), groups * pairs * inner)
            first = f.mul(which, i64(2 * step))

            def join() -> None:
                at = f.add(f.mul(f.add(f.mul(group, i64(size)), first), i64(inner)), column)
                earlier = load_shared(thread, arrays, at)
                later = load_shared(thread, arrays, f.add(at, i64(step * inner)))
                joined = [r.combine(a, b) for r, a, b in zip(reductions.reducers(f), earlier, later, strict=True)]
                store_shared(thread, arrays, at, joined)

            when(f, f.icmp("slt", f.add(first, i64(step)), most), join)

        for_each(thread, groups * pairs * inner, pair)

    return write


def for_each(thread: Thread, count: int, body: Callable[[Reg], None]) -> None:
    """Deals numbers below `count` to the threads of the block."""
    f = thread.f
    if count <= thread.threads:
        if count == thread.threads:
            body(thread.index)
        else:
            when(f, f.icmp("slt", thread.index, i64(count)), lambda: body(thread.index))
    else:
        count_loop(f, thread.index, i64(count), thread.threads, body)


def power_of_two(n: int) -> int:
    """The least power of two that is not below n."""
    return 1 << max(n - 1, 0).bit_length()


def power_below(n: int) -> int:
    """The largest power of two that is not above n; n is at least 1."""
    return 1 << (n.bit_length() - 1)
