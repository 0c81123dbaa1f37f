"""The tape's recorder inside `tp.function`: the function's graph has every op already, and the tape differentiates it.

The tape notes which ops of the graph it heard of, and keeps the tensors that derivative rules read. Its own graph is
the stretch of the function's since it began, with the ops too that depend on nothing watched: so a loop that reads
data round by round still looks like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np

from tapec.eager_mode import EagerMode
from tapec.errors import ConsumedTapeError
from tapec.function_recorder import FunctionRecorder
from tapec.ir.op_table import Numbers, Stretch
from tapec.ir.primitive import Primitive
from tapec.recording import ACTIVE
from tapec.structure_recorder import StructureRecorder
from tapec.tape_recorder import Step, TapeRecorder, needed_of_control, needed_positions
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tapec.ir.graph import Graph, Value


_UNKNOWN: Any = object()
_ENDED: Final = "this tape began inside {}, whose recording has ended; make a new one where it is used"


def tape_recorder(watch_accessed_variables: bool, strict: bool = False) -> TapeRecorder:
    """The recorder for a tape that begins now; the arguments are those of `TapeRecorder`."""
    outermost = ACTIVE.recorders[0] if ACTIVE.recorders else None
    if isinstance(outermost, FunctionRecorder):
        return SharingRecorder(watch_accessed_variables, outermost, strict)
    return StructureRecorder(watch_accessed_variables, strict)


def run_recorder() -> TapeRecorder:
    """The recorder of one run of a function, of which derivatives are made and of none that is equal; it is strict."""
    if all(isinstance(recorder, EagerMode) for recorder in ACTIVE.recorders):
        return StructureRecorder(watch_accessed_variables=False, strict=True, keeps_inputs=True)
    return tape_recorder(watch_accessed_variables=False, strict=True)


@final
class SharingRecorder(TapeRecorder):
    """Differentiates a stretch of a function's graph while that is being recorded.

    Args:
        watch_accessed_variables: watch every trainable Variable that is read.
        function: the recorder of the function. It hears of every op before the tape does.
        strict: see `TapeRecorder`.
    """

    once: ClassVar[bool] = True

    __slots__ = ("_function", "_heard", "_keeps", "_needed", "_start")

    def __init__(self, watch_accessed_variables: bool, function: FunctionRecorder, strict: bool = False) -> None:
        super().__init__(watch_accessed_variables, strict)
        self._function = function
        self._start = len(function.table.rows)
        self._heard: list[int] = []  # ops that read something that depends on something watched
        self._needed: dict[tuple[int, int], tuple[int, ...] | None] = {}  # of a kind of op and its active operands
        self._keeps: list[
            tuple[int, int, int]
        ] = []  # for each kept tensor the op that reads it, its operand, its place

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
        elif len(operands) == 1:
            active = operands[0]._serial in places
        else:
            active = self._mask(operands)
        function = self._function
        place = function.values.get(result._serial)
        if place is None:
            raise ConsumedTapeError(_ENDED.format(function.name))
        if not active:
            return self.events.unrecorded(primitive, operands, result)
        table = function.table
        made = table.results
        row = len(made) - 1 if made[-1] == place else table.row_of(place)  # most have just run
        self._heard.append(row)
        key = (table.rows[row], active)
        positions = self._needed.get(key, _UNKNOWN)
        if positions is _UNKNOWN:
            positions = self._needed[key] = needed_positions(primitive, active, operands, attributes)
        if positions is None:
            return self.events.unrecorded(primitive, operands, result)
        places[result._serial] = place
        if positions:
            self._keep(row, positions, operands, (result,))
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
        first = self._function.values.get(results[0]._serial)
        if first is None:
            raise ConsumedTapeError(_ENDED.format(self._function.name))
        active = self._mask(operands)
        needs = needed_of_control(primitive, active, operands, attributes, regions) if active else None
        row = self._function.table.row_of(first)
        if active:
            self._heard.append(row)
        if needs is None:
            for result in results:
                self.events.unrecorded(primitive, operands, result)
            return
        for i in needs.reached:
            self.places[results[i]._serial] = first + i
        self._keep(row, needs.kept, operands, results)

    def _mask(self, operands: tuple[Tensor, ...]) -> int:
        return sum([1 << i for i, t in enumerate(operands) if t._serial in self.places])

    def _keep(
        self, row: int, positions: Sequence[int], operands: tuple[Tensor, ...], results: tuple[Tensor, ...]
    ) -> None:
        """Keeps what an op's derivative reads; the positions are those of `tapec.passes.residuals`."""
        kept, values = self.kept, self._function.values
        for i in positions:
            tensor = results[-1 - i] if i < 0 else operands[i]
            place = values[tensor._serial]
            if place not in kept:
                kept[place] = tensor
                self._keeps.append((row, i, place))

    # Watching --------------------------------------------------------------------------------------------------------

    def watch(self, tensor: Tensor) -> int:
        """See `TapeRecorder.watch`."""
        place = self.places.get(tensor._serial)
        if place is None:
            place = self.places[tensor._serial] = self._function.own_value(tensor)
            self.kept[place] = tensor
        return place

    # What was recorded -----------------------------------------------------------------------------------------------

    def ops(self, targets: Sequence[int] = ()) -> Stretch:
        """See `TapeRecorder.ops`. Tensors that come from outside are kept for as long as the tape is there."""
        function = self._function
        function.settle()
        table, rows = function.table, self._stretch()
        columns = table.columns()
        made = np.zeros(len(table.type_of), bool)
        made[columns.made_by(rows)] = True
        read = columns.read_by(rows)
        outside = [table.merged.get(n, n) for n in dict.fromkeys(read[~made[read]].tolist())]
        known = np.fromiter([*self.places.values(), *self.kept], np.int64)
        known = known[known > 0]
        inputs = [
            n for n in dict.fromkeys([*outside, *known[~made[known]].tolist()])
            if n not in table.leaves or table.leaves[n].op is None
        ]  # fmt: skip
        for place in inputs:
            tensor = function.given.get(place)
            if tensor is not None:
                self.kept.setdefault(place, tensor)
        return Stretch(table, rows, inputs, list(targets), table.merged)

    def constants(self, ops: Stretch) -> Mapping[Value, np.ndarray[Any, Any]]:
        """See `TapeRecorder.constants`."""
        return {ops.table.leaves[n]: array for n, array in self._function.constants.items()}

    def _stretch(self) -> Numbers:
        """The ops since the tape began. One that it did not hear of, though it reads what depends on something watched,
        is left out: no derivative flows through it.
        """
        table, start = self._function.table, self._start
        columns = table.columns()
        active = np.zeros(len(table.type_of), bool)
        active[np.fromiter(self.places.values(), np.int64)] = True
        begin = columns.starts[start:]
        reads = np.concatenate(([0], np.cumsum(active[columns.operands[begin[0] :]])))[begin - begin[0]]
        wanted = (reads[1:] == reads[:-1]) & (columns.result_counts[start:] > 0)
        wanted[np.fromiter(self._heard, np.int64) - start] = True
        return np.flatnonzero(wanted) + start

    def steps(self) -> list[Step]:
        """See `TapeRecorder.steps`."""
        table, active = self._function.table, self.active()
        starts = table.columns().starts.tolist()
        keeps: dict[int, tuple[tuple[int, int], ...]] = {}
        for row, position, place in self._keeps:
            keeps[row] = (*keeps.get(row, ()), (position, place))
        found = []
        for row in self._heard:
            kind, first = table.kinds[table.rows[row]], table.results[row]
            behind = first + len(kind.results)
            if active.isdisjoint(range(first, behind)):
                continue
            read = table.operands[starts[row] : starts[row + 1]]
            places = tuple([n if n in active else ~n for n in read])
            found.append(Step(kind.primitive, places, kind.location, first, behind, keeps.get(row, ())))
        return found

    def __len__(self) -> int:
        return len(self._function.table.rows) - self._start
