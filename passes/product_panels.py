"""Panels of the right operand of a large matrix product: where they lie, and when they are copied.

One block of rows reads a few panels from the stack as soon as they are copied. Where there are several blocks, the
panels of many columns are kept in memory of their own: to copy them for each block anew took a tenth of large products.
"""

from __future__ import annotations

from functools import partial

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.product_names import BLOCK, BY_COLUMNS, GROUP, IN_PLACE
from tapec.passes.product_part import PartText, Range

_KEPT_BYTES = 1 << 20  # of panels that are kept: they wait in the third-level cache


class PanelsText:
    """Writes how panels come about.

    Args:
        part: the function that it becomes part of.

    Attributes:
        columns: number of them whose panels may be kept.
        together: number of them whose panels are copied together where they are neighbours.
    """

    def __init__(self, part: PartText) -> None:
        f = part.f
        self.part = part
        self.columns = _KEPT_BYTES // (BLOCK * part.dtype.itemsize)
        self.together = GROUP * part.width
        self.stack = f.alloca(part.element, self.together * BLOCK)
        read_b = part.value("read_b")
        self.by_columns, self.in_place = (f.icmp("eq", read_b, i64(x)) for x in (BY_COLUMNS, IN_PLACE))
        self.copy_group, self.copy = part.function("copy_group"), part.function("copy_right")

    def begin(self, columns: Range, several: Reg) -> None:
        """Takes memory where there are several blocks of rows; if there is none, each block copies its own panels."""
        f, part = self.part.f, self.part
        self.slot = f.alloca("ptr", 1, align=8)
        f.store(Reg("null", "ptr"), self.slot)

        def take() -> None:
            count = f.intrinsic("smin", f.sub(columns.stop, columns.start), i64(self.columns))
            whole = f.binary("and", f.add(count, i64(part.width - 1)), i64(-part.width))
            size = f.mul(whole, i64(BLOCK * part.dtype.itemsize))
            f.store(f.call("aligned_alloc", "ptr", i64(64), size), self.slot)

        when(f, several, take)
        memory = f.load(self.slot, "ptr")
        self.kept = f.icmp("ne", memory, Reg("null", "ptr"))
        self.memory = f.select(self.kept, memory, self.stack)
        self.apart = f.select(self.kept, i64(BLOCK), i64(0))

    def end(self) -> None:
        """Gives the memory back."""
        self.part.f.call("free", "void", self.part.f.load(self.slot, "ptr"))

    def missing(self, is_first: Reg) -> Reg:
        """Whether a block of rows, the first one or a later one, has to copy its panels."""
        f = self.part.f
        return f.binary("or", is_first, f.binary("xor", self.kept, Reg("true", "i1")))

    def group(self, b: Reg, column: Reg, before: Reg, width: Reg, steps: Reg, missing: Reg) -> tuple[Reg, Reg]:
        """Copies panels that are copied together.

        Args:
            b: the right operand.
            column: the first one.
            before: number of columns whose panels may be kept before it.
            width: number of columns.
            steps: of the inner index.
            missing: whether panels have to be copied.

        Returns:
            Where the panels of these columns lie, and whether they are copied now.
        """
        f, part = self.part.f, self.part
        panels = f.element_pointer(self.memory, f.mul(before, self.apart), part.element)
        grouped = f.binary("and", self.by_columns, f.icmp("eq", width, i64(self.together)))

        def pack() -> None:
            start = part.at_columns(b, column, i64(1))
            part.call(self.copy_group, panels, start, part.right_offsets, steps)

        when(f, f.binary("and", grouped, missing), pack)
        return panels, f.binary("or", grouped, f.binary("xor", missing, Reg("true", "i1")))

    def panel(self, b: Reg, column: Reg, across: Reg, steps: Reg, panel: Reg, ready: Reg) -> tuple[Reg, Reg]:
        """One panel, and how far apart its steps are.

        Args:
            b: the right operand.
            column: the first one.
            across: number of columns.
            steps: of the inner index.
            panel: where it lies, or is to lie.
            ready: whether it has been copied, if it is copied at all.
        """
        f, part = self.part.f, self.part
        direct, copied, packed = map(f.fresh, ("direct", "copied", "packed"))
        in_place = f.binary("and", self.in_place, f.icmp("eq", across, i64(part.width)))
        f.branch_if(in_place, direct, copied)
        f.label(direct)
        first = f.load(part.right_offsets, "i64")
        there = f.element_pointer(part.at_columns(b, column, i64(1)), first, part.element)
        step = part.value("inner_b2")
        f.branch(packed)
        f.label(copied)
        when(f, f.icmp("eq", ready, Reg("false", "i1")), partial(self._pack, b, column, across, steps, panel))
        before = f.block
        f.branch(packed)
        f.label(packed)
        at = f.phi("ptr", [(there.text, direct), (panel.text, before)])
        return at, f.phi("i64", [(step.text, direct), (str(part.width), before)])

    def _pack(self, b: Reg, column: Reg, across: Reg, steps: Reg, panel: Reg) -> None:
        part = self.part
        part.fill(part.column_offsets, column, across, "column", "b")
        part.repeat_last(across)
        part.call(self.copy, panel, b, part.column_offsets, part.right_offsets, steps, across)
