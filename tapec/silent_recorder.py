"""Recorders that keep nothing of what runs: it matters only that they are active, or which Variables are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tapec.recording import Recorder

if TYPE_CHECKING:
    import numpy as np

    from tapec.ir.graph import Graph
    from tapec.ir.primitive import Primitive
    from tapec.tensor import Tensor
    from tapec.variable import Variable


class SilentRecorder(Recorder):
    """Hears everything and keeps nothing of it; what a read of a Variable means is left to others."""

    __slots__ = ()

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

    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """See `Recorder.leak`."""

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`."""

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`."""
