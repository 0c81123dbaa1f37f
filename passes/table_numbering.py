"""The numbers of a recording that lies in a table: most of its ops and values are never made."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, final, overload

import numpy as np

from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ir.op_table import Numbers, OpKind, Stretch
from tapec.passes.numbering import Flags, Numbering, begins, likeness_of


@final
class TableNumbering(Numbering):
    """The numbers of a stretch of a table. Ops and values are made when they are asked for, the same ones each time.

    A value's `op` is None for as long as nobody has asked for that op.

    Args:
        stretch: the ops.
        name: of the graph.
    """

    def __init__(self, stretch: Stretch, name: str) -> None:
        self._stretch = stretch
        self._table = table = stretch.table
        inputs = stretch.input_values()
        columns = table.columns()
        self._kinds = columns.kinds[stretch.rows]
        self.first = begins(columns.result_counts[stretch.rows])
        self.begin = begins(np.diff(columns.starts)[stretch.rows])
        self.codes = _codes(table.kinds, self._kinds)
        # From the table's numbers to those of the stretch.
        names = np.arange(len(table.type_of))
        for old, new in stretch.renamed.items():
            names[old] = new
        read = names[columns.read_by(stretch.rows)]
        outputs = names[np.array(stretch.outputs, np.int64)]
        self._made = columns.made_by(stretch.rows)
        self._values: dict[int, Value] = {}
        self._numbers: dict[Value, int] = {}
        self._outside: list[int] = []
        self.outside: list[Value] = []
        numbers, known = np.zeros(len(names), np.int64), np.zeros(len(names), bool)
        numbers[self._made], known[self._made] = np.arange(len(self._made)), True
        for at, value in zip(stretch.inputs, inputs, strict=True):
            numbers[at], known[at] = self._add(at, value), True
        constants: dict[Hashable, int] = {}
        for at in dict.fromkeys([*read[~known[read]].tolist(), *outputs[~known[outputs]].tolist()]):
            value = table.leaves[at]
            assert value.op is not None, "what is no constant is made or given"
            key = attributes_key(value.op.attributes)
            if key not in constants:
                constants[key] = self._add(at, value)
            numbers[at] = self._numbers[value] = constants[key]
        self.operands = numbers[read]
        self.ops = _Ops(self)
        self.graph = Graph(name, inputs, outputs=[self.value(n) for n in numbers[outputs].tolist()])

    def _add(self, name: int, value: Value) -> int:
        self._outside.append(name)
        self.outside.append(value)
        number = self._numbers[value] = -len(self.outside)
        return number

    def value(self, number: int) -> Value:
        """See `Numbering.value`."""
        if number < 0:
            return self.outside[~number]
        found = self._values.get(number)
        if found is None:
            found = self._values[number] = Value(self._table.type(int(self._made[number])))
            self._numbers[found] = number
        return found

    def number(self, value: Value) -> int | None:
        """See `Numbering.number`."""
        return self._numbers.get(value)

    def attributes(self, position: int, stop: int, step: int) -> list[dict[str, Any]]:
        """See `Numbering.attributes`."""
        kinds = self._table.kinds
        return [kinds[n].attributes for n in self._kinds[position:stop:step].tolist()]

    def in_table(self, value: Value) -> int:
        """The number that a value has in the table."""
        number = self._numbers[value]
        return self._outside[~number] if number < 0 else int(self._made[number])

    def flags_of_table(self, values: Iterable[int]) -> Flags:
        """As `flags`, of values that have these numbers in the table."""
        found = np.zeros(len(self._table.type_of), bool)
        found[np.fromiter(values, np.int64)] = True
        return np.concatenate((found[self._made], found[np.array(self._outside, np.int64)]))

    def op(self, position: int) -> Op:
        """The op at a position."""
        kind = self._table.kinds[int(self._kinds[position])]
        operands = self.operands[int(self.begin[position]) : int(self.begin[position + 1])].tolist()
        op = Op(
            kind.primitive, tuple([self.value(n) for n in operands]), kind.attributes, (), kind.location, kind.phase,
            kind.regions,
        )  # fmt: skip
        first, behind = int(self.first[position]), int(self.first[position + 1])
        op.results = tuple([self.value(n) for n in range(first, behind)])
        for value in op.results:
            value.op = op
        return op


class _Ops(Sequence[Op]):
    """The ops of a numbering, each made once."""

    def __init__(self, numbers: TableNumbering) -> None:
        self._numbers = numbers
        self._length = len(numbers.begin) - 1
        self._made: dict[int, Op] = {}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> Op: ...
    @overload
    def __getitem__(self, at: slice) -> list[Op]: ...
    def __getitem__(self, at: int | slice) -> Op | list[Op]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self._length))]
        if at < 0:
            at += self._length
        if not 0 <= at < self._length:
            raise IndexError(f"there are {self._length} ops")
        found = self._made.get(at)
        if found is None:
            found = self._made[at] = self._numbers.op(at)
        return found

    def __iter__(self) -> Iterator[Op]:
        return (self[i] for i in range(self._length))


def _codes(kinds: list[OpKind], rows: Numbers) -> Numbers:
    known: dict[Hashable, int] = {}
    codes = [known.setdefault(likeness_of(k, k.types), len(known)) if k.results else -1 for k in kinds]
    found = np.array(codes, np.int64)[rows]
    guards = found < 0  # each equals nothing, so that no run holds one
    found[guards] = len(known) + np.arange(np.count_nonzero(guards))
    return found
