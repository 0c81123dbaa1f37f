"""Recording a part of a program as a graph of its own, away from the recorders outside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tapec.errors import TapecError
from tapec.ir.builder import emit
from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import creation
from tapec.recording import ACTIVE, Recorder, location_of, uncover, user_frame, user_location
from tapec.tensor import Tensor, make

if TYPE_CHECKING:
    from tapec.variable import Variable


class RegionRecorder(Recorder):
    """Writes a region. The recorders outside do not hear of what runs in it; what is made of the region is theirs.

    Args:
        name: of what is recorded, for messages.
        hoist: whether what does not depend on the region's inputs runs outside of it, once.

    Attributes:
        captured: tensors from outside that the region reads.
    """

    __slots__ = (
        "_fixed", "_graph", "_hoist", "_inputs", "_outside", "_outside_values", "_values", "captured", "name",
    )  # fmt: skip

    differentiates: ClassVar[bool] = True
    keeps_graph: ClassVar[bool] = True
    traces: ClassVar[bool] = True
    defers = True  # what a region computes while it is recorded is seldom asked for

    def __init__(self, name: str, hoist: bool) -> None:
        self.name = name
        self._hoist = hoist
        self._graph = Graph(REGION)
        self._inputs: list[Value] = []
        self._values: dict[int, Value] = {}  # by serial: what the region makes or takes
        self._outside_values: dict[int, Value] = {}  # by serial: constants, and the inputs for `captured`
        self._fixed: set[Value] = set()  # constants and what is computed from nothing else
        self._outside: list[Recorder] = []
        self.captured: list[Tensor] = []

    def add_input(self, like: Tensor) -> Tensor:
        """The tensor that stands in the region for a new input, with the values of `like`."""
        tensor = make(like._array, like._weak)
        value = self._values[tensor._serial] = Value(like.type)
        self._inputs.append(value)
        return tensor

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A block that is recorded; whatever was entered in it and not left, leaves with it."""
        recorders = ACTIVE.recorders
        self._outside = recorders[:]
        recorders[:] = [self]
        try:
            yield
        except ValueError as error:
            uncover(error)
            raise
        finally:
            recorders[:] = self._outside

    def value(self, tensor: Tensor) -> Value:
        """What stands for a tensor in the region."""
        value = self._values.get(tensor._serial) or self._outside_values.get(tensor._serial)
        return self._enter(tensor) if value is None else value

    def depends(self, tensor: Tensor) -> bool:
        """Whether the region makes or takes a tensor."""
        return tensor._serial in self._values

    def uses(self, tensor: Tensor) -> bool:
        """Whether an op of the region reads a tensor."""
        value = self._values.get(tensor._serial)
        return any(value in op.operands for op in self._graph.ops)

    def finish(self, outputs: Sequence[Tensor]) -> None:
        """Says what the region gives; `captured` is then complete."""
        self._graph.outputs = [self.value(t) for t in outputs]

    def region(self, consts: Sequence[Tensor], without: Sequence[Tensor] = ()) -> Graph:
        """The region, which takes `consts` and then its inputs.

        Args:
            consts: tensors from outside: `captured`, and others that it does not read.
            without: inputs that nothing reads and that are left out.
        """
        left_out = {self._values[t._serial] for t in without}
        first = [self._outside_values.get(t._serial) or Value(t.type) for t in consts]
        inputs = first + [value for value in self._inputs if value not in left_out]
        return Graph(REGION, inputs, self._graph.ops, self._graph.outputs)

    # What recorders hear ---------------------------------------------------------------------------------------------

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        if self._is_outside(operands):
            for recorder in self._outside:
                recorder.record(primitive, operands, attributes, result)
        else:
            self._values[result._serial] = self._emit(primitive, operands, attributes).result

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        if self._is_outside(operands):
            for recorder in self._outside:
                recorder.record_control(primitive, operands, attributes, regions, results)
        else:
            op = self._emit(primitive, operands, attributes, regions)
            self._values.update(zip([t._serial for t in results], op.results, strict=True))

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. A region is recorded once, so that Python's branches can't follow its values."""
        self._refuse(tensor, "Python branched on a tensor, or used it as an integer,")
        for recorder in self._outside:
            recorder.observe(tensor, expected)

    def guards(self, tensor: Tensor) -> bool:
        """See `Recorder.guards`. There are none on what a region makes or takes."""
        return not self.depends(tensor) and any(recorder.guards(tensor) for recorder in self._outside)

    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """See `Recorder.leak`."""
        self._refuse(tensor, f"{how} asked for the value of a tensor", how if loses else None)
        for recorder in self._outside:
            recorder.leak(tensor, how, loses)

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`."""
        for recorder in self._outside:
            recorder.capture(tensor, array)

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`. The Variable's value is one of those from outside."""
        for recorder in self._outside:
            recorder.read_variable(variable, tensor)

    # -----------------------------------------------------------------------------------------------------------------

    def _is_outside(self, operands: tuple[Tensor, ...]) -> bool:
        """Whether an op belongs outside of the region."""
        return self._hoist and not any(t._serial in self._values for t in operands)

    def _emit(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...] = (),
    ) -> Op:
        values = tuple([self.value(t) for t in operands])
        location = ACTIVE.location or user_location()
        op = emit(self._graph, primitive, values, attributes, location, ACTIVE.phase, regions)
        if self._fixed.issuperset(values):
            self._fixed.update(op.results)
        return op

    def _enter(self, tensor: Tensor) -> Value:
        """What stands for a tensor from outside."""
        if tensor._literal:
            attributes = {"value": tensor._array.item(), "dtype": tensor.type.dtype.name}
            value = emit(self._graph, creation.constant, (), attributes).result
            self._fixed.add(value)
        else:
            value = Value(tensor.type)
            self.captured.append(tensor)
        self._outside_values[tensor._serial] = value
        return value

    def _refuse(self, tensor: Tensor, what: str, how: str | None = None) -> None:
        """Raises if Python wanted a value of the region that is not always the same.

        Args:
            tensor: whose value.
            what: it wanted.
            how: took a value that may be computed on with, as `Recorder.leak` hears it.
        """
        value = self._values.get(tensor._serial)
        if value is not None and value not in self._fixed:
            frame, _ = user_frame()
            where = "" if frame is None else f", at {location_of(frame)},"
            if how is None:
                raise self._refusal(what, where, "write a branch with np.where or tp.cond, and keep the value a tensor")
            from tapec.leaving_advice import advice  # only programs with such a mistake need it

            raise self._refusal(what, where, advice(frame, how))

    @abstractmethod
    def _refusal(self, what: str, where: str, instead: str) -> TapecError:
        """The error for what Python can't have there, with what to do instead."""
