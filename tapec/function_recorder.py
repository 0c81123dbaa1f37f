"""The recorder behind `tp.function`: everything that one call does, as it runs on real values."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tapec.assignments import Assignments
from tapec.captured_arrays import Capture, CapturedArrays, fingerprint
from tapec.errors import LeakedTensorError, VerificationError
from tapec.expected_ops import Expectations, Expected
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Graph, Location, Value, attributes_key
from tapec.ir.op_table import OpTable, Stretch
from tapec.ir.primitive import Primitive
from tapec.memory_windows import MemoryWindow
from tapec.ops import creation, custom, movement
from tapec.ops import elementwise as ew
from tapec.recorded_call import KEPT, Leak, RecordedCall, leak_message
from tapec.recording import ACTIVE, NOWHERE, Recorder, user_frame, user_hint, user_location
from tapec.rule_free import likes, without_rules
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.runtime.device_array import DeviceArray
    from tapec.variable import Variable

_OWN_FRAMES = 4  # `user_hint`, `_turn`, `record`, `apply`
_getframe = sys._getframe


@dataclass(slots=True, eq=False)
class FunctionRecorder(Recorder):
    """Writes down one call: every primitive, whether or not a tape watches it.

    Args:
        name: the graph's symbol.
        strict: raise `LeakedTensorError` at once where a value leaves for plain Python.
        defers: see `Recorder`.

    Attributes:
        table: what was recorded so far; ops with derivative rules of their own are in it until the recording ends.
        values: the number of what stands for a tensor in the table, by the tensor's serial.
        given: the tensors of the table's inputs.
    """

    traces: ClassVar[bool] = True
    rereads: ClassVar[bool] = True

    name: str
    strict: bool = False
    defers: bool = False
    table: OpTable = field(init=False, default_factory=OpTable)
    leaked: Leak | None = field(init=False, default=None)
    values: dict[int, int] = field(init=False, default_factory=dict)
    given: dict[int, Tensor] = field(init=False, default_factory=dict)
    _constants: dict[Any, int] = field(init=False, default_factory=dict)
    _arrays: CapturedArrays = field(init=False, default_factory=CapturedArrays)
    _variables: dict[int, Variable] = field(init=False, default_factory=dict)
    _fixed: set[int] = field(init=False, default_factory=set)  # constants and what is computed from nothing else
    _outside: set[int] = field(init=False, default_factory=set)  # captured arrays: Python has them anyway
    _guarded: set[tuple[int, int]] = field(init=False, default_factory=set)
    _guards: list[int] = field(init=False, default_factory=list)
    _forks: list[Location | None] = field(init=False, default_factory=list)
    assignments: Assignments = field(init=False, default_factory=Assignments)
    _arguments: int = field(init=False, default=0)
    _ruled: list[int] = field(init=False, default_factory=list)  # functions with derivative rules of their own
    _thread: dict[str, Any] = field(init=False)  # this thread's `ACTIVE`, which takes half the time to look into
    _refused: tuple[Location | None] | None = field(init=False)
    _expectations: Expectations = field(init=False, default_factory=Expectations)

    def __post_init__(self) -> None:
        self._refused = ACTIVE.refused
        self._thread = ACTIVE.__dict__

    def add_argument(self, tensor: Tensor) -> None:
        """Declares the next argument leaf."""
        self.values[tensor._serial] = self._input(tensor)
        self._arguments += 1

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        known, table = self.values, self.table
        types = table.type_of
        values: tuple[int, ...]
        read: tuple[int, ...]
        if len(operands) == 2:  # spelled out, as most ops are
            a, b = operands
            m, n = known.get(a._serial) or self._value(a), known.get(b._serial) or self._value(b)
            values, read = (m, n), (types[m], types[n])
        elif len(operands) == 1:
            n = known.get(operands[0]._serial) or self._value(operands[0])
            values, read = (n,), (types[n],)
        else:
            values = tuple([known.get(t._serial) or self._value(t) for t in operands])
            read = tuple([types[n] for n in values])
        last, state = self._expectations.last, self._thread
        op = None if last is None else last.following
        if (
            op is None
            or op.primitive is not primitive
            or op.types != read
            or (op.attributes is not attributes and op.attributes != attributes)
            or op.phase is not state["phase"]
            or op.given is not state["location"]
        ):
            op = self._turn(primitive, values, read, attributes)
        elif op.given is None:
            # Does this op stand where it stood the last time? One look at one frame says so.
            code, instruction, depth = op.hint
            try:
                frame = _getframe(depth)
            except ValueError:  # the stack is not that deep
                op = self._turn(primitive, values, read, attributes)
            else:
                if frame.f_code is not code or frame.f_lasti != instruction:
                    op = self._turn(primitive, values, read, attributes)
                del frame  # without a hint it is this very frame, which would hold itself and all that it knows
        self._expectations.last = op
        array = result._array
        if op.shape != array.shape or op.dtype != array.dtype:
            raise VerificationError(
                f"{primitive.name} gave {result.type} where its type rule says {op.kind.results[0]}"
            )
        value = known[result._serial] = table.append(op.kind, values)
        fixed = self._fixed
        if (not values or values[0] in fixed) and fixed.issuperset(values):
            fixed.add(value)

    def _turn(
        self, primitive: Primitive, values: tuple[int, ...], read: tuple[int, ...], attributes: dict[str, Any]
    ) -> Expected:
        """An op that may not be what was expected."""
        given = ACTIVE.location
        location, hint = (given, NOWHERE) if given is not None else user_hint(_OWN_FRAMES)
        kind = self.table.kind(primitive, values, attributes, location, ACTIVE.phase)
        return self._expectations.correct(kind, read, given, hint)

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        if primitive is custom.live:
            token = self.table.leaf(Value(operands[0].type))  # no array that a call could read
            self.values[operands[0]._serial] = token
        values = tuple([self._value(t) for t in operands])
        first = self._emit(primitive, values, attributes, regions)
        made = range(first, first + len(results))
        self.values.update(zip([t._serial for t in results], made, strict=True))
        if primitive.family is custom.CUSTOM:
            self._ruled.append(len(self.table.rows) - 1)
            for value, like in likes(primitive, made, values):
                for known in (self._fixed, self._outside):
                    if like in known:
                        known.add(value)
        elif self._fixed.issuperset(values):
            self._fixed.update(made)

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. Values that can't change from call to call need no guard."""
        value = self._value(tensor)
        if value in self._fixed or (value, expected) in self._guarded:
            return
        self._guarded.add((value, expected))
        self._emit(creation.guard, (value,), {"expected": expected})
        self._guards.append(expected)
        self._forks.append(user_location())

    def guards(self, tensor: Tensor) -> bool:
        """See `Recorder.guards`."""
        value = self.values.get(tensor._serial)
        return value is not None and value not in self._fixed and value not in self._outside

    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """See `Recorder.leak`. Constants and captured arrays may leave: they come from plain Python."""
        if self.guards(tensor):
            from tapec.leaving_advice import advice  # few programs need it

            instead = KEPT if self.leaked is not None else advice(user_frame(2)[0], how)
            self.leave(how, None, loses and tensor._array.dtype.kind in FLOATS, instead)

    def leave(self, how: str, location: Location | None = None, number: bool = False, instead: str = KEPT) -> None:
        """The call does by `how` what compiled code can't follow; the first such place is kept."""
        if self.leaked is None:
            self.leaked = Leak(how, location or user_location(), number, instead)
        if self.strict:
            raise LeakedTensorError(leak_message(self.name, self.leaked))

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`. The array itself becomes the input, so that later calls see its present contents."""
        self._arrays.came_from(tensor, array)

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        if tensor._serial not in self.values:
            if variable in self.assignments:  # compiled code would read what it was before the call
                self.leave(f"{variable.name} assigned where the recording does not hear of it")
            value = self.values[tensor._serial] = self._input(tensor)
            self._variables[value] = variable

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`."""
        self._value(tensor)
        self.assignments.add(variable, tensor)

    def finish(self, results: Sequence[Tensor]) -> RecordedCall:
        """The recording of a call that has returned `results`."""
        table = self.table
        outputs = [self._value(t) for t in (*results, *self.assignments.tensors)]
        for capture in self._arrays.changed():
            self._changed(capture)
        self.settle()
        if ACTIVE.refused is not None and ACTIVE.refused is not self._refused:
            self.leave("an error that depends on values, which the function caught", ACTIVE.refused[0])
        rows, renamed = without_rules(table, self._ruled)
        return RecordedCall(
            self.name,
            Stretch(table, rows, table.inputs, outputs, renamed),
            self._arguments,
            tuple([self._source(n) for n in table.inputs[self._arguments :]]),
            self.assignments.variables,
            tuple(self._guards),
            tuple(self._forks),
            self.leaked,
            {table.leaves[n]: array for n, array in self.constants.items()},
        )

    def settle(self) -> None:
        """Makes one input of those for arrays of equal contents that nobody has any more."""
        merged = self._arrays.settle()
        if not merged:
            return
        self.table.merged.update(merged)
        self.table.inputs = [n for n in self.table.inputs if n not in merged]
        self.values = {serial: merged.get(n, n) for serial, n in self.values.items()}

    @property
    def constants(self) -> Mapping[int, np.ndarray[Any, Any]]:
        """Inputs whose arrays nobody can change any more; see `settle`."""
        return self._arrays.constants()

    def _source(self, value: int) -> np.ndarray[Any, Any] | DeviceArray | Variable:
        array = self._arrays.source(value)
        return self._variables[value] if array is None else array

    def _changed(self, capture: Capture) -> None:
        """Compiled code reads an array once per call: it can't follow one that the function itself writes to."""
        self.leave("an array changed in place between two uses in one call", capture.location)

    def _emit(
        self,
        primitive: Primitive,
        values: tuple[int, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...] = (),
    ) -> int:
        location = ACTIVE.location or user_location()
        return self.table.append(
            self.table.kind(primitive, values, attributes, location, ACTIVE.phase, regions), values
        )

    def _value(self, tensor: Tensor) -> int:
        value = self.values.get(tensor._serial)
        if value is None:
            value = self._constant(tensor) if tensor._literal else self._capture(tensor)
            self.values[tensor._serial] = value
        return value

    def _constant(self, tensor: Tensor) -> int:
        attributes = {"value": tensor._array.item(), "dtype": tensor.type.dtype.name}
        key = attributes_key(attributes)
        value = self._constants.get(key)
        if value is None:
            location = ACTIVE.location or user_location()
            value = self._constants[key] = self.table.constant(creation.constant, attributes, location, ACTIVE.phase)
            self._fixed.add(value)
        return value

    def _capture(self, tensor: Tensor) -> int:
        found = self._arrays.known(tensor)
        if found is not None:
            if fingerprint(tensor._array) != found.fingerprint:
                self._changed(found)
            return found.value
        part = self._arrays.window(tensor)
        if part is not None:
            return self._window(*part, tensor)
        value = self._input(tensor)
        self._outside.add(value)
        self._arrays.add(tensor, value)
        return value

    def _window(self, owner: Tensor, window: MemoryWindow, tensor: Tensor) -> int:
        """What stands for a view: its part of what stands for the whole."""
        whole = self._value(owner)
        if not np.array_equal(
            _part(owner._array, window, tensor), tensor._array, equal_nan=tensor.dtype.kind in FLOATS
        ):
            self.leave("an array changed in place between two uses in one call")
        part = self._emit(movement.slice_, (whole,), window._asdict())
        value = self._emit(movement.reshape, (part,), {"shape": tensor.shape})
        self._outside.update((part, value))
        return value

    def _input(self, tensor: Tensor) -> int:
        value = self.table.input(tensor.type)
        self.given[value] = tensor
        return value

    def own_value(self, tensor: Tensor) -> int:
        """What stands for `tensor` and for no other tensor: a captured array may be read as several."""
        value = self._value(tensor)
        if value in self._outside or value in self._fixed:
            value = self.values[tensor._serial] = self._emit(ew.copy, (value,), {})
        return value


def _part(owner: np.ndarray[Any, Any], window: MemoryWindow, like: Tensor) -> np.ndarray[Any, Any]:
    along = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(*window, strict=True)]
    return owner[tuple(along)].reshape(like.shape)
