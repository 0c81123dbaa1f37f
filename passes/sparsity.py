"""Which elements of values depend on which elements of others: the patterns of their derivatives.

Each value gets, for each of its elements, the set of the elements of `wrt` on which that depends. Sets go from operands
to results by family: those of elementwise ops, reductions, movements and of gathers and scatters with known indices
are exact for the op; a matrix product knows where a constant operand is zero; in factorizations everything depends on
everything of its matrix. What follows is a superset of where the derivative can differ from zero, since sets do not
know of numbers: `x - x` has the set of `x`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import creation
from tapec.passes.activity import active_results, active_values
from tapec.passes.index_sets import IndexSets, empty, identity, union
from tapec.passes.joined_sets import JoinedSets
from tapec.passes.sparsity_control import control_sets, has_rule
from tapec.passes.sparsity_rules import RULES, everything, joined, joins

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The elements of a value that does not depend on `wrt`, and the value of the outermost graph that they are of."""

    array: Array
    source: Value


@dataclass(frozen=True, slots=True, eq=False)
class Sparsity:
    """What depends on what.

    Attributes:
        sets: for each target its sets, of positions among all elements of `wrt` one after another; None if it does not
            depend on any of them.
        read: where the sets depend on the elements of known values, these values; of a matrix only which are zero.
    """

    sets: tuple[IndexSets | None, ...]
    read: tuple[Value, ...]


def sparsity(
    graph: Graph, targets: Sequence[Value], wrt: Sequence[Value], known: Mapping[Value, Known] | None = None
) -> Sparsity:
    """The sets of `targets` among the elements of `wrt`, in time near linear in their size.

    Args:
        graph: the graph.
        targets: values of it.
        wrt: values of floating dtype.
        known: elements of values that do not depend on `wrt`.

    Raises:
        DensePatternError: a value's sets do not fit in memory.
    """
    propagation = Propagation(graph, wrt, known or {})
    return Sparsity(tuple([propagation.sets.get(value) for value in targets]), tuple(propagation.read))


class Propagation:
    """Goes through a graph once.

    Attributes:
        sets: by value, of those that depend on `wrt`.
        read: see `Sparsity`.
    """

    def __init__(self, graph: Graph, wrt: Sequence[Value], known: Mapping[Value, Known]) -> None:
        self.width = sum(value.type.size for value in wrt)
        self.sets = JoinedSets(self.width)
        self.read: dict[Value, None] = {}
        self._known = known
        first = 0
        for value in wrt:
            self.sets.put(value, identity(value.type.size, self.width, first))
            first += value.type.size
        given = set(wrt)
        for op, positions in active_values(graph, wrt)[1]:
            if joins(op):
                if op.result not in given:
                    self.sets.join(op.result, [op.operands[i] for i in joined(op, positions)])
                continue
            operands = [self.sets.get(v) if i in positions else None for i, v in enumerate(op.operands)]
            found = self._results(op, operands)
            for i in active_results(op, positions):
                if op.results[i] not in given:
                    self.sets.put(op.results[i], found[i])

    def _results(self, op: Op, operands: list[IndexSets | None]) -> Sequence[IndexSets]:
        if has_rule(op.primitive):
            return control_sets(self, op, operands)
        return RULES.get(op.primitive.family.name, everything)(self, op, operands)

    def known(self, value: Value) -> Known | None:
        """The elements of a value, if they are known."""
        if value.op is not None and value.op.primitive is creation.constant:
            return Known(value.op.primitive.meaning(**value.op.attributes), value)
        return self._known.get(value)

    def elements(self, value: Value) -> Array | None:
        """The elements of a value that the sets depend on from now on; None if they are not known."""
        known = self.known(value)
        if known is None:
            return None
        self.note(known.source)
        return known.array

    def note(self, source: Value) -> None:
        """Sets depend on the elements of `source`, which is known."""
        if source.op is None or source.op.primitive is not creation.constant:
            self.read[source] = None

    def inside(self, region: Graph, wrt: Sequence[Value], known: Mapping[Value, Known]) -> Propagation:
        """The propagation through a region by itself; the sources of `known` are noted here."""
        inner = Propagation(region, wrt, known)
        self.read.update(inner.read)
        return inner

    def total(self, parts: list[IndexSets], size: int) -> IndexSets:
        """The union of parts of one size."""
        result = parts[0] if parts else empty(size, self.width)
        for part in parts[1:]:
            result = union(result, part)
        return result
