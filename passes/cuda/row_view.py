"""Nests as rows: which elements of each buffer belong to one position of an outermost axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tapec.passes.loops import Access, Buffer, Index, Inside, Instruction, Load, Nest, Reduce, Store
from tapec.passes.tile_rows import accesses, row_of


def as_rows(nest: Nest, extent: int) -> Nest | None:
    """The nest with an axis 0 of this extent that stays; None if it can't have one.

    The nest's axes are collapsed, so that its first one is that axis, or can be cut into it and a rest.
    """
    if not nest.extents or nest.reduced[0]:
        return None
    first = int(nest.extents[0])
    if first == extent:
        return nest
    fixed = 0 in nest.windowed_axes or any(isinstance(i, Index) and i.axis == 0 for i in nest.body)
    if first % extent or fixed:
        return None
    inner = first // extent
    extents = (extent, inner, *nest.extents[1:])
    body = tuple([_cut(i, inner) for i in nest.body])
    return replace(nest, extents=extents, reduced=(False, *nest.reduced), body=body)


def _cut(instruction: Instruction, inner: int) -> Instruction:
    if isinstance(instruction, Index):
        return replace(instruction, axis=instruction.axis + 1)
    if isinstance(instruction, Inside):
        return replace(instruction, windows=(None, *instruction.windows))
    if not isinstance(instruction, Load | Store | Reduce):
        return instruction
    access: Access = instruction.access
    first = int(access.strides[0])
    windows = (None, *access.windows) if access.windows else ()
    strides = (first * inner, *access.strides)
    return replace(instruction, access=replace(access, strides=strides, windows=windows))


class RowTable:
    """How rows share buffers out: grows with every nest that joins.

    Attributes:
        extent: number of rows.
        rows: elements of a row, of the buffers of which a row has its own.
        written: buffers that are written.
        whole: buffers of which every row reads what it likes.
    """

    def __init__(self, extent: int, owner: Callable[[Buffer], Buffer]) -> None:
        self.extent = extent
        self.owner = owner
        self.rows: dict[Buffer, int] = {}
        self.written: set[Buffer] = set()
        self.whole: set[Buffer] = set()

    def add(self, nest: Nest) -> bool:
        """Whether a nest (from `as_rows`) can join; if not, nothing has changed."""
        rows, written, whole = dict(self.rows), set(self.written), set(self.whole)
        for access, writes in accesses(nest):
            row = row_of(access, nest)
            if writes:
                written.add(access.buffer)
            if row is None:
                whole.add(access.buffer)
            elif rows.setdefault(access.buffer, row) != row:
                return False
        if {self.owner(b) for b in written} & {self.owner(b) for b in whole}:
            return False
        self.rows, self.written, self.whole = rows, written, whole
        return True

    def claim(self, buffer: Buffer, writes: bool) -> bool:
        """Whether a buffer can be shared out among rows evenly."""
        if buffer.size % self.extent or buffer in self.whole:
            return False
        row = buffer.size // self.extent
        if writes:
            self.written.add(buffer)
        return self.rows.setdefault(buffer, row) == row
