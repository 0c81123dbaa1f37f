"""Recording a part of a program as a graph of its own: what depends on given tensors, and what else it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from tapec.errors import BatchedValueError
from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import creation
from tapec.recording import ACTIVE, Recorder, user_location
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable


@final
class SubgraphRecorder(Recorder):
    """Writes the graph of what depends on its inputs, on the values of one example, and keeps that from the recorders
    outside, which hear of everything else. The graph is then transformed and replayed for them.

    Args:
        name: the graph's symbol.

    Attributes:
        graph: the inputs that were added, then one for each tensor in `captured`.
        captured: tensors from outside that the ops read.
    """

    __slots__ = ("_outside", "_read", "_values", "captured", "graph")

    differentiates: ClassVar[bool] = True
    keeps_graph: ClassVar[bool] = True

    def __init__(self, name: str) -> None:
        self.graph = Graph(name)
        self.captured: list[Tensor] = []
        self._values: dict[int, Value] = {}  # by serial: what depends on the inputs
        self._read: dict[int, Value] = {}  # by serial: tensors from outside
        self._outside: list[Recorder] = []

    def add_input(self, tensor: Tensor) -> None:
        """Declares the next input, before anything runs."""
        self._values[tensor._serial] = self.graph.add_input(tensor.type)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A block that is recorded; whatever was entered in it and not left, leaves with it."""
        recorders = ACTIVE.recorders
        self._outside = recorders[:]
        recorders[:] = [self]
        try:
            yield
        finally:
            recorders[:] = self._outside

    def value(self, tensor: Tensor) -> Value | None:
        """What stands for a tensor that depends on the inputs; None for any other."""
        return self._values.get(tensor._serial)

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        known = self._values
        if not any(t._serial in known for t in operands):
            for recorder in self._outside:
                recorder.record(primitive, operands, attributes, result)
            return
        known[result._serial] = self._emit(primitive, operands, attributes).result

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        known = self._values
        if not any(t._serial in known for t in operands):
            for recorder in self._outside:
                recorder.record_control(primitive, operands, attributes, regions, results)
            return
        op = self._emit(primitive, operands, attributes, regions)
        known.update(zip([t._serial for t in results], op.results, strict=True))

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`."""
        self._refuse(tensor, "Python branched on a value that differs from example to example")
        for recorder in self._outside:
            recorder.observe(tensor, expected)

    def leak(self, tensor: Tensor, how: str) -> None:
        """See `Recorder.leak`."""
        self._refuse(tensor, f"{how} wants the one value of a tensor that differs from example to example")
        for recorder in self._outside:
            recorder.leak(tensor, how)

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`."""
        for recorder in self._outside:
            recorder.capture(tensor, array)

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        for recorder in self._outside:
            recorder.read_variable(variable, tensor)

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`."""
        self._refuse(tensor, f"{variable.name} was assigned a value that differs from example to example")
        for recorder in self._outside:
            recorder.assign_variable(variable, tensor)

    def _emit(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...] = (),
    ) -> Op:
        values = tuple([self._values.get(t._serial) or self._enter(t) for t in operands])
        location = ACTIVE.location or user_location()
        return emit(self.graph, primitive, values, attributes, location, ACTIVE.phase, regions)

    def _enter(self, tensor: Tensor) -> Value:
        """What stands for a tensor from outside."""
        value = self._read.get(tensor._serial)
        if value is None:
            if tensor._literal:
                attributes = {"value": tensor._array.item(), "dtype": tensor.type.dtype.name}
                value = emit(self.graph, creation.constant, (), attributes).result
            else:
                self.captured.append(tensor)
                value = self.graph.add_input(tensor.type)
            self._read[tensor._serial] = value
        return value

    def _refuse(self, tensor: Tensor, what: str) -> None:
        if tensor._serial in self._values:
            where = user_location()
            raise BatchedValueError(
                f"{what}{f', at {where}' if where else ''}. Under vmap every example takes the same way through "
                "Python: write the branch with np.where or tp.cond, and keep the value a tensor"
            )
