"""The recorder behind `ForwardAccumulator`: pushes tangents through each op as soon as it has run."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, final

import numpy as np

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.primitive import Primitive
from tapec.lost_derivatives import lost_derivative
from tapec.ops import creation
from tapec.recording import ACTIVE, Recorder, active, user_location
from tapec.replay import Program
from tapec.tensor import Tensor
from tapec.variable import Variable


@final
class ForwardRecorder(Recorder):
    """Holds the tangent of every living tensor that depends on what is watched.

    Args:
        strict: raise `LostDerivativeError` where a value that has a tangent leaves for plain Python.
    """

    __slots__ = ("_outside", "_references", "_strict", "_tangents", "_variables")

    differentiates: ClassVar[bool] = True

    def __init__(self, strict: bool = False) -> None:
        self._strict = strict
        self._tangents: dict[int, Tensor] = {}  # by the tensor's serial
        self._references: dict[int, weakref.ref[Tensor]] = {}  # they tell when a tensor is gone
        self._variables: dict[int, tuple[Variable, Tensor]] = {}
        self._outside: list[Recorder] = []

    def watch(self, primal: Tensor | Variable, tangent: Tensor) -> None:
        """Gives a tensor, or a Variable with all its values, its tangent."""
        if isinstance(primal, Variable):
            self._variables[id(primal)] = (primal, tangent)
        else:
            self._put(primal, tangent)

    def tangent(self, primal: Tensor | Variable) -> Tensor | None:
        """The tangent; None for what depends on nothing watched."""
        if isinstance(primal, Variable):
            known = self._variables.get(id(primal))
            return None if known is None else known[1]
        return self._tangents.get(primal._serial)

    def enter(self) -> None:
        """Hears of this thread's primitives from now on."""
        self._outside = ACTIVE.recorders[:]
        ACTIVE.recorders.append(self)

    def leave(self) -> None:
        """Hears of them no more."""
        for i, recorder in enumerate(ACTIVE.recorders):
            if recorder is self:
                del ACTIVE.recorders[i]
                return

    @contextmanager
    def entered(self) -> Iterator[None]:
        """A block whose primitives it hears of; whatever was entered in it and not left, leaves with it."""
        self._outside = ACTIVE.recorders[:]
        with active(self):
            yield

    # What recorders hear ---------------------------------------------------------------------------------------------

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        self.record_control(primitive, operands, attributes, (), (result,))

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        known = self._tangents
        if not any(t._serial in known for t in operands):
            return
        moving = tuple([i for i, t in enumerate(operands) if t._serial in known])
        step = _pushforward(primitive, operands, attributes, regions, moving)
        values = [*operands, *results]
        given = [known[operands[i]._serial] for i in moving] + [values[i] for i in step.residuals]
        recorders = ACTIVE.recorders
        before = recorders[:]
        recorders[:] = self._outside  # whoever was entered later does not hear of tangents
        try:
            tangents = step.program.run(given)
        finally:
            recorders[:] = before
        for i, tangent in zip(step.reached, tangents, strict=True):
            self._put(results[i], tangent)

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. Tangents are those of the branch that Python takes."""

    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """See `Recorder.leak`. What Python computes from it has no tangent."""
        if loses and self.refuses(tensor):
            raise lost_derivative(how)

    def refuses(self, tensor: Tensor) -> bool:
        """See `Recorder.refuses`."""
        return self._strict and tensor._serial in self._tangents

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`. An array is nothing watched."""

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        known = self._variables.get(id(variable))
        if known is not None and tensor._serial not in self._tangents:
            self._put(tensor, known[1])

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`. Whatever its value, the Variable has the tangent that it was given."""

    def _put(self, tensor: Tensor, tangent: Tensor) -> None:
        serial, tangents, references = tensor._serial, self._tangents, self._references

        def gone(_: weakref.ref[Tensor]) -> None:
            tangents.pop(serial, None)
            references.pop(serial, None)

        tangents[serial] = tangent
        references[serial] = weakref.ref(tensor, gone)


@final
class _Step:
    """The pushforward of one op.

    Attributes:
        program: its inputs are the tangents of the operands that have one, then the residuals.
        residuals: positions among operands and results.
        reached: positions of the results that have a tangent.
    """

    __slots__ = ("program", "reached", "residuals")

    def __init__(self, program: Program, residuals: list[int], reached: list[int]) -> None:
        self.program = program
        self.residuals = residuals
        self.reached = reached


_STEPS: dict[tuple[Any, ...], _Step] = {}
_STEPS_LIMIT = 4_096


def _pushforward(
    primitive: Primitive,
    operands: tuple[Tensor, ...],
    attributes: dict[str, Any],
    regions: tuple[Graph, ...],
    moving: tuple[int, ...],
) -> _Step:
    types = tuple([t.type for t in operands])
    # A number of the user's source, or of a derivative rule: what is known to be finite costs less.
    numbers = tuple([t._array.item() if t._literal else None for t in operands])
    known = tuple([number.hex() if isinstance(number, float) else number for number in numbers])
    key = (primitive, types, known, attributes_key(attributes), tuple([graph_key(r) for r in regions]), moving)
    step = _STEPS.get(key)
    if step is None:
        from tapec.passes.derivatives import derivative_of
        from tapec.passes.tangent import tangent

        derivative_of(primitive, user_location())  # none: the error names the line that this call came from
        graph = Graph("op")
        inputs = tuple(
            [
                graph.add_input(kind)
                if number is None or kind.shape
                else emit(graph, creation.constant, (), {"value": number, "dtype": kind.dtype.name}).result
                for kind, number in zip(types, numbers, strict=True)
            ]
        )
        op = emit(graph, primitive, inputs, attributes, regions=regions)
        made = tangent(graph, op.results, [inputs[i] for i in moving])
        places = {value: i for i, value in enumerate([*inputs, *op.results])}
        residuals = [places[value] for value in made.residuals]
        reached = [i for i, t in enumerate(made.tangents) if t is not None]
        if len(_STEPS) >= _STEPS_LIMIT:
            _STEPS.clear()
        step = _STEPS[key] = _Step(Program(made.graph), residuals, reached)
    return step
