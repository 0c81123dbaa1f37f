"""Writing down, as a graph, everything that a block runs, so that it can be run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.lost_derivatives import lost_derivative
from tapec.ops import creation
from tapec.recording import ACTIVE, Recorder, user_location
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable


@final
class Transcript(Recorder):
    """Hears everything beside the other recorders. Its ops are in the phase in which they will run again.

    Args:
        name: of the graph.
        phase: in which the ops will run again.
        outside: recorders that do not hear of the block, and may refuse that values leave it all the same.

    Attributes:
        graph: the inputs that were added, then one for each tensor in `captured`.
        captured: tensors that were there before.
        reads: Variables that were read, with the values that they had.
    """

    __slots__ = ("_inputs", "_outside", "_phase", "_values", "captured", "graph", "reads")

    differentiates: ClassVar[bool] = True
    keeps_graph: ClassVar[bool] = True

    def __init__(self, name: str, phase: str, outside: Sequence[Recorder] = ()) -> None:
        self._outside = tuple(outside)
        self._inputs: dict[Value, Tensor] = {}
        self.graph = Graph(name)
        self.captured: list[Tensor] = []
        self.reads: list[tuple[Variable, Tensor]] = []
        self._phase = phase
        self._values: dict[int, Value] = {}  # by the tensor's serial

    def add_input(self, tensor: Tensor) -> None:
        """Declares the next input, before anything runs."""
        value = self._values[tensor._serial] = self.graph.add_input(tensor.type)
        self._inputs[value] = tensor

    def value(self, tensor: Tensor) -> Value:
        """What stands for a tensor."""
        value = self._values.get(tensor._serial)
        if value is None:
            if tensor._literal:
                attributes = {"value": tensor._array.item(), "dtype": tensor.type.dtype.name}
                value = emit(self.graph, creation.constant, (), attributes).result
            else:
                self.captured.append(tensor)
                value = self.graph.add_input(tensor.type)
                self._inputs[value] = tensor
            self._values[tensor._serial] = value
        return value

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        self._values[result._serial] = self._emit(primitive, operands, attributes, ()).result

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        op = self._emit(primitive, operands, attributes, regions)
        self._values.update(zip([t._serial for t in results], op.results, strict=True))

    def _emit(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], regions: tuple[Graph, ...]
    ) -> Op:
        values = tuple([self.value(t) for t in operands])
        return emit(self.graph, primitive, values, attributes, ACTIVE.location or user_location(), self._phase, regions)

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. What runs again takes the way that Python has taken."""

    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """See `Recorder.leak`."""
        if loses and self.refuses(tensor):
            raise lost_derivative(how)

    def refuses(self, tensor: Tensor) -> bool:
        """See `Recorder.refuses`: what depends on something that somebody outside refuses."""
        if not self._outside:
            return False
        value = self._values.get(tensor._serial)
        if value is None:
            return any(recorder.refuses(tensor) for recorder in self._outside)
        seen, stack = {value}, [value]
        while stack:
            value = stack.pop()
            given = self._inputs.get(value)
            if given is not None and any(recorder.refuses(given) for recorder in self._outside):
                return True
            before = [] if value.op is None else [v for v in value.op.operands if v not in seen]
            seen.update(before)
            stack += before
        return False

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`."""

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        self.reads.append((variable, tensor))

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`. Assignments are not repeated."""
