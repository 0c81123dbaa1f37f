"""Whether reverse mode adds up cotangents in the same order when a segment has become a loop.

Sums of two terms have one order. Within a round, from round to round, and for what a loop reads unchanged (its sums go
on from what was received before, `derivatives.scan_backward`), the order is that of the rounds. What is left are values
on the border of a loop: those that it begins with, hands out round by round, or reads in windows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Set as AbstractSet
from typing import Any, final

import numpy as np

from tapec.ir.graph import Op, Value
from tapec.ops import movement
from tapec.passes.moving_windows import is_line
from tapec.passes.numbering import Flags, Numbering
from tapec.passes.roles import Before, Fixed, Segment
from tapec.passes.rolled_loop import first_values
from tapec.passes.sums import SMALL_WINDOW


@final
class SummationOrder:
    """The question for all segments of one graph.

    Args:
        numbers: of the graph, not yet rolled.
        active: by their places (`Numbering.places`), the values that may have a cotangent; None for none of them.
    """

    def __init__(self, numbers: Numbering, active: Flags | None) -> None:
        values = numbers.made + len(numbers.outside)
        self._active = np.zeros(values, bool) if active is None else active
        self._numbers = numbers
        self._counts = np.bincount(numbers.places(numbers.operands), minlength=values)
        for value in numbers.graph.outputs:
            self._counts[numbers.place(value)] += 1

    def keeps(self, segment: Segment, wanted: AbstractSet[int]) -> bool:
        """Whether the derivative of the loop that a segment becomes has the bits of the segment's.

        Args:
            segment: the segment.
            wanted: positions whose values are handed out round by round.
        """
        return self._hands_out(segment, wanted) and self._begins(segment) and self._reads_windows(segment)

    def _readers(self, value: Value) -> int:
        """How many operands and results of the graph a value is."""
        place = self._numbers.place(value)
        return 0 if place is None else int(self._counts[place])

    def _is_active(self, value: Value) -> bool:
        place = self._numbers.place(value)
        return place is not None and bool(self._active[place])

    def _hands_out(self, segment: Segment, wanted: AbstractSet[int]) -> bool:
        """What is handed out has two readers at most, the same number in each round (no zeros stand in for readers)."""
        for place in wanted:
            result, position = divmod(place, segment.run.period)
            ops = np.arange(segment.low, segment.high) * segment.run.period + segment.op_index(position, 0)
            made = self._numbers.first[ops] + result
            counts = self._counts[made][self._active[made]]
            if counts.size and (counts.max() > 2 or counts.max() != counts.min()):
                return False
        return True

    def _begins(self, segment: Segment) -> bool:
        """What a carry is at first has two readers at most, or nobody reads it but the operands that the carry is."""
        own: dict[int, Counter[Value]] = defaultdict(Counter)
        for position, roles in enumerate(segment.roles):
            for slot, role in enumerate(roles):
                if isinstance(role, Before):
                    own[role.position].update(first_values(self._numbers.ops, segment, position, slot, role))
        return all(
            not self._is_active(v) or (readers := self._readers(v)) <= 2 or readers == count
            for counts in own.values()
            for v, count in counts.items()
        )

    def _reads_windows(self, segment: Segment) -> bool:
        """Each element that is read in windows is in two of them at most, other readers counted."""
        windows: Counter[Value] = Counter()
        for position, moving in enumerate(segment.moving):
            op = self._op(segment, position, segment.low)
            if moving is None or op.primitive is not movement.slice_:
                continue
            role, source = segment.roles[position][0], op.operands[0]
            if not self._is_active(source):
                continue
            if not isinstance(role, Fixed):  # each round adds to what it has received, by `passes.sums`
                if not is_line(op, moving) or op.result.type.size * SMALL_WINDOW > source.type.size:
                    return False
                continue
            stride: Any = op.attributes["step"]
            starts = np.array([moving.start(k) for k in range(segment.run.count)])
            read = starts[:, None] + stride[moving.axis] * np.arange(moving.size)
            if len(np.unique(read)) < read.size:
                return False
            windows[source] += 1
        return all(self._readers(v) - n * segment.run.count + n <= 2 for v, n in windows.items())

    def _op(self, segment: Segment, position: int, round: int) -> Op:
        return self._numbers.ops[segment.op_index(position, round)]
