"""The tape's recorder inside `tp.function`: the function's graph has every op already, and the tape differentiates it.

The tape notes which ops of the graph it heard of, and keeps the tensors that derivative rules read. Its own graph is
the stretch of the function's since it began, with the ops too that depend on nothing watched: so a loop that reads
data round by round still looks like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from tapec.errors import ConsumedTapeError
from tapec.function_recorder import FunctionRecorder
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import creation
from tapec.recorded_structure import RecordedGraph
from tapec.recording import ACTIVE
from tapec.structure_recorder import StructureRecorder
from tapec.tape_recorder import Step, TapeRecorder, needed_of_control, needed_positions
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    import numpy as np


_ENDED: Final = "this tape began inside {}, whose recording has ended; make a new one where it is used"


def tape_recorder(watch_accessed_variables: bool) -> TapeRecorder:
    """The recorder for a tape that begins now."""
    outermost = ACTIVE.recorders[0] if ACTIVE.recorders else None
    if isinstance(outermost, FunctionRecorder):
        return SharingRecorder(watch_accessed_variables, outermost)
    return StructureRecorder(watch_accessed_variables)


@final
class SharingRecorder(TapeRecorder):
    """Differentiates a stretch of a function's graph while that is being recorded.

    Args:
        watch_accessed_variables: watch every trainable Variable that is read.
        function: the recorder of the function. It hears of every op before the tape does.
    """

    once: ClassVar[bool] = True

    __slots__ = ("_active", "_function", "_heard", "_keeps", "_place_of", "_start", "_values")

    def __init__(self, watch_accessed_variables: bool, function: FunctionRecorder) -> None:
        super().__init__(watch_accessed_variables)
        self._function = function
        self._start = len(function.graph.ops)
        self._heard: list[Op] = []
        self._active: set[Value] = set()  # watched, and what depends on it
        self._values: list[Value] = []  # by place
        self._place_of: dict[Value, int] = {}
        self._keeps: list[tuple[Op, int, int]] = []  # for each kept tensor the op that reads it, the operand, the place

    @property
    def key(self) -> None:
        """See `TapeRecorder.key`. A function is recorded once."""
        return None

    # What recorders hear ---------------------------------------------------------------------------------------------

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        places = self.places  # of what is active only
        if len(operands) == 2:  # spelled out, as most ops are
            a, b = operands
            active = (a._serial in places) + 2 * (b._serial in places)
        else:
            active = sum([1 << i for i, t in enumerate(operands) if t._serial in places])
        value = self._function.values.get(result._serial)
        if value is None:
            raise ConsumedTapeError(_ENDED.format(self._function.name))
        positions = needed_positions(primitive, active, operands, attributes) if active else None
        if active:
            assert value.op is not None
            self._heard.append(value.op)
        if positions is None:
            return self.events.unrecorded(primitive, operands, result)
        self._active.add(value)
        self.places[result._serial] = self._place_of[value] = len(self._values)
        self._values.append(value)
        if positions:
            self._keep(value.op, positions, operands, (result,))
        return None

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        values = self._function.values
        if results[0]._serial not in values:
            raise ConsumedTapeError(_ENDED.format(self._function.name))
        active = sum([1 << i for i, t in enumerate(operands) if t._serial in self.places])
        needs = needed_of_control(primitive, active, operands, attributes, regions) if active else None
        op = values[results[0]._serial].op
        if active:
            assert op is not None
            self._heard.append(op)
        reached = () if needs is None else needs.reached
        for i, result in enumerate(results):
            place = self._place(values[result._serial])  # results of one op have places one behind another
            if i in reached:
                self._active.add(values[result._serial])
                self.places[result._serial] = place
            elif needs is None:
                self.events.unrecorded(primitive, operands, result)
        if needs is not None:
            self._keep(op, needs.kept, operands, results)

    def _keep(
        self, op: Op | None, positions: Sequence[int], operands: tuple[Tensor, ...], results: tuple[Tensor, ...]
    ) -> None:
        """Keeps what an op's derivative reads; the positions are those of `tapec.passes.residuals`."""
        assert op is not None
        kept, known = self.kept, self._place_of
        for i in positions:
            tensor, value = (results[-1 - i], op.results[-1 - i]) if i < 0 else (operands[i], op.operands[i])
            place = known.get(value)
            if place is None:
                place = self._place(value)
            if place not in kept:
                kept[place] = tensor
                self._keeps.append((op, i, place))

    # Watching --------------------------------------------------------------------------------------------------------

    def watch(self, tensor: Tensor) -> int:
        """See `TapeRecorder.watch`."""
        place = self.places.get(tensor._serial)
        if place is None:
            value = self._function.own_value(tensor)
            self._active.add(value)
            place = self.places[tensor._serial] = self._place(value)
            self.kept[place] = tensor
        return place

    def _place(self, value: Value) -> int:
        place = self._place_of.get(value)
        if place is None:
            place = self._place_of[value] = len(self._values)
            self._values.append(value)
        return place

    # What was recorded -----------------------------------------------------------------------------------------------

    def graph(self) -> RecordedGraph:
        """See `TapeRecorder.graph`. Tensors that come from outside are kept for as long as the tape is there."""
        self._function.settle()
        ops = self._stretch()
        made = {value for op in ops for value in op.results}
        outside = dict.fromkeys([v for op in ops for v in op.operands if v not in made])
        outside.update(dict.fromkeys([v for v in self._values if v not in made]))
        constants = [v.op for v in outside if v.op is not None and v.op.primitive is creation.constant]
        inputs = [v for v in outside if v.op is None or v.op.primitive is not creation.constant]
        for value in inputs:
            tensor = self._function.given.get(value)
            if tensor is not None:
                self.kept.setdefault(self._place(value), tensor)
        return RecordedGraph(Graph("tape", inputs, constants + ops), dict(enumerate(self._values)))

    @property
    def constants(self) -> Mapping[Value, np.ndarray[Any, Any]]:
        """See `TapeRecorder.constants`."""
        return self._function.constants

    def active(self, recorded: RecordedGraph) -> AbstractSet[Value]:
        """See `TapeRecorder.active`."""
        return self._active

    def _stretch(self) -> list[Op]:
        """The ops since the tape began. One that it did not hear of, though it reads what depends on something watched,
        is left out: no derivative flows through it.
        """
        heard, active = iter([*self._heard, None]), self._active
        following = next(heard)
        ops = []
        for op in self._function.graph.ops[self._start :]:
            if op is following:
                following = next(heard)
            elif not op.results or op.primitive is creation.constant or not active.isdisjoint(op.operands):
                continue
            ops.append(op)
        return ops

    def steps(self) -> list[Step]:
        """See `TapeRecorder.steps`."""
        keeps: dict[Op, tuple[tuple[int, int], ...]] = {}
        for op, position, place in self._keeps:
            keeps[op] = (*keeps.get(op, ()), (position, place))
        found = []
        for op in self._heard:
            first = self._place_of.get(op.results[0])
            if first is None or self._active.isdisjoint(op.results):
                continue
            places = [self._place(v) if v in self._active else ~self._place(v) for v in op.operands]
            keep = keeps.get(op, ())
            found.append(Step(op.primitive, tuple(places), op.location, first, first + len(op.results), keep))
        return found

    def __len__(self) -> int:
        return len(self._heard)
