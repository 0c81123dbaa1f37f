"""Updates with many indices, deterministic: every element takes its updates one after the other, in the CPU's order.

Where looking costs less every element of the array looks through all indices. Else pairs (index, position) are sorted,
and a thread adds up a run of equal indices, or takes the last of it. Nothing is added by atomic operations, whose order
differs from run to run.
"""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.gathers import out_of_range
from tapec.passes.cuda.grids import grid_kernel, operands_of
from tapec.passes.cuda.items import Items
from tapec.passes.cuda.kernel import BLOCK, Kernel, Phase, Repeat, Shared, Slot, Uniform
from tapec.passes.cuda.line_updates import LineUpdate, distinct_items, ordered_items, update_along_items
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.reductions import for_each
from tapec.passes.cuda.sorting import TILE, Sort
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.steps import LibraryStep

_CHUNK = 1024  # indices in shared memory
# So few indices are walked by one thread.
_FEW = 8
# Comparisons of an element with an index up to which looking through all of them beats sorting: some 0.1 ms where that
# takes a dozen kernels, some 10 microseconds where one block of threads sorts all indices.
_MOST_LOOKS = 1 << 29
_MOST_LOOKS_OF_TILE = 1 << 24


def update_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """`out[o, indices[j], :] += updates[o, j, :]`, or `=`, in the memory of the first operand."""
    update = LineUpdate.of(step)
    if not update.size:
        # Indices into an empty axis are wrong.
        wrong = not update.length and update.count * update.outer * update.inner
        return [out_of_range(step, workspace)] if wrong else []
    if not update.count:
        return []
    if step.attributes.get("distinct"):
        return [_item_kernel(step, workspace, distinct_items(step))]
    if update.count <= _FEW:
        return [_item_kernel(step, workspace, ordered_items(step))]
    many = _ManyUpdates(update, workspace)
    return [many.looking()] if _looks(update) else many.sorted_runs()


def update_along_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """`out[o, indices[o, j, i], i] += updates[o, j, i]`, in the memory of the first operand."""
    items = update_along_items(step)
    if not items.count:
        return []
    if not step.operands[0].shape[step.attributes["axis"]]:
        return [out_of_range(step, workspace)]
    return [_item_kernel(step, workspace, items)]


def _item_kernel(step: LibraryStep, workspace: Workspace, items: Items) -> Kernel:
    name = workspace.name(step.primitive.name)
    return grid_kernel(name, items.count, operands_of(step), step.results, items.item)


def _looks(update: LineUpdate) -> bool:
    """Whether every element looks through all indices."""
    return update.size * update.count <= (_MOST_LOOKS_OF_TILE if update.count <= TILE else _MOST_LOOKS)


class _ManyUpdates:
    """Kernels of an update with many indices."""

    def __init__(self, update: LineUpdate, workspace: Workspace) -> None:
        self.update, self.workspace = update, workspace
        self.step = update.step
        self.x, self.indices, _ = update.step.operands
        self.element = memory_element(self.x.buffer.dtype)

    # Looking through all indices -------------------------------------------------------------------------------------

    def looking(self) -> Kernel:
        """Every element looks for its updates; indices are read by a block together."""
        indices, total, chunk_round = Shared("i64", _CHUNK), Slot(self.element), Uniform()
        extents = (self.update.outer, self.update.length, self.update.inner)

        def mine(thread: Thread) -> tuple[Reg, list[Reg], Reg]:
            number = thread.global_index()
            exists = thread.f.icmp("slt", number, i64(self.update.size))
            return number, positions(thread.f, number, extents, self.update.size), exists

        def chunk(thread: Thread) -> tuple[Reg, Reg]:
            f = thread.f
            first = f.mul(thread.round(chunk_round), i64(_CHUNK))
            return first, f.intrinsic("smin", f.sub(i64(self.update.count), first), i64(_CHUNK))

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
                position = f.add(first, number)
                when(f, f.icmp("slt", number, count), lambda: f.store(self.update.index(thread, position), there))

            for_each(thread, _CHUNK, one)

        def look(thread: Thread) -> None:
            f = thread.f
            _, (o, target, i), exists = mine(thread)
            _, given = self.update.lines(thread)
            first, count = chunk(thread)

            def one(number: Reg) -> None:
                index = f.load(f.element_pointer(thread.shared(indices), number, "i64"), "i64")

                def take() -> None:
                    new = f.load(given.at(f, o, f.add(first, number), i), self.element)
                    held = f.load(thread.slot(total), self.element)
                    f.store(self.update.join(f, held, new), thread.slot(total))

                when(f, f.icmp("eq", index, target), take)

            when(f, exists, lambda: count_loop(f, i64(0), count, 1, one))

        def end(thread: Thread) -> None:
            f = thread.f
            number, _, exists = mine(thread)
            to = address(f, self.x, thread.around)

            def write() -> None:
                held = f.load(thread.slot(total), self.element)
                f.store(held, f.element_pointer(to, number, self.element))

            when(f, exists, write)

        chunks = Repeat(-(-self.update.count // _CHUNK), chunk_round, (Phase("indices", read), Phase("look", look)))
        parts = (Phase("begin", begin), chunks, Phase("end", end, alone=True))
        reads = tuple(dict.fromkeys(o.buffer for o in self.step.operands[1:]))
        grid = -(-self.update.size // BLOCK)
        name = self.workspace.name("look")
        return Kernel(name, grid, BLOCK, reads, (self.x.buffer,), parts, (indices,), (total,))

    # Sorting ---------------------------------------------------------------------------------------------------------

    def _key(self, thread: Thread, line: Reg, position: Reg) -> Reg:
        """The index, and below it the position, so that equal indices stay in order."""
        f = thread.f
        return f.binary("or", f.binary("shl", self.update.index(thread, position), i64(32)), position)

    def sorted_runs(self) -> list[Kernel]:
        """Sorts the indices, then adds up runs of equal ones, or takes the last of each."""
        update = self.update
        sort = Sort(1, update.count, self._key, _smaller, (self.indices.buffer,), self.workspace)
        extents = (update.count, update.outer, update.inner // update.width)
        run = self._sum_of_run if update.adds else self._last_of_run

        def item(thread: Thread, number: Reg) -> None:
            at, o, vector = positions(thread.f, number, extents, prod(extents))
            run(thread, sort, at, o, vector)

        reads = (*operands_of(self.step), sort.keys)
        name = self.workspace.name("runs")
        return [*sort.kernels(), grid_kernel(name, prod(extents), reads, self.step.results, item)]

    def _last_of_run(self, thread: Thread, sort: Sort, at: Reg, o: Reg, vector: Reg) -> None:
        f = thread.f
        target, j = _split(thread, sort, at)
        behind, _ = _split(thread, sort, f.intrinsic("smin", f.add(at, i64(1)), i64(self.update.count - 1)))
        ends = f.binary("or", f.icmp("eq", at, i64(self.update.count - 1)), f.icmp("ne", target, behind))
        when(f, ends, lambda: self.update.write(thread, o, j, vector))

    def _sum_of_run(self, thread: Thread, sort: Sort, start: Reg, o: Reg, vector: Reg) -> None:
        f, width = thread.f, self.update.width
        align = width * self.x.buffer.dtype.itemsize
        result, addends = self.update.lines(thread)
        target, _ = _split(thread, sort, start)
        before, _ = _split(thread, sort, f.intrinsic("smax", f.sub(start, i64(1)), i64(0)))
        begins = f.binary("or", f.icmp("eq", start, i64(0)), f.icmp("ne", target, before))
        i = f.mul(vector, i64(width))

        def run() -> None:
            to = result.at(f, o, target, i)
            total = f.alloca(Reg("", self.element, width).type, 1)
            f.store(f.load(to, self.element, width, align), total)

            def one(position: Reg) -> None:
                _, j = _split(thread, sort, position)
                new = f.load(addends.at(f, o, j, i), self.element, width, align)
                f.store(self.update.join(f, f.load(total, self.element, width), new), total)

            count_loop(f, start, self._end(thread, sort, target, start), 1, one)
            f.store(f.load(total, self.element, width), to, align)

        when(f, begins, run)

    def _end(self, thread: Thread, sort: Sort, target: Reg, start: Reg) -> Reg:
        """The position behind the run of `target` that begins at `start`, found by bisection."""
        f, count = thread.f, self.update.count
        low, high = f.alloca("i64", 1), f.alloca("i64", 1)
        f.store(start, low)
        f.store(i64(count), high)

        def halve(_: Reg) -> None:
            below, above = f.load(low, "i64"), f.load(high, "i64")
            middle = f.binary("lshr", f.add(below, above), i64(1))
            # Narrowed to `low`, the interval holds one position, which is looked at again and again.
            inside = f.icmp("eq", _split(thread, sort, middle)[0], target)
            f.store(f.select(inside, middle, below), low)
            f.store(f.select(inside, above, middle), high)

        count_loop(f, i64(0), i64(count.bit_length()), 1, halve)
        return f.add(f.load(low, "i64"), i64(1))


def _split(thread: Thread, sort: Sort, position: Reg) -> tuple[Reg, Reg]:
    """The index and the position that a sorted key holds."""
    f = thread.f
    both = f.load(f.element_pointer(thread.pointer(sort.keys), position, "i64"), "i64")
    return f.binary("lshr", both, i64(32)), f.binary("and", both, i64(0xFFFFFFFF))


def _smaller(thread: Thread, _: Reg, a: Reg, b: Reg) -> Reg:
    return thread.f.icmp("slt", a, b)
