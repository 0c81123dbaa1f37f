"""The tape's recorder where nobody else builds a graph: recordings of equal structure find each other as they grow."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from tapec.ir.graph import Graph, Value
from tapec.ir.op_table import Stretch
from tapec.ir.primitive import Primitive
from tapec.recorded_structure import Prefix, nothing, recorded_ops
from tapec.recording import ACTIVE, NOWHERE, user_hint, user_location
from tapec.tape_recorder import Step, TapeRecorder, mask, needed_of_control, needed_positions
from tapec.tensor import Tensor

_OWN_FRAMES = 4  # `user_hint`, `_turn`, `record`, `apply`
_getframe = sys._getframe


@final
class StructureRecorder(TapeRecorder):
    """Writes ops down as a `Prefix`, with which what was worked out for an equal recording is found again.

    Args:
        watch_accessed_variables: watch every trainable Variable that is read.
        strict: see `TapeRecorder`.
        keeps_inputs: keep whatever the ops read, since derivatives are made of this very recording, and nobody else
            records what it reads.

    Attributes:
        prefix: what has been recorded.
    """

    __slots__ = ("_inputs", "prefix")

    def __init__(self, watch_accessed_variables: bool, strict: bool = False, keeps_inputs: bool = False) -> None:
        super().__init__(watch_accessed_variables, strict)
        # Apart from `kept`, of which equal recordings keep the same places.
        self._inputs: dict[int, Tensor] | None = {} if keeps_inputs else None
        self.prefix = nothing()

    @property
    def key(self) -> Prefix | None:
        """See `TapeRecorder.key`."""
        return self.prefix if self.prefix.repeatable else None

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
            needs = needed_of_control(primitive, mask(places), operands, attributes, regions)
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

    # Watching --------------------------------------------------------------------------------------------------------

    def watch(self, tensor: Tensor) -> int:
        """See `TapeRecorder.watch`."""
        place = self.places.get(tensor._serial)
        if place is None or place < 0:
            place = self.places[tensor._serial] = self._input(tensor, None)
            self.kept[place] = tensor  # its owner holds it too; loops that are re-rolled begin with it
        return place

    # Steps -----------------------------------------------------------------------------------------------------------

    def _enter(self, tensor: Tensor) -> int:
        """The complement of the place of a tensor that does not depend on anything watched and has no place yet."""
        place = ~self._input(tensor, tensor._array.item() if tensor._literal else None)
        self.places[tensor._serial] = place
        if self._inputs is not None:
            self._inputs[~place] = tensor
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
        location, hint = (ACTIVE.location, NOWHERE) if ACTIVE.location is not None else user_hint(_OWN_FRAMES)
        step = self.prefix.op(primitive, places, attributes, location)
        if step is None:
            positions = needed_positions(primitive, mask(places), operands, attributes)
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

    def ops(self, targets: Sequence[int] = ()) -> Stretch:
        """See `TapeRecorder.ops`."""
        for place, tensor in (self._inputs or {}).items():
            self.kept.setdefault(place, tensor)
        return recorded_ops(self.prefix, targets)

    def constants(self, ops: Stretch) -> Mapping[Value, np.ndarray[Any, Any]] | None:
        """See `TapeRecorder.constants`."""
        if self._inputs is None:
            return None
        return {ops.table.leaves[p]: self._inputs[p]._array for p in ops.inputs if p in self._inputs}

    def steps(self) -> list[Step]:
        """See `TapeRecorder.steps`."""
        return [
            Step(s.primitive, s.places, s.location, s.place, s.size, s.keep)
            for s in self.prefix.steps()
            if s.primitive is not None
        ]

    def __len__(self) -> int:
        return self.prefix.ops


def _plain(place: int) -> int:
    return place if place >= 0 else ~place
