"""Updates in the memory of their first operand: what changes is written, and nothing else is touched.

Of indices that come twice the last one counts (`put`), or sums come in order (`scatter_add`). So few of them are walked
in order, by a thread for each line of elements that they select; where none comes twice every element has a thread; and
many are sorted, with their positions, so that those of one element stand beside each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from tapec.ops import elementwise as ew
from tapec.ops import indexing
from tapec.passes.cuda.gathers import line_width
from tapec.passes.cuda.items import Items
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.library.lines import Lines, address, checked_index, lines
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import LibraryStep


@dataclass(frozen=True, slots=True)
class LineUpdate:
    """Sizes of a `put` or `scatter_add`, whose first operand lies where its result does.

    Args:
        step: the step.

    Attributes:
        outer: product of the extents before the axis.
        length: the axis' extent.
        inner: product of the extents behind it.
        count: number of indices.
        width: elements that are moved at once.
    """

    step: LibraryStep
    outer: int
    length: int
    inner: int
    count: int
    width: int

    @staticmethod
    def of(step: LibraryStep) -> LineUpdate:
        """That of a step."""
        x, indices, new = step.operands
        assert x.buffer is step.result
        axis: int = step.attributes["axis"]
        inner = prod(x.shape[axis + 1 :])
        width = line_width(inner, x, new)
        return LineUpdate(step, prod(x.shape[:axis]), x.shape[axis], inner, prod(indices.shape), width)

    @property
    def size(self) -> int:
        """Elements of the array."""
        return self.outer * self.length * self.inner

    @property
    def adds(self) -> bool:
        """Whether it adds."""
        return self.step.primitive is indexing.scatter_add

    def lines(self, thread: Thread) -> tuple[Lines, Lines]:
        """The array, and the new elements."""
        x, _, new = self.step.operands
        f, around = thread.f, thread.around
        target = lines(f, x, self.step.attributes["axis"], around)
        return target, Lines(address(f, new, around), target.element, self.outer, self.count, self.inner)

    def index(self, thread: Thread, position: Reg) -> Reg:
        """An index, in range; one outside sets the status."""
        indices = self.step.operands[1]
        f, around = thread.f, thread.around
        at = f.element_pointer(address(f, indices, around), position, memory_element(indices.buffer.dtype))
        return checked_index(f, at, indices, self.length, around, self.step.location)

    def join(self, f: FunctionText, held: Reg, new: Reg) -> Reg:
        """What is written where `held` stands."""
        return ROWS[ew.add](f, self.step.operands[0].buffer.dtype, (held, new), {}) if self.adds else new

    def write(self, thread: Thread, outer: Reg, position: Reg, vector: Reg) -> None:
        """Writes, or adds, a vector of the new elements of a position of the indices."""
        f = thread.f
        target, given = self.lines(thread)
        i, align = f.mul(vector, i64(self.width)), self.width * self.step.operands[0].buffer.dtype.itemsize
        to = target.at(f, outer, self.index(thread, position), i)
        new = f.load(given.at(f, outer, position, i), target.element, self.width, align)
        if self.adds:
            new = self.join(f, f.load(to, target.element, self.width, align), new)
        f.store(new, to, align)


def ordered_items(step: LibraryStep) -> Items:
    """`put` or `scatter_add`, for a thread of each line, which walks the indices in order."""
    update = LineUpdate.of(step)
    extents = (update.outer, update.inner // update.width)

    def item(thread: Thread, number: Reg) -> None:
        o, vector = positions(thread.f, number, extents, prod(extents))
        walk(thread, update.count, lambda j: update.write(thread, o, j, vector))

    return Items(prod(extents) if update.count else 0, item)


def distinct_items(step: LibraryStep) -> Items:
    """`put` or `scatter_add` of indices of which none comes twice, for a thread of each new element."""
    update = LineUpdate.of(step)
    extents = (update.outer, update.count, update.inner // update.width)

    def item(thread: Thread, number: Reg) -> None:
        o, j, vector = positions(thread.f, number, extents, prod(extents))
        update.write(thread, o, j, vector)

    return Items(prod(extents), item)


def walk(thread: Thread, count: int, body: Callable[[Reg], None]) -> None:
    """`body` for the numbers below `count`, in order."""
    if count == 1:
        body(i64(0))
    else:
        count_loop(thread.f, i64(0), i64(count), 1, body)


def update_along_items(step: LibraryStep) -> Items:
    """`out[o, indices[o, j, i], i] += updates[o, j, i]`, for a thread of each line along the axis."""
    x, indices, updates = step.operands
    assert x.buffer is step.result
    axis: int = step.attributes["axis"]
    extents = (prod(x.shape[:axis]), prod(x.shape[axis + 1 :]))
    count = indices.shape[axis]

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        o, i = positions(f, number, extents, prod(extents))
        target, where, addends = (lines(f, operand, axis, around) for operand in (x, indices, updates))

        def add(j: Reg) -> None:
            index = checked_index(f, where.at(f, o, j, i), indices, x.shape[axis], around, step.location)
            slot = target.at(f, o, index, i)
            held, update = f.load(slot, target.element), f.load(addends.at(f, o, j, i), target.element)
            f.store(ROWS[ew.add](f, x.buffer.dtype, (held, update), {}), slot)

        walk(thread, count, add)

    return Items(prod(extents) if count else 0, item)
