"""Rewriting a graph so that its repeated segments are scans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import REGION, Graph, Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import control, creation, movement
from tapec.passes.graph_pass import Rebuild
from tapec.passes.numbering import Numbering, Place, Places
from tapec.passes.roles import Before, Fixed, Segment, Stacked
from tapec.passes.rolled_loop import Body, Loop, first_values, row


class Rolling:
    """Rewrites a graph whose segments are known.

    Args:
        numbers: the old graph.
        segments: what becomes loops, by number.
        places: where values of segments are made.

    Attributes:
        tables: arrays that loops read, which the new graph takes behind the old one's inputs.
    """

    def __init__(self, numbers: Numbering, segments: dict[int, Segment], places: Places) -> None:
        self.numbers = numbers
        self.ops = numbers.ops
        self.segments = segments
        self.places = places
        self.out = Rebuild(numbers.graph)
        self.loops: dict[int, Loop] = {}
        self.tables: list[np.ndarray[Any, Any]] = []
        self._tables: dict[tuple[Any, ...], Value] = {}
        self.wanted = self._wanted()

    def run(self) -> Graph:
        """The new graph."""
        starts = {s.op_index(0, s.low): n for n, s in self.segments.items()}
        i = 0
        while i < len(self.ops):
            number = starts.get(i)
            if number is None:
                op = self.ops[i]
                for value in op.operands:
                    self.new(value)
                self.out.copy(op)
                i += 1
            else:
                self._roll(number)
                i = self.segments[number].op_index(0, self.segments[number].high)
        for value in self.numbers.graph.outputs:
            self.new(value)
        return self.out.finish()

    # What is needed of each loop -------------------------------------------------------------------------------------

    def _rolled(self, value: Value) -> tuple[Segment, Place] | None:
        """The segment and place of a value that only exists inside a loop."""
        place = self.places.of(value)
        segment = None if place is None else self.segments.get(place.segment)
        if place is None or segment is None or not segment.low <= place.round < segment.high:
            return None
        return segment, place

    def _wanted(self) -> dict[int, set[int]]:
        """Per segment, the positions whose values are needed round by round outside of it."""
        wanted: dict[int, set[int]] = {n: set() for n in self.segments}
        for segment in self.segments.values():
            for roles in segment.roles:
                for role in roles:
                    if isinstance(role, Stacked):
                        wanted[role.segment].add(role.position)
                    elif isinstance(role, Fixed):
                        self._want(role.value, wanted)
            for position, roles in enumerate(segment.roles):
                for slot, role in enumerate(roles):
                    if isinstance(role, Before):
                        for value in first_values(self.ops, segment, position, slot, role):
                            self._want(value, wanted)
        for i in self._straight():
            for value in self.ops[i].operands:
                self._want(value, wanted)
        for value in self.numbers.graph.outputs:
            self._want(value, wanted)
        return wanted

    def _straight(self) -> Iterator[int]:
        """The ops that are in no loop."""
        at = 0
        for low, high in sorted([(s.op_index(0, s.low), s.op_index(0, s.high)) for s in self.segments.values()]):
            yield from range(at, low)
            at = high
        yield from range(at, len(self.ops))

    def _want(self, value: Value, wanted: dict[int, set[int]]) -> None:
        found = self._rolled(value)
        if found is None:
            return
        segment, place = found
        reach = segment.high - place.round
        if not any(
            isinstance(role, Before) and role.position == place.position and role.delay >= reach
            for roles in segment.roles
            for role in roles
        ):
            wanted[place.segment].add(place.position)

    # Values outside the loops ----------------------------------------------------------------------------------------

    def new(self, value: Value) -> Value:
        """The value in the new graph; one that a loop makes is its last carry, or comes off its stack."""
        made = self.out.mapping.get(value)
        if made is None:
            is_constant = value.op is not None and value.op.primitive is creation.constant
            made = self.out.mapping[value] = self._constant(value) if is_constant else self._from_loop(value)
        return made

    def _constant(self, value: Value) -> Value:
        """Of equal constants the first one: rounds may have had one each."""
        number = self.numbers.number(value)
        assert number is not None
        assert value.op is not None
        first = self.numbers.value(number)
        if first is not value:
            return self.new(first)
        self.out.copy(value.op)
        return self.out.mapping[value]

    def _from_loop(self, value: Value) -> Value:
        found = self._rolled(value)
        assert found is not None, "a value is used before it is made"
        segment, place = found
        loop = self.loops[place.segment]
        for (position, first), index in loop.carried.items():
            if position == place.position and place.round == segment.high - len(first):
                return loop.results[index]
        stack = self.stack(place.segment, place.position)
        at = row(loop, place.round)
        rank = len(value.shape)
        one = self.emit(
            movement.slice_,
            (stack,),
            {"start": (at, *(0,) * rank), "size": (1, *value.shape), "step": (1,) * (rank + 1)},
        )
        return self.emit(movement.reshape, (one,), {"shape": value.shape})

    def stack(self, number: int, position: int) -> Value:
        """See `Rolled`."""
        loop = self.loops[number]
        return loop.results[loop.stacks[position]]

    def table(self, array: np.ndarray[Any, Any]) -> Value:
        """See `Rolled`."""
        key = (array.dtype.num, array.shape, array.tobytes())
        found = self._tables.get(key)
        if found is None:
            kind = tensor_type(dtypes.of(array.dtype), array.shape)
            found = self._tables[key] = self.out.graph.add_input(kind)
            self.tables.append(array)
        return found

    def emit(self, primitive: Primitive, operands: tuple[Value, ...], attributes: dict[str, Any]) -> Value:
        """Appends an op to the new graph."""
        return emit(self.out.graph, primitive, operands, attributes).result

    # A loop ----------------------------------------------------------------------------------------------------------

    def _roll(self, number: int) -> None:
        segment = self.segments[number]
        steps = [r.step for roles in segment.roles for r in roles if isinstance(r, Stacked)]
        loop = self.loops[number] = Loop(segment, reverse=2 * sum(s < 0 for s in steps) > len(steps))
        body = Body(self, loop)
        body.write()
        wanted = sorted(self.wanted[number])
        loop.carried = {key: i for i, key in enumerate(body.carries)}
        loop.stacks = {position: len(body.carries) + i for i, position in enumerate(wanted)}
        region = Graph(REGION, [*body.consts.values(), *body.carries.values(), *(v for _, v in body.slices)], body.ops)
        region.outputs = [
            body.carries[position, first[1:]] if len(first) > 1 else body.made[position]
            for position, first in body.carries
        ]
        region.outputs += [body.made[position] for position in wanted]
        operands = [self.new(v) for v in body.consts] + [self.new(first[0]) for _, first in body.carries]
        operands += [x for x, _ in body.slices]
        first = self.ops[segment.op_index(0, segment.low)]
        attributes: dict[str, Any] = {
            "consts": len(body.consts), "carries": len(body.carries), "length": segment.rounds, "reverse": loop.reverse,
        }  # fmt: skip
        op = emit(self.out.graph, control.scan, tuple(operands), attributes, first.location, first.phase, (region,))
        loop.results = op.results
