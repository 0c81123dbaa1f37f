"""Several steps in one kernel: each block of threads does all of them, for all positions or for some rows.

With `Rows` a block has a few positions of the axis that is outermost in every nest, and no other block reads what it
writes. Without, there is one block only. Memory that nobody else needs is shared memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod

from tapec.passes.cuda.block_columns import column_phase
from tapec.passes.cuda.block_rows import row_parts
from tapec.passes.cuda.block_span import Rows, Span
from tapec.passes.cuda.kernel import Kernel, Part, Phase, Shared, Slot
from tapec.passes.cuda.mapping import Alignment, enter, enter_lanes, lanes_along
from tapec.passes.cuda.maps import store_single
from tapec.passes.cuda.reductions import for_each
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer, Nest
from tapec.passes.nest_text import BodyText, Place

BLOCK = 256
LOCAL_BYTES = 32 * 1024


class BlockProgram:
    """Collects the parts of a kernel.

    Args:
        rows: which rows a block has; None for one block that does everything.

    Attributes:
        parts: so far.
        slots: what a thread keeps.
        shared: shared arrays.
        binders: what every phase that follows does first: address buffers whose place changes.
    """

    def __init__(self, rows: Rows | None) -> None:
        self.rows = rows
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
            made, slots = row_parts(span, BLOCK, self.phase)
            self.parts += made
            self.slots += slots
        else:
            self.parts.append(self.phase(nest.label, lambda t: column_phase(t, span)))

    def copy(self, to: Buffer, source: Callable[[Thread], Reg]) -> None:
        """Appends a copy of a buffer's elements from an address; with rows, of their elements."""
        element, size = memory_element(to.dtype), self.elements(to)

        def write(thread: Thread) -> None:
            f = thread.f
            base, place = source(thread), thread.pointer(to)
            row = size if self.rows is None else to.size // self.rows.extent
            first = i64(0) if self.rows is None else f.mul(self.rows.first(thread), i64(row))

            def one(number: Reg) -> None:
                at = f.add(first, number)
                value = f.load(f.element_pointer(base, at, element), element)
                when(f, f.icmp("slt", at, i64(to.size)), lambda: f.store(value, f.element_pointer(place, at, element)))

            for_each(thread, size, one)

        if size:
            self.parts.append(self.phase(f"copy to {to.name}", write))

    def kernel(self, name: str, reads: Iterable[Buffer], writes: Iterable[Buffer]) -> Kernel:
        """The kernel; arrays in shared memory are left out."""
        written = tuple([b for b in dict.fromkeys(writes) if b not in self.local])
        read = tuple([b for b in dict.fromkeys(reads) if b not in self.local and b not in written])
        slots, shared = tuple(self.slots), tuple(self.shared)
        return Kernel(name, self.grid, BLOCK, read, written, tuple(self.parts), shared, slots)


def _map(thread: Thread, span: Span) -> None:
    f, nest = thread.f, span.nest
    axes = list(range(len(nest.extents)))
    last = axes[-1] if axes else None
    width = lanes_along(nest, axes[-1], False) if axes and not span.is_rows(axes[-1]) else 1
    body = BodyText(f, nest, axes, last, thread.around, Alignment(last, width))
    start = Place()
    body.emit(start)
    counts = span.counts(axes)
    if axes:
        counts[-1] //= width

    def item(number: Reg) -> None:
        where, exists = span.positions(thread, number, axes, counts)

        def compute() -> None:
            place = start
            if last is not None:
                place = enter(body, start, axes[:-1], where[:-1])
                place = enter_lanes(body, place, last, f.mul(where[-1], i64(width)), width)
            store_single(body, place)

        when(f, exists, compute)

    for_each(thread, prod(counts), item)
