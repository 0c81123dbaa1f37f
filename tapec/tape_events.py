"""What a tape hears of and does not record: it explains afterwards why a target does not depend on a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

from tapec.ir.graph import Location
from tapec.ir.primitive import Primitive
from tapec.recording import ACTIVE, user_location
from tapec.tensor import Tensor, serial_now

if TYPE_CHECKING:
    from tapec.variable import Variable

_MOST: Final = 10_000  # of each kind; later ones are not noted


class Unrecorded(NamedTuple):
    """An op that no derivative flows through, or none of whose operands depended on anything watched.

    Tensors are named by their serials here, so that none of them is kept alive.
    """

    result: int
    primitive: Primitive
    operands: tuple[int, ...]
    location: Location | None


class Event(NamedTuple):
    """Something happened to the tensor `serial`, at the time when tensors had serials up to `time`."""

    serial: int
    time: int
    what: str
    location: Location | None


@final
class Events:
    """What one recorder has heard of and not recorded.

    Attributes:
        ops: ops that were not recorded.
        leaks: values that left for plain Python.
        branches: truth values and integers that Python saw.
        assignments: values that Variables were given, with the Variables' names.
        watches: calls of `watch`.
    """

    __slots__ = ("assignments", "branches", "leaks", "ops", "watches")

    def __init__(self) -> None:
        self.ops: list[Unrecorded] = []
        self.leaks: list[Event] = []
        self.branches: list[Event] = []
        self.assignments: list[Event] = []
        self.watches: list[Event] = []

    def unrecorded(self, primitive: Primitive, operands: tuple[Tensor, ...], result: Tensor) -> None:
        """An op was not recorded."""
        if len(self.ops) < _MOST:
            location = ACTIVE.location or user_location(3)
            self.ops.append(Unrecorded(result._serial, primitive, tuple([t._serial for t in operands]), location))

    def left(self, tensor: Tensor, how: str) -> None:
        """A value left for plain Python."""
        _note(self.leaks, tensor, how)

    def branched(self, tensor: Tensor, seen: int) -> None:
        """Python saw a truth value or an integer."""
        _note(self.branches, tensor, str(bool(seen) if tensor.dtype.kind == "b" else seen))

    def assigned(self, variable: Variable, tensor: Tensor) -> None:
        """A Variable was given a value."""
        _note(self.assignments, tensor, variable.name)

    def watched(self, tensor: Tensor) -> None:
        """The user called `watch`."""
        _note(self.watches, tensor, "watch")


def _note(events: list[Event], tensor: Tensor, what: str) -> None:
    if len(events) < _MOST:
        events.append(Event(tensor._serial, serial_now(), what, ACTIVE.location or user_location(3)))
