"""Ops as rows of numbers: what a recording writes down, and of which graphs are made when they are wanted.

A Python loop that goes round a thousand times records the same few kinds of ops time and again. A row is the number of
its kind and those of its operands, which takes a fraction of the time and the memory of an op and its values; a loop is
found in the numbers, so that most rows never become ops.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from tapec.ir.builder import result_types
from tapec.ir.graph import Attribute, Graph, Location, Op, Value, attributes_key
from tapec.ir.graph_key import graph_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from tapec.ir.primitive import Primitive
    from tapec.ir.types import TensorType

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@final
@dataclass(frozen=True, slots=True, eq=False)
class OpKind:
    """What equal ops have in common.

    Attributes:
        number: which of the table's kinds it is.
        primitive: what is applied.
        types: of the operands.
        attributes: compile-time parameters.
        location: the user's line.
        phase: see `Op`.
        regions: bodies of control flow.
        results: types of the results.
        type_numbers: the table's numbers of these types.
        shape: of the first result.
        dtype: of the first result, as NumPy's.
    """

    number: int
    primitive: Primitive
    types: tuple[TensorType, ...]
    attributes: dict[str, Attribute]
    location: Location | None
    phase: str
    regions: tuple[Graph, ...]
    results: tuple[TensorType, ...]
    type_numbers: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None


class Columns(NamedTuple):
    """The rows of a table as arrays, as they were at some time.

    Attributes:
        kinds: for each op the number of its kind.
        results: for each op the number of its first result.
        result_counts: for each op how many results it has.
        starts: for each op where its operands begin in `operands`, and one entry behind the last.
        operands: of all ops, one after another.
    """

    kinds: Numbers
    results: Numbers
    result_counts: Numbers
    starts: Numbers
    operands: Numbers

    def made_by(self, rows: Numbers) -> Numbers:
        """The results of some ops, one op after another."""
        return within(self.results[rows], self.result_counts[rows])

    def read_by(self, rows: Numbers) -> Numbers:
        """The operands of some ops, one op after another."""
        starts = self.starts[:-1][rows]
        return self.operands[within(starts, self.starts[1:][rows] - starts)]


@final
class OpTable:
    """Ops in the order in which they ran.

    Values have numbers from 1 on, in the order in which they came to be; results of one op follow each other. Those
    that no row makes are leaves: inputs, and constants, which stand in a graph where they are first used.

    Attributes:
        kinds: what ops there are.
        rows: for each op the number of its kind.
        operands: of all ops, one after another.
        results: for each op the number of its first result.
        types: what types there are.
        type_of: for each value the number of its type.
        leaves: values that no row makes; `op` of a constant is the op that it becomes.
        inputs: the leaves that are inputs, in order.
        merged: inputs that are another one.
    """

    __slots__ = (
        "_columns", "_kinds", "_type_numbers", "inputs", "kinds", "leaves", "merged", "operands", "results", "rows",
        "type_of", "types",
    )  # fmt: skip

    def __init__(self) -> None:
        self.kinds: list[OpKind] = []
        self.rows: list[int] = []
        self.operands: list[int] = []
        self.results: list[int] = []
        self.types: list[TensorType] = []
        self.type_of: list[int] = [-1]  # nothing has the number 0, so that a number is true
        self.leaves: dict[int, Value] = {}
        self.inputs: list[int] = []
        self.merged: dict[int, int] = {}
        self._kinds: dict[Hashable, OpKind] = {}
        self._columns = Columns(*[np.zeros(0, np.int64)] * 5)
        self._type_numbers: dict[TensorType, int] = {}

    def leaf(self, value: Value) -> int:
        """The number of a value that comes from outside."""
        self.type_of.append(self._type_number(value.type))
        number = len(self.type_of) - 1
        self.leaves[number] = value
        return number

    def input(self, type: TensorType) -> int:
        """The number of a new input."""
        number = self.leaf(Value(type))
        self.inputs.append(number)
        return number

    def type(self, number: int) -> TensorType:
        """The type of a value."""
        return self.types[self.type_of[number]]

    def constant(self, primitive: Primitive, attributes: dict[str, Any], location: Location | None, phase: str) -> int:
        """The number of a constant, which `primitive` makes of its attributes."""
        types = result_types(primitive, (), attributes)
        return self.leaf(Op(primitive, (), attributes, types, location, phase).result)

    def kind(
        self,
        primitive: Primitive,
        operands: tuple[int, ...],
        attributes: dict[str, Any],
        location: Location | None,
        phase: str,
        regions: tuple[Graph, ...] = (),
    ) -> OpKind:
        """The kind of an op.

        Raises:
            ShapeError, DTypeError, AttributeValueError: what the family's type rule says of the operands.
        """
        key: tuple[Any, ...] = (primitive, phase, location, *[self.type_of[n] for n in operands])
        if attributes:  # only a number's zeros have signs (`tapec.ir.attributes`)
            key = (key, attributes_key(attributes) if "value" in attributes else tuple(attributes.items()))
        if regions:
            key = (key, *[graph_key(region) for region in regions])
        return self._kinds.get(key) or self._new_kind(key, primitive, operands, attributes, location, phase, regions)

    def _new_kind(
        self,
        key: Hashable,
        primitive: Primitive,
        operands: tuple[int, ...],
        attributes: dict[str, Any],
        location: Location | None,
        phase: str,
        regions: tuple[Graph, ...],
    ) -> OpKind:
        types = tuple([self.type(n) for n in operands])
        results = result_types(primitive, types, attributes, regions)
        first = results[0] if results else None
        kind = OpKind(
            len(self.kinds), primitive, types, attributes, location, phase, regions, results,
            tuple([self._type_number(t) for t in results]),
            () if first is None else first.shape,
            None if first is None else first.dtype.numpy,
        )  # fmt: skip
        self.kinds.append(kind)
        self._kinds[key] = kind
        return kind

    def append(self, kind: OpKind, operands: tuple[int, ...]) -> int:
        """Appends an op; the number of its first result."""
        types = self.type_of
        number = len(types)
        self.rows.append(kind.number)
        self.operands += operands
        self.results.append(number)
        types += kind.type_numbers
        return number

    def row_of(self, number: int) -> int:
        """The op that made a value."""
        return bisect_right(self.results, number) - 1  # a guard makes nothing and has the number that comes next

    def columns(self) -> Columns:
        """The rows as arrays. What was there the last time is not looked at again."""
        kinds = _grown(self._columns.kinds, self.rows)
        counts = np.array([(len(kind.results), len(kind.types)) for kind in self.kinds], np.int64).reshape(-1, 2)
        starts = np.zeros(len(kinds) + 1, np.int64)
        np.cumsum(counts[kinds, 1], out=starts[1:])
        results, operands = _grown(self._columns.results, self.results), _grown(self._columns.operands, self.operands)
        self._columns = Columns(kinds, results, counts[kinds, 0], starts, operands)
        return self._columns

    def _type_number(self, type: TensorType) -> int:
        known = self._type_numbers.get(type)
        if known is None:
            known = self._type_numbers[type] = len(self.types)
            self.types.append(type)
        return known


@final
@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some ops of a table as a program of their own.

    Args:
        table: the table.
        rows: which ops, in order.
        inputs: values that are given: of those that the ops read and do not make, all that are no constants.
        outputs: values that are handed back.
        renamed: values in whose place another is read.
    """

    table: OpTable
    rows: Numbers
    inputs: list[int]
    outputs: list[int]
    renamed: dict[int, int]

    def __len__(self) -> int:
        return len(self.rows)

    def input_values(self) -> list[Value]:
        """Values of graphs for the inputs: always the same for leaves."""
        leaves = self.table.leaves
        return [leaves.get(n) or Value(self.table.type(n)) for n in self.inputs]

    def graph(self, name: str) -> tuple[Graph, dict[int, Value]]:
        """A graph of all the ops, and its values by their numbers."""
        table, renamed = self.table, self.renamed
        made = dict(zip(self.inputs, self.input_values(), strict=True))
        graph = Graph(name, list(made.values()))
        starts = table.columns().starts.tolist()

        def values(numbers: Iterable[int]) -> list[Value]:
            found = []
            for number in numbers:
                number = renamed.get(number, number)
                value = made.get(number)
                if value is None:
                    value = made[number] = table.leaves[number]
                    assert value.op is not None
                    graph.ops.append(value.op)
                found.append(value)
            return found

        for row in self.rows.tolist():
            kind = table.kinds[table.rows[row]]
            operands = tuple(values(table.operands[starts[row] : starts[row + 1]]))
            op = Op(kind.primitive, operands, kind.attributes, kind.results, kind.location, kind.phase, kind.regions)
            graph.ops.append(op)
            made.update(enumerate(op.results, table.results[row]))
        graph.outputs = values(self.outputs)
        return graph, made


def _grown(known: Numbers, numbers: list[int]) -> Numbers:
    """`numbers` as an array of which `known` is the beginning."""
    added = len(numbers) - len(known)
    return (
        known if not added else np.concatenate((known, np.fromiter(islice(numbers, len(known), None), np.int64, added)))
    )


def within(starts: Numbers, lengths: Numbers) -> Numbers:
    """The numbers of stretches that begin at `starts`, one stretch after another."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(int(ends[-1]) if len(ends) else 0)
