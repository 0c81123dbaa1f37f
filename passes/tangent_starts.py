"""Whether forward mode adds up the same terms when a segment has become a loop.

Where there is no tangent, nothing is added. A loop's carry has a tangent in every round or in none: if it has one only
from some round on, zeros stand in for those that are not there, and 0 is not -0.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import final

import numpy as np

from tapec.passes.numbering import Flags, Numbering
from tapec.passes.roles import Before, Segment
from tapec.passes.rolled_loop import first_values


@final
class TangentStarts:
    """The question for all segments of one graph.

    Args:
        numbers: of the graph, not yet rolled.
        active: by their places (`Numbering.places`), the values that have a tangent; None for none of them.
    """

    def __init__(self, numbers: Numbering, active: Flags | None) -> None:
        self._active = np.zeros(numbers.made + len(numbers.outside), bool) if active is None else active
        self._numbers = numbers

    def keeps(self, segment: Segment, wanted: AbstractSet[int]) -> bool:
        """Whether each carry of the loop that a segment becomes, and what it hands out, always has a tangent or never.

        Args:
            segment: the segment.
            wanted: positions whose values are handed out round by round.
        """
        made = {place: self._made(segment, place) for place in wanted}
        if None in made.values():
            return False
        for position, roles in enumerate(segment.roles):
            for slot, role in enumerate(roles):
                if isinstance(role, Before):
                    moves = self._made(segment, role.position)
                    first = first_values(self._numbers.ops, segment, position, slot, role)
                    if any(self._active[self._numbers.place(v)] != moves for v in first):
                        return False
        return True

    def _made(self, segment: Segment, place: int) -> bool | None:
        """Whether what is made at a place has a tangent; None if it has in some rounds only."""
        result, position = divmod(place, segment.run.period)
        ops = np.arange(segment.low, segment.high) * segment.run.period + segment.op_index(position, 0)
        moving = self._active[self._numbers.first[ops] + result]
        return None if moving.any() != moving.all() else bool(moving.all())
