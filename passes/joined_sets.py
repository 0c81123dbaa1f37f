"""The sets of values, as unions that are only made when somebody reads them.

Most ops of a graph are elementwise ones of values of one shape. What their results depend on is the union of few sets
(those of the variables, say) however many ops lie between: a set of numbers names it, and equal ones are made once.
"""

from __future__ import annotations

from math import prod
from typing import final

import numpy as np

from tapec.ir.graph import Value
from tapec.passes.index_sets import IndexSets, empty, gather, union


@final
class JoinedSets:
    """By value, of those that depend on something.

    Args:
        width: number of indices that sets are of.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._known: list[IndexSets] = []
        self._parts: dict[Value, frozenset[int]] = {}
        self._made: dict[tuple[frozenset[int], int], IndexSets] = {}
        self._spread: dict[tuple[frozenset[int], tuple[int, ...], tuple[int, ...]], int] = {}

    def put(self, value: Value, sets: IndexSets) -> None:
        """Says what the sets of a value are."""
        parts = frozenset([self._add(sets)])
        self._parts[value] = parts
        self._made[parts, value.type.size] = sets

    def join(self, value: Value, values: list[Value]) -> None:
        """Each element of a value has the sets of those elements of others that an elementwise op reads for it."""
        self._parts[value] = frozenset().union(*[self._beside(v, value.shape) for v in values if v in self._parts])

    def get(self, value: Value) -> IndexSets | None:
        """The sets of a value; None if it depends on nothing.

        Raises:
            DensePatternError: they do not fit in memory.
        """
        parts = self._parts.get(value)
        return None if parts is None else self._union(parts, value.type.size)

    def _add(self, sets: IndexSets) -> int:
        self._known.append(sets)
        return len(self._known) - 1

    def _beside(self, value: Value, shape: tuple[int, ...]) -> frozenset[int]:
        parts = self._parts[value]
        if value.type.size == prod(shape):  # and in the same order, since one broadcasts to the other
            return parts
        key = parts, value.shape, shape
        if key not in self._spread:
            numbers = np.arange(value.type.size).reshape(value.shape)
            positions = np.broadcast_to(numbers, shape).reshape(-1)
            self._spread[key] = self._add(gather(self._union(parts, value.type.size), positions))
        return frozenset([self._spread[key]])

    def _union(self, parts: frozenset[int], size: int) -> IndexSets:
        key = parts, size
        if key not in self._made:
            level = [self._known[number] for number in sorted(parts)] or [empty(size, self._width)]
            while len(level) > 1:  # pairs of about equal length
                level = [union(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
            self._made[key] = level[0]
        return self._made[key]
