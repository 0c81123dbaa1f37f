"""Names of kernels, and memory that the kernels of one step hand to each other."""

from __future__ import annotations

import re

from tapec.ir.dtypes import DType
from tapec.passes.arena import ALIGNMENT
from tapec.passes.loops import Buffer

_LONGEST = 40


class Workspace:
    """Steps run one after the other, so that all of them share the same bytes behind the arena.

    Attributes:
        nbytes: what the step that needs most takes.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        self._offsets: dict[Buffer, int] = {}
        self._step = ""
        self._taken = 0
        self._names: dict[str, int] = {}

    def begin(self, step: str) -> None:
        """What follows belongs to another step."""
        self._step, self._taken = step, 0

    def buffer(self, dtype: DType, size: int) -> Buffer:
        """Memory until the end of the step."""
        made = Buffer(f"work{len(self._offsets)}", dtype, size, "temporary")
        self._offsets[made] = self._taken
        self._taken += -(-max(made.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        self.nbytes = max(self.nbytes, self._taken)
        return made

    def offsets(self, start: int) -> dict[Buffer, int]:
        """Byte offsets of all buffers, if the workspace begins at byte `start`."""
        return {buffer: start + offset for buffer, offset in self._offsets.items()}

    def name(self, label: str) -> str:
        """A symbol for a kernel that no other has."""
        stem = f"{self._step}_{re.sub(r'[^A-Za-z0-9]+', '_', label)[:_LONGEST].rstrip('_')}"
        self._names[stem] = self._names.get(stem, 0) + 1
        return stem if self._names[stem] == 1 else f"{stem}_{self._names[stem]}"
