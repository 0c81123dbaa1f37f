"""Noting which Variables a function reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import numpy as np

from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.recording import ACTIVE, Recorder
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable


@final
class VariableReads(Recorder):
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

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`."""

    def leak(self, tensor: Tensor, how: str) -> None:
        """See `Recorder.leak`."""

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`."""

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        self._found.setdefault(id(variable), (variable, tensor))

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`."""
