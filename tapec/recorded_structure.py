"""The structures of recordings as a tree: equal recordings have the same `Prefix`, found step by step as they grow.

A training loop records the same thing again and again. Each step then finds its `Prefix` behind the one before it, with
what has been worked out for it: which tensors the derivative keeps, and the plans for derivatives that were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import Any, Final, NamedTuple, final

import numpy as np

from tapec.ir import dtypes
from tapec.ir.graph import Graph, Location, Value, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.op_table import OpTable, Stretch
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import creation

Literal = bool | int | float | None

# A number of the user's source becomes a constant of the graph, unless it takes more values than these.
_MOST_LITERALS: Final = 8
_MOST_STEPS: Final = 100_000  # about 40 MB
_LONGEST: Final = 20_000


@final
class Prefix:
    """A recording up to some step, which is an op or an input.

    Attributes:
        parent: the recording before that step; None for an empty recording.
        primitive: the op's; None for an input.
        places: the op's operands: the place of one that depends on something watched, the complement `~place` of any
            other.
        attributes: the op's.
        location: the user's line.
        hint: where on the stack that line was found the last time, seen from who records: code, instruction, and number
            of frames up.
        reached: of a loop's or branch's results those that depend on something watched.
        keep: for the tensors that the op's derivative reads, and that nothing before keeps, their position among the
            operands (-1 - i for result i) and their place.
        dtype: the input's.
        shape: the input's.
        literal: the number that the input is, if it stood in the user's source.
        regions: those of a loop or branch.
        place: number of the (first) tensor that the step gives.
        size: the number behind the last one of a tensor.
        ops: number of ops up to here.
        next: what followed when the recording first came here.
    """

    __slots__ = (
        "_others", "_shared", "attributes", "dtype", "hint", "keep", "literal", "location", "next", "ops", "parent",
        "place", "places", "primitive", "reached", "regions", "shape", "size",
    )  # fmt: skip

    def __init__(self, parent: Prefix | None, shared: bool) -> None:
        self.parent = parent
        self.primitive: Primitive | None = None
        self.places: tuple[int, ...] = ()
        self.attributes: dict[str, Any] | None = None
        self.location: Location | None = None
        self.hint: tuple[CodeType | None, int, int] = (None, 0, 0)
        self.keep: tuple[tuple[int, int], ...] = ()
        self.dtype: np.dtype[Any] | None = None
        self.shape: tuple[int, ...] = ()
        self.literal: Literal = None
        self.regions: tuple[Graph, ...] = ()
        self.reached: tuple[int, ...] = ()
        self.place: int = 0 if parent is None else parent.size
        self.size: int = 1 if parent is None else parent.size + 1  # numbers count from 1, as those of `OpTable` do
        self.ops: int = 0 if parent is None else parent.ops
        self.next: Prefix | None = None
        self._others: dict[tuple[Any, ...], Prefix] | None = None
        self._shared = shared  # whether other recordings can find it

    @property
    def repeatable(self) -> bool:
        """Whether an equal recording will have this very prefix; those of more than 20,000 steps will not."""
        return self._shared

    def input(self, dtype: np.dtype[Any], shape: tuple[int, ...], literal: Literal) -> Prefix:
        """This recording and one more input."""
        if literal is not None and self._others is not None and len(self._others) >= _MOST_LITERALS:
            literal = None
        key = (dtype.num, shape, literal.hex() if isinstance(literal, float) else literal, type(literal))
        found = self._find(key)
        if found is None:
            found = self._make()
            found.dtype, found.shape, found.literal = dtype, shape, literal
            self._keep(found, first=True)
        return found

    def op(
        self,
        primitive: Primitive,
        places: tuple[int, ...],
        attributes: dict[str, Any],
        location: Location | None,
        regions: tuple[Graph, ...] = (),
    ) -> Prefix | None:
        """This recording and one more op, if it is known."""
        if self.next is None and self._others is None:
            return None  # nothing is known
        return self._find(_op_key(primitive, places, attributes, location, regions))

    def add_op(
        self,
        primitive: Primitive,
        places: tuple[int, ...],
        attributes: dict[str, Any],
        location: Location | None,
        keep: tuple[tuple[int, int], ...],
    ) -> Prefix:
        """This recording and one more op, which is not known yet."""
        made = self._make()
        made.primitive, made.places, made.attributes, made.location = primitive, places, attributes, location
        made.keep = keep
        made.ops += 1
        # `next` is compared without a key, by which 0.0 is -0.0.
        first = not attributes or not any(map(_has_float, attributes.values()))
        self._keep(made, first=first)
        return made

    def add_control(
        self,
        primitive: Primitive,
        places: tuple[int, ...],
        attributes: dict[str, Any],
        location: Location | None,
        regions: tuple[Graph, ...],
        results: int,
        reached: tuple[int, ...],
        keep: tuple[tuple[int, int], ...],
    ) -> Prefix:
        """This recording and one more loop or branch, which is not known yet."""
        made = self._make()
        made.primitive, made.places, made.attributes, made.location = primitive, places, attributes, location
        made.regions, made.reached, made.keep = regions, reached, keep
        made.size = made.place + results
        made.ops += 1
        self._keep(made, first=False)
        return made

    def steps(self) -> list[Prefix]:
        """The prefixes that end with each step, in order."""
        steps = []
        step = self
        while step.parent is not None:
            steps.append(step)
            step = step.parent
        return steps[::-1]

    def _make(self) -> Prefix:
        return Prefix(self, self._shared and self.size < _LONGEST)

    def _key(self) -> tuple[Any, ...]:
        if self.primitive is None:
            assert self.dtype is not None
            literal = self.literal
            return self.dtype.num, self.shape, literal.hex() if isinstance(literal, float) else literal, type(literal)
        assert self.attributes is not None
        return _op_key(self.primitive, self.places, self.attributes, self.location, self.regions)

    def _find(self, key: tuple[Any, ...]) -> Prefix | None:
        found = None if self._others is None else self._others.get(key)
        if found is None and self.next is not None and self.next._key() == key:
            return self.next
        return found

    def _keep(self, made: Prefix, *, first: bool) -> None:
        if not made._shared:
            return
        _TREE.count += 1
        if first and self.next is None:
            self.next = made
            return
        if self._others is None:
            self._others = {}
        self._others[made._key()] = made


def _op_key(
    primitive: Primitive,
    places: tuple[int, ...],
    attributes: dict[str, Any],
    location: Location | None,
    regions: tuple[Graph, ...],
) -> tuple[Any, ...]:
    return primitive, places, attributes_key(attributes), location, tuple([graph_key(r) for r in regions])


def _has_float(value: Any) -> bool:
    return type(value) is float or (type(value) is tuple and any(type(v) is float for v in value))


class _Tree:
    """All recordings that can be found again."""

    def __init__(self) -> None:
        self.root = Prefix(None, shared=True)
        self.count = 0


_TREE = _Tree()


def nothing() -> Prefix:
    """The recording of nothing, with which each recording begins.

    Programs that never repeat themselves would fill the memory: from time to time all recordings are forgotten.
    """
    if _TREE.count > _MOST_STEPS:
        _TREE.root, _TREE.count = Prefix(None, shared=True), 0
    return _TREE.root


class RecordedGraph(NamedTuple):
    """A recording as a graph, and the value of each place."""

    graph: Graph
    values: dict[int, Value]


def recorded_ops(prefix: Prefix, targets: Sequence[int] = ()) -> Stretch:
    """A recording as a table, in which values have the numbers of their places; `targets` are the outputs."""
    table = OpTable()
    for step in prefix.steps():
        if step.primitive is not None:
            operands = tuple([p if p >= 0 else ~p for p in step.places])
            kind = table.kind(step.primitive, operands, step.attributes or {}, step.location, "primal", step.regions)
            table.append(kind, operands)
            continue
        assert step.dtype is not None
        dtype = dtypes.of(step.dtype)
        if step.literal is None:
            table.input(tensor_type(dtype, step.shape))
        else:
            table.constant(creation.constant, {"value": step.literal, "dtype": dtype.name}, None, "primal")
    return Stretch(table, np.arange(len(table.rows)), table.inputs, list(targets), {})
