"""Scatter-adds, deterministic: every element takes its updates one after the other, in the CPU's order.

With few updates every element of the result looks through all indices. With many, pairs (index, position) are sorted,
and a thread adds up a run of equal indices. Nothing is added by atomic operations, whose order differs from run to run.
"""

from __future__ import annotations

from math import prod

from tapec.ops import elementwise as ew
from tapec.passes.cuda.gathers import line_width, out_of_range
from tapec.passes.cuda.grids import grid_kernel
from tapec.passes.cuda.kernel import BLOCK, Kernel, Phase, Repeat, Shared, Slot, Uniform
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.reductions import for_each
from tapec.passes.cuda.sorting import Sort
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import Lines, address, checked_index, lines
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import LibraryStep

_CHUNK = 1024  # indices in shared memory
# Comparisons of an element with an index up to which looking through all of them beats sorting: some 0.1 ms.
_MOST_LOOKS = 1 << 29


def scatter_add_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """`out = x; out[o, indices[j], :] += updates[o, j, :]`."""
    scatter = _Scatter(step, workspace)
    if not scatter.size:
        return scatter.of_nothing()
    if not scatter.count:
        return [scatter.copy()]
    if scatter.size * scatter.count <= _MOST_LOOKS:
        return [scatter.looking()]
    return [scatter.copy(), *scatter.sorted_runs()]


class _Scatter:
    """Sizes of one step, and its kernels."""

    def __init__(self, step: LibraryStep, workspace: Workspace) -> None:
        self.step, self.workspace = step, workspace
        self.x, self.indices, self.updates = step.operands
        self.axis: int = step.attributes["axis"]
        shape = self.x.shape
        self.outer, self.length, self.inner = prod(shape[: self.axis]), shape[self.axis], prod(shape[self.axis + 1 :])
        self.count, self.size = prod(self.indices.shape), prod(shape)
        assert step.result is not None
        self.result = step.result
        self.dtype = self.x.buffer.dtype
        self.element = memory_element(self.dtype)

    def of_nothing(self) -> list[Kernel]:
        """Kernels of a step with an empty result: indices into an empty axis are wrong."""
        if self.length or not self.count * self.outer * self.inner:
            return []
        return [out_of_range(self.step, self.workspace)]

    def _lines(self, thread: Thread) -> tuple[Lines, Lines, Lines]:
        """The operand, the updates and the result."""
        f, around = thread.f, thread.around
        source = lines(f, self.x, self.axis, around)
        addends = Lines(address(f, self.updates, around), self.element, self.outer, self.count, self.inner)
        result = Lines(around.pointer(self.result), self.element, self.outer, self.length, self.inner)
        return source, addends, result

    def _index(self, thread: Thread, position: Reg) -> Reg:
        f, around = thread.f, thread.around
        at = f.element_pointer(address(f, self.indices, around), position, memory_element(self.indices.buffer.dtype))
        return checked_index(f, at, self.indices, self.length, around, self.step.location)

    def _sum(self, f: FunctionText, a: Reg, b: Reg) -> Reg:
        """a + b of values as memory holds them."""
        return ROWS[ew.add](f, self.dtype, (a, b), {})

    def copy(self) -> Kernel:
        """`out = x`."""

        def item(thread: Thread, number: Reg) -> None:
            f = thread.f
            source, to = address(f, self.x, thread.around), thread.pointer(self.result)
            value = f.load(f.element_pointer(source, number, self.element), self.element)
            f.store(value, f.element_pointer(to, number, self.element))

        name = self.workspace.name("scatter_copy")
        return grid_kernel(name, self.size, (self.x.buffer,), (self.result,), item)

    # Looking through all indices -------------------------------------------------------------------------------------

    def looking(self) -> Kernel:
        """Every element looks for its updates; indices are read by a block together."""
        indices, total, chunk_round = Shared("i64", _CHUNK), Slot(self.element), Uniform()
        extents = (self.outer, self.length, self.inner)

        def mine(thread: Thread) -> tuple[Reg, list[Reg], Reg]:
            number = thread.global_index()
            exists = thread.f.icmp("slt", number, i64(self.size))
            return number, positions(thread.f, number, extents, self.size), exists

        def chunk(thread: Thread) -> tuple[Reg, Reg]:
            f = thread.f
            first = f.mul(thread.round(chunk_round), i64(_CHUNK))
            return first, f.intrinsic("smin", f.sub(i64(self.count), first), i64(_CHUNK))

        def begin(thread: Thread) -> None:
            f = thread.f
            number, _, exists = mine(thread)

            def load() -> None:
                at = f.element_pointer(address(f, self.x, thread.around), number, self.element)
                f.store(f.load(at, self.element), thread.slot(total))

            when(f, exists, load)

        def read(thread: Thread) -> None:
            f = thread.f
            first, count = chunk(thread)

            def one(number: Reg) -> None:
                there = f.element_pointer(thread.shared(indices), number, "i64")
                when(f, f.icmp("slt", number, count), lambda: f.store(self._index(thread, f.add(first, number)), there))

            for_each(thread, _CHUNK, one)

        def look(thread: Thread) -> None:
            f = thread.f
            _, (o, target, i), exists = mine(thread)
            _, addends, _ = self._lines(thread)
            first, count = chunk(thread)

            def one(number: Reg) -> None:
                index = f.load(f.element_pointer(thread.shared(indices), number, "i64"), "i64")

                def add() -> None:
                    update = f.load(addends.at(f, o, f.add(first, number), i), self.element)
                    held = f.load(thread.slot(total), self.element)
                    f.store(self._sum(f, held, update), thread.slot(total))

                when(f, f.icmp("eq", index, target), add)

            when(f, exists, lambda: count_loop(f, i64(0), count, 1, one))

        def end(thread: Thread) -> None:
            f = thread.f
            number, _, exists = mine(thread)
            to = thread.pointer(self.result)

            def write() -> None:
                held = f.load(thread.slot(total), self.element)
                f.store(held, f.element_pointer(to, number, self.element))

            when(f, exists, write)

        chunks = Repeat(-(-self.count // _CHUNK), chunk_round, (Phase("indices", read), Phase("look", look)))
        parts = (Phase("begin", begin), chunks, Phase("end", end, alone=True))
        reads = tuple(dict.fromkeys(o.buffer for o in self.step.operands))
        grid = -(-self.size // BLOCK)
        name = self.workspace.name("scatter_look")
        return Kernel(name, grid, BLOCK, reads, (self.result,), parts, (indices,), (total,))

    # Sorting ---------------------------------------------------------------------------------------------------------

    def _key(self, thread: Thread, line: Reg, position: Reg) -> Reg:
        """The index, and below it the position, so that equal indices stay in order."""
        f = thread.f
        return f.binary("or", f.binary("shl", self._index(thread, position), i64(32)), position)

    def sorted_runs(self) -> list[Kernel]:
        """Sorts the indices, then adds up runs of equal ones into a copy of the operand."""
        sort = Sort(1, self.count, self._key, _smaller, (self.indices.buffer,), self.workspace)
        width = line_width(self.inner, self.x, self.updates)
        extents = (self.count, self.outer, self.inner // width)
        align = width * self.dtype.itemsize

        def item(thread: Thread, number: Reg) -> None:
            f = thread.f
            start, o, vector = positions(f, number, extents, prod(extents))
            source, addends, result = self._lines(thread)

            def key(position: Reg) -> tuple[Reg, Reg]:
                both = f.load(f.element_pointer(thread.pointer(sort.keys), position, "i64"), "i64")
                return f.binary("lshr", both, i64(32)), f.binary("and", both, i64(0xFFFFFFFF))

            target, _ = key(start)
            before, _ = key(f.intrinsic("smax", f.sub(start, i64(1)), i64(0)))
            begins = f.binary("or", f.icmp("eq", start, i64(0)), f.icmp("ne", target, before))
            i = f.mul(vector, i64(width))

            def run() -> None:
                total = f.alloca(Reg("", self.element, width).type, 1)
                f.store(f.load(source.at(f, o, target, i), self.element, width, align), total)

                def one(position: Reg) -> None:
                    _, j = key(position)
                    update = f.load(addends.at(f, o, j, i), self.element, width, align)
                    f.store(self._sum(f, f.load(total, self.element, width), update), total)

                count_loop(f, start, self._end(f, sort, target, start, thread), 1, one)
                f.store(f.load(total, self.element, width), result.at(f, o, target, i), align)

            when(f, begins, run)

        reads = (self.x.buffer, self.updates.buffer, sort.keys)
        name = self.workspace.name("scatter_runs")
        return [*sort.kernels(), grid_kernel(name, prod(extents), reads, (self.result,), item)]

    def _end(self, f: FunctionText, sort: Sort, target: Reg, start: Reg, thread: Thread) -> Reg:
        """The position behind the run of `target` that begins at `start`, found by bisection."""
        low, high = f.alloca("i64", 1), f.alloca("i64", 1)
        f.store(start, low)
        f.store(i64(self.count), high)

        def halve(_: Reg) -> None:
            below, above = f.load(low, "i64"), f.load(high, "i64")
            middle = f.binary("lshr", f.add(below, above), i64(1))
            there = f.element_pointer(thread.pointer(sort.keys), middle, "i64")
            # Narrowed to `low`, the interval holds one position, which is looked at again and again.
            inside = f.icmp("eq", f.binary("lshr", f.load(there, "i64"), i64(32)), target)
            f.store(f.select(inside, middle, below), low)
            f.store(f.select(inside, above, middle), high)

        count_loop(f, i64(0), i64(self.count.bit_length()), 1, halve)
        return f.add(f.load(low, "i64"), i64(1))


def _smaller(thread: Thread, _: Reg, a: Reg, b: Reg) -> Reg:
    return thread.f.icmp("slt", a, b)


def scatter_add_along_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """`out = x; out[o, indices[o, j, i], i] += updates[o, j, i]`, a thread for each line along the axis."""
    x, indices, updates = step.operands
    assert step.result is not None
    result_buffer, dtype = step.result, x.buffer.dtype
    axis: int = step.attributes["axis"]
    extents = (prod(x.shape[:axis]), prod(x.shape[axis + 1 :]))
    length, count = x.shape[axis], indices.shape[axis]
    if not prod(extents):
        return []

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        o, i = positions(f, number, extents, prod(extents))
        source, where, addends = (lines(f, operand, axis, around) for operand in (x, indices, updates))
        result = Lines(around.pointer(result_buffer), source.element, source.outer, length, source.inner)

        def copy(t: Reg) -> None:
            f.store(f.load(source.at(f, o, t, i), source.element), result.at(f, o, t, i))

        def add(j: Reg) -> None:
            index = checked_index(f, where.at(f, o, j, i), indices, length, around, step.location)
            slot = result.at(f, o, index, i)
            held, update = f.load(slot, source.element), f.load(addends.at(f, o, j, i), source.element)
            f.store(ROWS[ew.add](f, dtype, (held, update), {}), slot)

        count_loop(f, i64(0), i64(length), 1, copy)
        if length:
            count_loop(f, i64(0), i64(count), 1, add)
        elif count:
            around.fault(Reg("true", "i1"), step.location)

    reads = (x.buffer, indices.buffer, updates.buffer)
    return [grid_kernel(workspace.name("scatter_lines"), prod(extents), reads, step.results, item)]
