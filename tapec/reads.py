"""Noting which Variables a function reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from tapec.recording import ACTIVE
from tapec.silent_recorder import SilentRecorder

if TYPE_CHECKING:
    from tapec.tensor import Tensor
    from tapec.variable import Variable


@final
class VariableReads(SilentRecorder):
    """Keeps each Variable that is read, with the value that it had first."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[int, tuple[Variable, Tensor]] = {}

    @contextmanager
    def noted(self) -> Iterator[None]:
        """A block whose reads are kept; alone on the stack it would make compiled functions run op by op."""
        if not ACTIVE.recorders:
            yield
            return
        recorders = ACTIVE.recorders
        depth = len(recorders)
        recorders.append(self)
        try:
            yield
        finally:
            del recorders[depth:]

    def found(self) -> list[tuple[Variable, Tensor]]:
        """The Variables in the order of their first reads."""
        return list(self._found.values())

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        self._found.setdefault(id(variable), (variable, tensor))
