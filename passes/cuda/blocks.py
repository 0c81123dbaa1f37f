"""Several steps in one kernel: each block of threads does all of them, for all positions or for some rows.

With `Rows` a block has a few positions of the axis that is outermost in every nest, and no other block reads what it
writes. Without, there is one block only. Memory that nobody else needs is shared memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod

from tapec.passes.cuda.block_columns import column_phase
from tapec.passes.cuda.block_rows import row_parts
from tapec.passes.cuda.block_span import Rows, Span
from tapec.passes.cuda.kernel import BLOCK, Kernel, Part, Phase, Shared, Slot
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, lanes_along
from tapec.passes.cuda.maps import store_single
from tapec.passes.cuda.reductions import for_each
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer, Nest
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place

# A buffer, and what gives the address of what it becomes.
Move = tuple[Buffer, Callable[[Thread], Reg]]
LOCAL_BYTES = 32 * 1024


class BlockProgram:
    """Collects the parts of a kernel.

    Args:
        rows: which rows a block has; None for one block that does everything.
        threads: of a block.

    Attributes:
        parts: so far.
        slots: what a thread keeps.
        shared: shared arrays.
        binders: what every phase that follows does first: address buffers whose place changes.
    """

    def __init__(self, rows: Rows | None, threads: int = BLOCK) -> None:
        self.rows = rows
        self.threads = threads
        self.parts: list[Part] = []
        self.slots: list[Slot] = []
        self.shared: list[Shared] = []
        self.binders: list[Callable[[Thread], None]] = []
        self._local_bytes = 0
        self.local: set[Buffer] = set()

    @property
    def grid(self) -> int:
        """Number of blocks."""
        return 1 if self.rows is None else self.rows.blocks

    def keep(self, buffers: Iterable[Buffer]) -> None:
        """Puts temporaries that nobody else needs in shared memory, the smallest first, as far as they fit."""
        for buffer in sorted(buffers, key=lambda b: (b.size, b.name)):
            size = self.elements(buffer)
            nbytes = -(-size * buffer.dtype.itemsize // 16) * 16
            if self._local_bytes + nbytes <= LOCAL_BYTES:
                self._local_bytes += nbytes
                self._keep(buffer, Shared(memory_element(buffer.dtype), max(size, 1)))

    def _keep(self, buffer: Buffer, shared: Shared) -> None:
        self.local.add(buffer)
        self.shared.append(shared)

        def bind(thread: Thread) -> None:
            f, base = thread.f, thread.shared(shared)
            if self.rows is not None:
                # Code addresses a row by its number in the whole.
                before = f.mul(self.rows.first(thread), i64(-(buffer.size // self.rows.extent)))
                base = f.element_pointer(base, before, shared.element)
            thread.bind(buffer, base)

        self.binders.append(bind)

    def elements(self, buffer: Buffer) -> int:
        """Elements of a buffer that a block has."""
        return buffer.size if self.rows is None else buffer.size // self.rows.extent * self.rows.count

    def phase(self, label: str, write: Callable[[Thread], None], alone: bool = False) -> Phase:
        """A phase in which buffers lie where they do at this point of the program."""
        binders = tuple(self.binders)

        def bound(thread: Thread) -> None:
            for bind in binders:
                bind(thread)
            write(thread)

        return Phase(label, bound, alone)

    def inside(self, write: Callable[[], None]) -> tuple[Part, ...]:
        """The parts that `write` appends, taken out: the body of a loop or a branch."""
        before, self.parts = self.parts, []
        write()
        made, self.parts = self.parts, before
        return tuple(made)

    def nest(self, nest: Nest) -> None:
        """Appends a nest; with rows, its axis 0 is the axis of the rows."""
        span = Span(nest, self.rows)
        if not any(nest.reduced):
            self.parts.append(self.phase(nest.label, lambda t: _map(t, span)))
        elif nest.row:
            made, slots = row_parts(span, self.threads, self.phase)
            self.parts += made
            self.slots += slots
        else:
            self.parts.append(self.phase(nest.label, lambda t: column_phase(t, span)))

    def copy(self, moves: Sequence[Move], when_true: Callable[[Thread], Reg] | None = None) -> None:
        """Appends copies of buffers; with rows, of their elements. None reads what another one writes.

        Args:
            moves: what goes where.
            when_true: a condition, the same for all threads.
        """
        moved = [(to, source) for to, source in moves if to.size]

        def copy_all(thread: Thread) -> None:
            for to, source in moved:
                self._copied(thread, to, source(thread))

        def write(thread: Thread) -> None:
            if when_true is None:
                copy_all(thread)
            else:
                when(thread.f, when_true(thread), lambda: copy_all(thread))

        if moved:
            self.parts.append(self.phase("copy", write))

    def _copied(self, thread: Thread, to: Buffer, base: Reg) -> None:
        f, element, place = thread.f, memory_element(to.dtype), thread.pointer(to)
        first = i64(0)
        if self.rows is not None:
            first = f.mul(self.rows.first(thread), i64(to.size // self.rows.extent))

        def one(number: Reg) -> None:
            at = f.add(first, number)

            def move() -> None:
                f.store(f.load(f.element_pointer(base, at, element), element), f.element_pointer(place, at, element))

            when(f, f.icmp("slt", at, i64(to.size)), move)

        for_each(thread, self.elements(to), one)

    def share(self, element: str) -> Shared:
        """A shared element."""
        made = Shared(element, 1)
        self.shared.append(made)
        return made

    def first_thread(self, label: str, write: Callable[[Thread], None]) -> None:
        """Appends a phase of one thread alone."""

        def guarded(thread: Thread) -> None:
            when(thread.f, thread.f.icmp("eq", thread.index, i64(0)), lambda: write(thread))

        self.parts.append(self.phase(label, guarded))

    def kernel(self, name: str, reads: Iterable[Buffer], writes: Iterable[Buffer]) -> Kernel:
        """The kernel; arrays in shared memory are left out."""
        written = tuple([b for b in dict.fromkeys(writes) if b not in self.local])
        read = tuple([b for b in dict.fromkeys(reads) if b not in self.local and b not in written])
        slots, shared = tuple(self.slots), tuple(self.shared)
        return Kernel(name, self.grid, self.threads, read, written, tuple(self.parts), shared, slots)


def _map(thread: Thread, span: Span) -> None:
    f, nest = thread.f, span.nest
    axes = list(range(len(nest.extents)))
    last = axes[-1] if axes else None
    width = lanes_along(nest, axes[-1], False) if axes and not span.is_rows(axes[-1]) else 1
    body = BodyText(f, nest, axes, last, thread.around, Alignment(last, width))
    start = Place()
    counts = span.counts(axes)
    if axes:
        body.emit(start)
        counts[-1] //= width

    def item(number: Reg) -> None:
        where, exists = span.positions(thread, number, axes, counts)

        def compute() -> None:
            place = start
            if last is None:  # a single position is for one thread: an update must not be done by all of them
                body.emit(place)
            else:
                place = enter(body, start, axes[:-1], where[:-1])
                place = enter_lanes(body, place, last, f.mul(where[-1], i64(width)), width)
            store_single(body, place)

        when(f, exists, compute)

    for_each(thread, prod(counts), item)
