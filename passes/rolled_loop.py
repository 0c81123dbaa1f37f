"""The loop that a segment becomes: its region, and what its scan hands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tapec.ir import dtypes
from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew
from tapec.passes.moving_windows import at_index, row_major
from tapec.passes.roles import Before, Counted, Fixed, Inside, Listed, Role, Segment, Stacked
from tapec.passes.rolled_windows import moving_rows, stacked_windows
from tapec.passes.windows import Moving

# A carry: the position whose result it hands on, and what it is in the first rounds, the furthest back first. One that
# reaches back two rounds is fed by the one that reaches back one.
Carry = tuple[int, tuple[Value, ...]]


@dataclass(slots=True)
class Loop:
    """What a segment's scan hands out."""

    segment: Segment
    reverse: bool
    carried: dict[Carry, int] = field(default_factory=dict)
    stacks: dict[int, int] = field(default_factory=dict)
    results: tuple[Value, ...] = ()


class Rolled(Protocol):
    """What is being rolled, as far as a loop's body needs it."""

    ops: Sequence[Op]
    loops: dict[int, Loop]

    def new(self, value: Value) -> Value:
        """The value in the new graph."""

    def emit(self, primitive: Primitive, operands: tuple[Value, ...], attributes: dict[str, Any]) -> Value:
        """Appends an op to the new graph."""

    def stack(self, number: int, position: int) -> Value:
        """All rounds' values of a position of another segment."""

    def table(self, array: np.ndarray[Any, Any]) -> Value:
        """An array of numbers, as a new input."""


def first_values(ops: Sequence[Op], segment: Segment, position: int, slot: int, role: Before) -> tuple[Value, ...]:
    """What an operand that reaches back is in the loop's first rounds."""
    return tuple([ops[segment.op_index(position, segment.low + k)].operands[slot] for k in range(role.delay)])


def row(loop: Loop, round: int) -> int:
    """Where a round's value lies in the loop's stacks."""
    at = round - loop.segment.low
    return loop.segment.rounds - 1 - at if loop.reverse else at


class Body:
    """The region of a loop, written from the ops of its first round."""

    def __init__(self, rolling: Rolled, loop: Loop) -> None:
        self.rolling = rolling
        self.loop = loop
        self.segment = loop.segment
        self.ops: list[Op] = []
        self.consts: dict[Value, Value] = {}
        self.carries: dict[Carry, Value] = {}
        self.slices: list[tuple[Value, Value]] = []
        self.stacked: dict[Stacked | Counted | Listed, Value] = {}
        self.made: dict[int, Value] = {}

    def write(self) -> None:
        """Fills ops, inputs and `made`, the values by their positions (`roles.Place`)."""
        for position, roles in enumerate(self.segment.roles):
            op = self.rolling.ops[self.segment.op_index(position, self.segment.low)]
            moving = self.segment.moving[position]
            if moving is not None and op.primitive is movement.slice_ and isinstance(roles[0], Fixed):
                self.made[position] = self._moving_slice(op, moving, roles[0])
                continue
            operands = tuple([self._operand(position, slot, role, op) for slot, role in enumerate(roles)])
            if moving is not None:
                self.made[position] = self._at_index(op, moving, operands)
                continue
            types = tuple([r.type for r in op.results])
            made = Op(op.primitive, operands, op.attributes, types, op.location, op.phase, op.regions)
            self.ops.append(made)
            self.made.update((position + i * self.segment.run.period, r) for i, r in enumerate(made.results))

    def _operand(self, position: int, slot: int, role: Role, op: Op) -> Value:
        value = op.operands[slot]
        if isinstance(role, Inside):
            return self.made[role.position]
        if isinstance(role, Before):
            first = first_values(self.rolling.ops, self.segment, position, slot, role)
            for k in reversed(range(len(first))):
                self.carries.setdefault((role.position, first[k:]), Value(value.type))
            return self.carries[role.position, first]
        if isinstance(role, Fixed):
            return self.consts.setdefault(value, Value(value.type))
        return self._from_stack(role)

    def _from_stack(self, role: Stacked | Counted | Listed) -> Value:
        """The present round's row of a stack."""
        found = self.stacked.get(role)
        if found is None:
            xs = (
                self._counted(role) if isinstance(role, Counted)
                else self._listed(role) if isinstance(role, Listed)
                else self._stacked(role)
            )  # fmt: skip
            found = self.stacked[role] = self._sliced(xs)
        return found

    def _sliced(self, xs: Value) -> Value:
        """What stands for a row of `xs` in each round."""
        found = Value(tensor_type(xs.type.dtype, xs.shape[1:]))
        self.slices.append((xs, found))
        return found

    def _window(self, whole: Value, first: int, step: int) -> Value:
        """Rows `first`, `first + step`, ... of a stack, one per round, in the order in which the loop reads them."""
        rounds = self.segment.rounds
        if self.loop.reverse:
            first, step = first + step * (rounds - 1), -step
        if first == 0 and step == 1 and whole.shape[0] == rounds:
            return whole
        others = len(whole.shape) - 1
        attributes = {
            "start": (first, *(0,) * others),
            "size": (rounds, *whole.shape[1:]),
            "step": (step, *(1,) * others),
        }
        return self.rolling.emit(movement.slice_, (whole,), attributes)

    def _stacked(self, role: Stacked) -> Value:
        source = self.rolling.loops[role.segment]
        first = role.step * self.segment.low + role.first
        at = row(source, first)
        step = -role.step if source.reverse else role.step
        return self._window(self.rolling.stack(role.segment, role.position), at, step)

    def _counted(self, role: Counted) -> Value:
        emit_op = self.rolling.emit
        rounds, first, step = self.segment.rounds, role.first + role.step * self.segment.low, role.step
        if self.loop.reverse:
            first, step = first + step * (rounds - 1), -step
        count = emit_op(creation.iota, (), {"axis": 0, "shape": (rounds,), "dtype": role.dtype})
        scale, start = (emit_op(creation.constant, (), {"value": n, "dtype": role.dtype}) for n in (step, first))
        return emit_op(ew.add, (emit_op(ew.mul, (count, scale), {}), start), {})

    def _listed(self, role: Listed) -> Value:
        numbers = np.frombuffer(role.data, dtypes.by_name(role.dtype).numpy).reshape(-1, *role.shape)
        numbers = numbers[self.segment.low : self.segment.high]
        return self.rolling.table(numbers[::-1].copy() if self.loop.reverse else numbers.copy())

    def _moving_slice(self, op: Op, moving: Moving, role: Fixed) -> Value:
        """A slice whose window moves: the rounds' slices of something that does not change are one array of them."""
        part = self._sliced(stacked_windows(self.rolling, self.loop, op, moving, self.rolling.new(role.value)))
        shaped = Op(movement.reshape, (part,), {"shape": op.result.shape}, (op.result.type,), op.location, op.phase)
        self.ops.append(shaped)
        return shaped.result

    def _at_index(self, op: Op, moving: Moving, operands: tuple[Value, ...]) -> Value:
        """An op whose window moves over something that changes."""
        if moving.size != 1:
            rows = self._sliced(self.rolling.table(moving_rows(self.loop, op, moving)))
            return at_index(self.ops, op, operands, rows, moving.axis)
        flat = row_major(op, moving)
        offset, stride = flat or (0, 1)
        if moving.starts is None:
            index: Counted | Listed = Counted(offset + stride * moving.first, stride * moving.step, dtypes.I64.name)
        else:
            index = Listed((offset + stride * np.array(moving.starts, np.int64)).tobytes(), dtypes.I64.name)
        return at_index(self.ops, op, operands, self._from_stack(index), None if flat else moving.axis)
