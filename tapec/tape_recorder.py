"""What a tape writes down: ops whose operands depend on something watched, and the tensors that derivatives read.

A place stands for one tensor: something watched, a result, or an operand that does not depend on anything watched. It
is the number that the tensor has in a table of ops (`tapec.ir.op_table`). Where nobody else writes ops down, they lie
in `tapec.recorded_structure` (`tapec.structure_recorder`); while `tp.function` records, its table has them already
(`tapec.sharing_recorder`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Graph, Location, Value, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.op_table import Stretch
from tapec.ir.primitive import Primitive
from tapec.lost_derivatives import lost_derivative
from tapec.recorded_structure import RecordedGraph
from tapec.recording import Recorder
from tapec.tape_events import Events
from tapec.tensor import Tensor
from tapec.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tapec.passes.residuals import ControlNeeds

_UNKNOWN: Any = object()


class Step(NamedTuple):
    """A recorded op.

    Attributes:
        primitive: the op's.
        places: of its operands: the complement `~place` for one that depends on nothing watched.
        location: the user's line.
        place: of its first result.
        size: the place behind its last result.
        keep: for the tensors that the op's derivative reads, and that nothing before keeps, their position among the
            operands (-1 - i for result i) and their place.
    """

    primitive: Primitive
    places: tuple[int, ...]
    location: Location | None
    place: int
    size: int
    keep: tuple[tuple[int, int], ...]


class TapeRecorder(Recorder):
    """The recorder of one tape.

    Args:
        watch_accessed_variables: watch every trainable Variable that is read.
        strict: raise `LostDerivativeError` where a value that depends on something watched leaves for plain Python.

    Attributes:
        kept: the tensors that derivative rules read, by place.
        variables: by the Variable's id the Variable and the places of the values that were read of it.
        places: by the tensor's serial its place, or `~place` for what does not depend on anything watched.
        events: what is not recorded but explains why something is not connected.
        once: whether derivatives are made of this very recording, and of none that is equal.
    """

    __slots__ = ("_strict", "_watch_accessed", "events", "kept", "places", "variables")

    differentiates: ClassVar[bool] = True
    once: ClassVar[bool] = False

    def __init__(self, watch_accessed_variables: bool, strict: bool = False) -> None:
        self._strict = strict
        self._watch_accessed = watch_accessed_variables
        self.places: dict[int, int] = {}
        self.events = Events()
        self.kept: dict[int, Tensor] = {}
        self.variables: dict[int, tuple[Variable, list[int]]] = {}

    # What a kind of recorder must say --------------------------------------------------------------------------------

    @abstractmethod
    def watch(self, tensor: Tensor) -> int:
        """From now on what depends on `tensor` is recorded; the place of the tensor."""

    @abstractmethod
    def ops(self, targets: Sequence[int] = ()) -> Stretch:
        """What was recorded, in a table in which values have their places as numbers; `targets` are the outputs."""

    @abstractmethod
    def constants(self, ops: Stretch) -> Mapping[Value, np.ndarray[Any, Any]] | None:
        """Inputs of `ops` that are the same whenever what was recorded runs.

        None if it may run with other numbers in the place of those of the source, too.
        """

    @abstractmethod
    def steps(self) -> list[Step]:
        """The recorded ops, in order."""

    @property
    @abstractmethod
    def key(self) -> Hashable | None:
        """What an equal recording will have as well; None if none will be looked for."""

    @abstractmethod
    def __len__(self) -> int:
        """How many ops have run, at most, since the recording began."""

    # What recorders hear ---------------------------------------------------------------------------------------------

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`. The branch that Python takes is the one that is recorded."""
        self.events.branched(tensor, expected)

    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """See `Recorder.leak`. What Python computes from it does not depend on anything watched."""
        if loses and self.refuses(tensor):
            raise lost_derivative(how)
        self.events.left(tensor, how)

    def refuses(self, tensor: Tensor) -> bool:
        """See `Recorder.refuses`."""
        return self._strict and self.places.get(tensor._serial, -1) >= 0

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`. An array is nothing watched."""

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""
        known = self.variables.get(id(variable))
        if known is None:
            if not (self._watch_accessed and variable.trainable):
                return
            known = self.variables[id(variable)] = (variable, [])
        if tensor._array.dtype.kind in FLOATS:
            place, places = self.watch(tensor), known[1]
            if place not in places[-1:] and place not in places:
                places.append(place)

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`. What is read afterwards is another value of the same Variable."""
        self.events.assigned(variable, tensor)

    # Watching --------------------------------------------------------------------------------------------------------

    def watch_variable(self, variable: Variable) -> None:
        """Watches the values of `variable`, trainable or not, from the present one on."""
        self.variables.setdefault(id(variable), (variable, []))
        self.read_variable(variable, variable._tensor)

    def keep(self, tensor: Tensor) -> int:
        """A place for a tensor that derivatives read and nothing recorded made."""
        place = min(0, *self.kept) - 1
        self.kept[place] = tensor
        return place

    # What was recorded -----------------------------------------------------------------------------------------------

    def graph(self) -> RecordedGraph:
        """What was recorded, as a graph without outputs."""
        return RecordedGraph(*self.ops().graph("tape"))

    def active(self) -> set[int]:
        """The places of all that depends on something watched."""
        return {place for place in self.places.values() if place >= 0}

    def place(self, tensor: Tensor) -> int | None:
        """The place of a tensor that depends on something watched."""
        place = self.places.get(tensor._serial)
        return None if place is None or place < 0 else place


def mask(places: tuple[int, ...]) -> int:
    """A bit for each operand that depends on something watched."""
    return sum([1 << i for i, place in enumerate(places) if place >= 0])


_NEEDED: dict[tuple[Any, ...], Any] = {}
_NEEDED_LIMIT = 65_536
_PLACING = {"movement", "concatenation", "indexing", "update"}  # families


def needed_positions(
    primitive: Primitive, active: int, operands: tuple[Tensor, ...], attributes: dict[str, Any]
) -> tuple[int, ...] | None:
    """What `tapec.passes.residuals.needed` says, remembered."""
    # Without attributes, and for those that only say where elements go, what a rule reads depends on nothing else
    # (tests/passes/test_residuals.py).
    key: tuple[Any, ...] = (primitive, active)
    if attributes and primitive.family.name not in _PLACING:
        key = (primitive, active, tuple(attributes.values()), tuple([t._array.shape for t in operands]))
    keep: tuple[int, ...] | None = _NEEDED.get(key, _UNKNOWN)
    if keep is _UNKNOWN:
        from tapec.passes.residuals import needed

        if len(_NEEDED) >= _NEEDED_LIMIT:
            _NEEDED.clear()
        keep = _NEEDED[key] = needed(primitive, attributes, tuple([t.type for t in operands]), active)
    return keep


def needed_of_control(
    primitive: Primitive,
    active: int,
    operands: tuple[Tensor, ...],
    attributes: dict[str, Any],
    regions: tuple[Graph, ...],
) -> ControlNeeds | None:
    """What `tapec.passes.residuals.needed_by_control` says, remembered."""
    key = (primitive, active, attributes_key(attributes), tuple([graph_key(r) for r in regions]))
    needs: ControlNeeds | None = _NEEDED.get(key, _UNKNOWN)
    if needs is _UNKNOWN:
        from tapec.passes.residuals import needed_by_control

        types = tuple([t.type for t in operands])
        needs = _NEEDED[key] = needed_by_control(primitive, attributes, types, active, regions)
    return needs
