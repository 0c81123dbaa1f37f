"""What kernels of reductions share: results in memory, and blocks that meet in the tree of `tapec.passes.reducing`.

The tree of neighbours is built level by level: at level s element i, a multiple of 2 s, meets element i + s if there is
one. That is the order of the binary counter that a CPU uses, so that the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from tapec.passes.cuda.kernel import Exchange, Part, Phase, Shared, Slot
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.touched import Arrays, arrays
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.loops import Buffer, Nest, Reduce
from tapec.passes.reducing import Reducer

# Shared memory that a kernel takes: two blocks fit every architecture, and six those since sm_80.
STAGE_BYTES = 32 * 1024


class Reductions:
    """The reductions of a nest.

    Attributes:
        nest: the nest.
        values: the nest without them: what computes the values that are reduced.
        reduces: the instructions.
        kept: axes that stay.
        reduced: axes that go.
        rows: results of each reduction.
        length: elements of each result.
    """

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
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

    def parts_memory(self, parts: int, workspace: Workspace) -> tuple[Buffer, ...]:
        """Memory for the parts of every row, an array for each reduction; none if one part is all of a row."""
        return tuple([workspace.buffer(d, self.rows * parts) for d in self.dtypes] if parts > 1 else [])

    def touched(self, memory: Sequence[Buffer]) -> Arrays:
        """What a kernel of the nest reads and writes whose results, if they are parts, go to this memory."""
        reads, writes = arrays(self.nest)
        results = {r.access.buffer for r in self.reduces} if memory else ()
        return reads, (*[b for b in writes if b not in results], *memory)

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


def halving_parts(reductions: Reductions, sums: Sequence[Slot], others: Sequence[Slot], lanes: int) -> list[Part]:
    """Parts that leave in the first thread of each group of `lanes` what the group's threads hold in `sums`.

    Args:
        reductions: how to combine.
        sums: a slot for each reduction.
        others: a slot for what another thread holds of each.
        lanes: a power of two, at most a warp.
    """

    def halve(thread: Thread) -> None:
        f = thread.f
        for reducer, ours, theirs in zip(reductions.reducers(f), sums, others, strict=True):
            pair = [f.load(thread.slot(s), s.element) for s in (ours, theirs)]
            f.store(reducer.combine(*pair), thread.slot(ours))

    parts: list[Part] = []
    distance = lanes // 2
    while distance:
        parts += [Exchange(ours, theirs, distance) for ours, theirs in zip(sums, others, strict=True)]
        parts.append(Phase("halves", halve, alone=True))
        distance //= 2
    return parts


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
