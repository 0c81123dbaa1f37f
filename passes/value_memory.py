"""The buffers of values while a graph is lowered."""

from __future__ import annotations

from collections.abc import Mapping

from tapec.ir import dtypes
from tapec.ir.graph import Value
from tapec.passes.loops import Buffer


class ValueMemory:
    """Which buffer holds which value, over a graph and the regions in it.

    Attributes:
        buffers: by value.
        rows: of stacks that lie beside others, the memory of all, where each begins, and its stride.
        temporaries: how many there are.
    """

    def __init__(self) -> None:
        self.buffers: dict[Value, Buffer] = {}
        self.rows: dict[Value, tuple[Buffer, int, int]] = {}
        self.temporaries = 0

    def of(self, value: Value) -> Buffer:
        """The buffer of a value; a temporary, if it has no other."""
        found = self.buffers.get(value)
        if found is None:
            found = self.buffers[value] = self.temporary(value.type.dtype, value.type.size, value)
        return found

    def share(self, homes: Mapping[Value, Value]) -> None:
        """Has results lie where the values do whose memory they take over; where one has its place, all lie there."""
        groups: dict[Value, list[Value]] = {}
        for value, home in homes.items():
            groups.setdefault(home, [home]).append(value)
        for home, values in groups.items():
            buffer = next((self.buffers[v] for v in values if v in self.buffers), None) or self.of(home)
            self.buffers.update(dict.fromkeys(values, buffer))

    def temporary(
        self, dtype: dtypes.DType, size: int, value: Value | None = None, parts: tuple[Value, ...] = ()
    ) -> Buffer:
        """A further temporary."""
        self.temporaries += 1
        return Buffer(f"tmp{self.temporaries}", dtype, size, "temporary", 0, value, parts=parts)
