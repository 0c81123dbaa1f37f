"""What a tape writes down: ops whose operands depend on something watched, and the tensors that derivatives read.

A place stands for one tensor: something watched, a result, or an operand that does not depend on anything watched,
which becomes an input of the graph. The ops themselves lie in `tapec.recorded_structure`, shared by equal recordings;
a recorder holds its end of it, and which tensor has which place.
"""

from __future__ import annotations

import sys
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from tapec.ir.graph import Graph, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.primitive import Primitive
from tapec.recorded_structure import Prefix, RecordedGraph, nothing, recorded_graph
from tapec.recording import ACTIVE, Recorder, location_of, user_frame, user_location
from tapec.tape_events import Events
from tapec.tensor import Tensor
from tapec.variable import Variable

if TYPE_CHECKING:
    from tapec.passes.residuals import ControlNeeds

_UNKNOWN: Any = object()
_OWN_FRAMES = 4  # `user_frame`, `_turn`, `record`, `apply`
_NOWHERE: tuple[CodeType | None, int, int] = (None, 0, 0)
_getframe = sys._getframe


@final
class TapeRecorder(Recorder):
    """The recorder of one tape.

    Args:
        watch_accessed_variables: watch every trainable Variable that is read.

    Attributes:
        prefix: what has been recorded.
        kept: the tensors that derivative rules read, by place.
        variables: by the Variable's id the Variable and the places of the values that were read of it.
        places: by the tensor's serial its place, or `~place` for what does not depend on anything watched.
        former: by place the serial of a tensor that had it before it was watched.
        events: what is not recorded but explains why something is not connected.
    """

    __slots__ = ("_watch_accessed", "events", "former", "kept", "places", "prefix", "variables")

    differentiates: ClassVar[bool] = True

    def __init__(self, watch_accessed_variables: bool) -> None:
        self._watch_accessed = watch_accessed_variables
        self.places: dict[int, int] = {}
        self.former: dict[int, int] = {}
        self.events = Events()
        self.prefix = nothing()
        self.kept: dict[int, Tensor] = {}
        self.variables: dict[int, tuple[Variable, list[int]]] = {}

    # What recorders hear ---------------------------------------------------------------------------------------------

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`. Ops through which nothing watched flows are not written down."""
        known = self.places.get
        places: tuple[int, ...]
        if len(operands) == 2:  # spelled out, as most ops are
            a, b = operands
            p, q = known(a._serial), known(b._serial)
            if (p is None or p < 0) and (q is None or q < 0):
                return self.events.unrecorded(primitive, operands, result)
            places = (self._enter(a) if p is None else p, self._enter(b) if q is None else q)
        elif len(operands) == 1:
            p = known(operands[0]._serial)
            if p is None or p < 0:
                return self.events.unrecorded(primitive, operands, result)
            places = (p,)
        else:
            found = [known(t._serial) for t in operands]
            if not any(p is not None and p >= 0 for p in found):
                return self.events.unrecorded(primitive, operands, result)
            places = tuple([self._enter(t) if p is None else p for t, p in zip(operands, found, strict=True)])
        step = self.prefix.next
        if (
            step is None
            or step.primitive is not primitive
            or step.places != places
            or (step.attributes is not attributes and step.attributes != attributes)
        ):
            step = self._turn(primitive, places, operands, attributes)
        else:
            # Does this op stand where it stood the last time? One look at one frame says so.
            code, instruction, depth = step.hint
            try:
                frame = _getframe(depth)
            except ValueError:  # the stack is not that deep
                step = self._turn(primitive, places, operands, attributes)
            else:
                if frame.f_code is not code or frame.f_lasti != instruction:
                    step = self._turn(primitive, places, operands, attributes)
                del frame  # without a hint it is this very frame, which would hold itself and all that it knows
        if step is None:
            return self.events.unrecorded(primitive, operands, result)
        self.prefix = step
        self.places[result._serial] = step.place
        for i, place in step.keep:
            self.kept[place] = result if i < 0 else operands[i]  # negative: tapec.passes.residuals.OUT
        return None

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`. Loops and branches through which nothing watched flows are left out."""
        found = [self.places.get(t._serial) for t in operands]
        if not any(p is not None and p >= 0 for p in found):
            return self._control_unrecorded(primitive, operands, results)
        places = tuple([self._enter(t) if p is None else p for t, p in zip(operands, found, strict=True)])
        location = ACTIVE.location or user_location()
        step = self.prefix.op(primitive, places, attributes, location, regions)
        if step is None:
            needs = _needed_by_control(primitive, _mask(places), operands, attributes, regions)
            if needs is None:
                return self._control_unrecorded(primitive, operands, results)
            keep = self._keep(needs.kept, places, self.prefix.size)
            step = self.prefix.add_control(
                primitive, places, attributes, location, regions, len(results), needs.reached, keep
            )
        self.prefix = step
        for i in step.reached:
            self.places[results[i]._serial] = step.place + i
        for i, place in step.keep:
            self.kept[place] = results[-1 - i] if i < 0 else operands[i]
        return None

    def _control_unrecorded(
        self, primitive: Primitive, operands: tuple[Tensor, ...], results: tuple[Tensor, ...]
    ) -> None:
        for result in results:
            self.events.unrecorded(primitive, operands, result)

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. The branch that Python takes is the one that is recorded."""
        self.events.branched(tensor, expected)

    def leak(self, tensor: Tensor, how: str) -> None:
        """See `Recorder.leak`. What Python computes from it does not depend on anything watched."""
        self.events.left(tensor, how)

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
        self.events.assigned(variable, tensor)

    # Watching --------------------------------------------------------------------------------------------------------

    def watch(self, tensor: Tensor) -> int:
        """From now on what depends on `tensor` is recorded; the place of the tensor."""
        place = self.places.get(tensor._serial)
        if place is None or place < 0:
            place = self.places[tensor._serial] = self._input(tensor, None)
            self.kept[place] = tensor  # its owner holds it too; loops that are re-rolled begin with it
        return place

    def watch_variable(self, variable: Variable) -> None:
        """Watches the values of `variable`, trainable or not, from the present one on."""
        self.variables.setdefault(id(variable), (variable, []))
        self.read_variable(variable, variable._tensor)

    def place(self, tensor: Tensor) -> int | None:
        """The place of a tensor that depends on something watched."""
        place = self.places.get(tensor._serial)
        return None if place is None or place < 0 else place

    # Steps -----------------------------------------------------------------------------------------------------------

    def _enter(self, tensor: Tensor) -> int:
        """The complement of the place of a tensor that does not depend on anything watched and has no place yet."""
        place = ~self._input(tensor, tensor._array.item() if tensor._literal else None)
        self.places[tensor._serial] = place
        return place

    def _input(self, tensor: Tensor, literal: bool | float | None) -> int:
        array = tensor._array
        step = self.prefix.next
        if (
            literal is not None
            or step is None
            or step.dtype is not array.dtype
            or step.shape != array.shape
            or step.literal is not None
        ):
            step = self.prefix.input(array.dtype, array.shape, literal)
        self.prefix = step
        return step.place

    def _turn(
        self, primitive: Primitive, places: tuple[int, ...], operands: tuple[Tensor, ...], attributes: dict[str, Any]
    ) -> Prefix | None:
        """An op that may not be what followed the last time; None if no derivative flows through it."""
        location, hint = ACTIVE.location, _NOWHERE
        if location is None:
            frame, depth = user_frame(_OWN_FRAMES)
            if frame is not None:
                location = location_of(frame)
                hint = (frame.f_code, frame.f_lasti, depth - 2)  # from `record`, where it is looked at
        step = self.prefix.op(primitive, places, attributes, location)
        if step is None:
            positions = _needed(primitive, _mask(places), operands, attributes)
            if positions is None:
                return None
            keep = self._keep(positions, places, self.prefix.size)
            step = self.prefix.add_op(primitive, places, attributes, location, keep)
        step.hint = hint
        return step

    def _keep(self, positions: tuple[int, ...], places: tuple[int, ...], first: int) -> tuple[tuple[int, int], ...]:
        """What an op's derivative reads, in the form of `Prefix.keep`; `first` is the place of its first result."""
        found = {first - 1 - i if i < 0 else _plain(places[i]): i for i in positions}
        return tuple([(i, place) for place, i in found.items() if place not in self.kept])

    def graph(self) -> RecordedGraph:
        """What was recorded, as a graph without outputs."""
        return recorded_graph(self.prefix)

    def __len__(self) -> int:
        return self.prefix.ops


def _plain(place: int) -> int:
    return place if place >= 0 else ~place


def _mask(places: tuple[int, ...]) -> int:
    return sum([1 << i for i, place in enumerate(places) if place >= 0])


_NEEDED: dict[tuple[Any, ...], Any] = {}
_NEEDED_LIMIT = 65_536
_PLACING = {"movement", "concatenation", "indexing", "update"}  # families


def _needed(
    primitive: Primitive, mask: int, operands: tuple[Tensor, ...], attributes: dict[str, Any]
) -> tuple[int, ...] | None:
    """What `tapec.passes.residuals.needed` says, remembered."""
    # Without attributes, and for those that only say where elements go, what a rule reads depends on nothing else
    # (tests/passes/test_residuals.py).
    key: tuple[Any, ...] = (primitive, mask)
    if attributes and primitive.family.name not in _PLACING:
        key = (primitive, mask, tuple(attributes.values()), tuple([t._array.shape for t in operands]))
    keep: tuple[int, ...] | None = _NEEDED.get(key, _UNKNOWN)
    if keep is _UNKNOWN:
        from tapec.passes.residuals import needed

        if len(_NEEDED) >= _NEEDED_LIMIT:
            _NEEDED.clear()
        keep = _NEEDED[key] = needed(primitive, attributes, tuple([t.type for t in operands]), mask)
    return keep


def _needed_by_control(
    primitive: Primitive,
    mask: int,
    operands: tuple[Tensor, ...],
    attributes: dict[str, Any],
    regions: tuple[Graph, ...],
) -> ControlNeeds | None:
    """What `tapec.passes.residuals.needed_by_control` says, remembered."""
    key = (primitive, mask, attributes_key(attributes), tuple([graph_key(r) for r in regions]))
    needs: ControlNeeds | None = _NEEDED.get(key, _UNKNOWN)
    if needs is _UNKNOWN:
        from tapec.passes.residuals import needed_by_control

        types = tuple([t.type for t in operands])
        needs = _NEEDED[key] = needed_by_control(primitive, attributes, types, mask, regions)
    return needs
