"""What a tape writes down: ops whose operands depend on something watched, and the arrays that derivatives read.

An op is written as a short tuple over places, because recording must cost little; `graph()` turns the tuples into a
`Graph`. A place stands for one tensor: something watched, a result, or an operand that does not depend on anything
watched, which becomes an input of the graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Location, Value, attributes_key
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import creation
from tapec.recording import ACTIVE, Recorder, user_location
from tapec.tensor import Tensor
from tapec.variable import Variable

_UNKNOWN: Any = object()
_OWN_FRAMES = 3  # `user_location`, `record`, `apply`


class Input(NamedTuple):
    """A place that no recorded op fills. `literal` is the number that stood in the user's source, if one did."""

    place: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    literal: bool | int | float | None


@dataclass(frozen=True, slots=True)
class RecordedGraph:
    """A recording as a graph, and the value of each place."""

    graph: Graph
    values: dict[int, Value]


@final
class TapeRecorder(Recorder):
    """The recorder of one tape.

    Args:
        watch_accessed_variables: watch every trainable Variable that is read.

    Attributes:
        kept: the tensors that derivative rules read, by place.
        variables: by the Variable's id the Variable and the places of the values that were read of it.
    """

    __slots__ = ("_active", "_entries", "_inactive", "_inputs", "_size", "_watch_accessed", "kept", "variables")

    def __init__(self, watch_accessed_variables: bool) -> None:
        self._watch_accessed = watch_accessed_variables
        self._active: dict[int, int] = {}  # place by the tensor's serial
        self._inactive: dict[int, int] = {}
        self._inputs: list[Input] = []
        self._entries: list[tuple[Primitive, tuple[int, ...], dict[str, Any], int, Location | None]] = []
        self._size = 0
        self.kept: dict[int, Tensor] = {}
        self.variables: dict[int, tuple[Variable, list[int]]] = {}

    # What recorders hear ---------------------------------------------------------------------------------------------

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`. Ops through which nothing watched flows are not written down."""
        place_of = self._active.get
        places: list[Any] = []
        mask, bit = 0, 1
        for t in operands:
            place = place_of(t._serial)
            places.append(place)
            if place is not None:
                mask |= bit
            bit += bit
        if not mask:
            return
        # Without attributes, what a rule reads depends on nothing else (tests/passes/test_residuals.py).
        key = _key(primitive, mask, operands, attributes) if attributes else (primitive, mask)
        keep = _NEEDED.get(key, _UNKNOWN)
        if keep is _UNKNOWN:
            keep = _derive(key, primitive, mask, operands, attributes)
        if keep is None:
            return
        if mask + 1 != bit:
            for i, t in enumerate(operands):
                if places[i] is None:
                    places[i] = self._inactive_place(t)
        place = self._size
        self._size = place + 1
        self._active[result._serial] = place
        for i in keep:
            if i < 0:  # tapec.passes.residuals.OUT
                self.kept[place] = result
            else:
                self.kept[places[i]] = operands[i]
        self._entries.append(
            (primitive, tuple(places), attributes, place, ACTIVE.location or user_location(_OWN_FRAMES))
        )

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. The branch that Python takes is the one that is recorded."""

    def leak(self, tensor: Tensor, how: str) -> None:
        """See `Recorder.leak`. What Python computes from it does not depend on anything watched."""

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`. An array is nothing watched."""

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        known = self.variables.get(id(variable))
        if known is None:
            if not (self._watch_accessed and variable.trainable):
                return
            known = self.variables[id(variable)] = (variable, [])
        if tensor._array.dtype.kind == "f":
            place, places = self.watch(tensor), known[1]
            if place not in places[-1:] and place not in places:
                places.append(place)

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`. What is read afterwards is another value of the same Variable."""

    # Watching --------------------------------------------------------------------------------------------------------

    def watch(self, tensor: Tensor) -> int:
        """From now on what depends on `tensor` is recorded; the place of the tensor."""
        place = self._active.get(tensor._serial)
        if place is None:
            place = self._active[tensor._serial] = self._enter(tensor, None)
        return place

    def watch_variable(self, variable: Variable) -> None:
        """Watches the values of `variable`, trainable or not, from the present one on."""
        self.variables.setdefault(id(variable), (variable, []))
        self.read_variable(variable, variable._tensor)

    def place(self, tensor: Tensor) -> int | None:
        """The place of a tensor that depends on something watched."""
        return self._active.get(tensor._serial)

    def _inactive_place(self, tensor: Tensor) -> int:
        place = self._inactive.get(tensor._serial)
        if place is None:
            place = self._enter(tensor, tensor._array.item() if tensor._literal else None)
            self._inactive[tensor._serial] = place
        return place

    def _enter(self, tensor: Tensor, literal: bool | float | None) -> int:
        place = self._size
        self._size = place + 1
        self._inputs.append(Input(place, tensor._array.dtype, tensor._array.shape, literal))
        return place

    # Reading what was recorded ---------------------------------------------------------------------------------------

    def structure(self) -> tuple[Any, ...]:
        """A hashable description: two recordings with equal ones have equal graphs."""
        inputs = [
            (place, dtype.num, shape, literal.hex() if isinstance(literal, float) else literal, type(literal))
            for place, dtype, shape, literal in self._inputs
        ]
        ops = [
            (primitive, operands, attributes_key(attributes) if attributes else (), result, location)
            for primitive, operands, attributes, result, location in self._entries
        ]
        return (*inputs, *ops)

    def graph(self) -> RecordedGraph:
        """What was recorded, as a graph without outputs."""
        graph = Graph("tape")
        values: dict[int, Value] = {}
        for place, dtype, shape, literal in self._inputs:
            kind = tensor_type(dtypes.of(dtype), shape)
            if literal is None:
                values[place] = graph.add_input(kind)
            else:
                op = emit(graph, creation.constant, (), {"value": literal, "dtype": kind.dtype.name})
                values[place] = op.result
        for primitive, operands, attributes, result, location in self._entries:
            op = emit(graph, primitive, tuple([values[p] for p in operands]), attributes, location)
            values[result] = op.result
        return RecordedGraph(graph, values)

    def __len__(self) -> int:
        return len(self._entries)


_NEEDED: dict[tuple[Any, ...], tuple[int, ...] | None] = {}
_NEEDED_LIMIT = 65_536


def _key(primitive: Primitive, mask: int, operands: tuple[Tensor, ...], attributes: dict[str, Any]) -> tuple[Any, ...]:
    return (primitive, mask, tuple(attributes.values()), tuple([t._array.shape for t in operands]))


def _derive(
    key: tuple[Any, ...], primitive: Primitive, mask: int, operands: tuple[Tensor, ...], attributes: dict[str, Any]
) -> tuple[int, ...] | None:
    from tapec.passes.residuals import needed

    if len(_NEEDED) >= _NEEDED_LIMIT:
        _NEEDED.clear()
    keep = _NEEDED[key] = needed(primitive, attributes, tuple([t.type for t in operands]), mask)
    return keep
