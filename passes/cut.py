"""A function cut into three: what picks elements of the arguments, what works on them, and what adds up the results.

    arguments -> selections -> *variables* -> the work -> *terms* -> sums -> results

Only the work in the middle has derivatives that must be computed: those of the parts before and behind it are known
numbers at known places. Where a function does the same for many items, each with variables of its own (an equation per
grid point, a residual per observation), the derivative of the middle is one small block for each item, and few products
tell all of them, however the items hang together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tapec.errors import DensePatternError
from tapec.ir.graph import Graph, Value
from tapec.ops import creation
from tapec.passes.graph_sections import leading_to
from tapec.passes.index_sets import IndexSets, empty, local, relation, stack
from tapec.passes.middle import Middle
from tapec.passes.selections import selections
from tapec.passes.sparsity import Known, sparsity
from tapec.passes.terms import terms

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The variables, or the terms, of a cut.

    Attributes:
        values: of the cut's graph.
        blocks: for each value the number of its block. Values of one block have their elements at the same places, so
            that their derivatives are added up.
        places: for each block and each of its elements, in row-major order, the argument's element, or the result's,
            that it belongs to, counted over all of them; -1 for none.
    """

    values: list[Value]
    blocks: list[int]
    places: list[Array]

    @property
    def starts(self) -> Array:
        """Where each block begins when all are counted one after another, and the end."""
        return np.cumsum([0] + [len(places) for places in self.places])

    def members(self, block: int) -> list[int]:
        """Positions of the values of a block."""
        return [i for i, number in enumerate(self.blocks) if number == block]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A recorded graph cut into three.

    Attributes:
        graph: the work: its inputs are the variables and whatever else it reads, its outputs the terms.
        variables: of `graph`.
        terms: of `graph`.
        origins: for values of `graph` the recorded value with the same elements, which may be of a smaller shape that
            broadcasts to it.
        scaled: for each variable whether it is more than a selection: its derivatives are not all 1.
        links: which elements of the terms depend on which of the variables, counted over blocks; those that belong to
            no argument or result are among them, since products do not leave them out.
        read: recorded values on whose elements all of this rests.
    """

    graph: Graph
    variables: Side
    terms: Side
    origins: Mapping[Value, Value]
    scaled: list[bool]
    links: IndexSets
    read: tuple[Value, ...]

    def key(self) -> str:
        """A digest of all that plans are made of."""
        digest = hashlib.sha256(str(self.graph).encode())
        for side in (self.variables, self.terms):
            digest.update(repr((side.blocks, [v.type for v in side.values], [len(p) for p in side.places])).encode())
            for places in side.places:
                digest.update(places.tobytes())
        digest.update(repr(self.scaled).encode())
        digest.update(self.links.indptr)
        digest.update(self.links.indices)
        return digest.hexdigest()


def whole(
    graph: Graph, targets: Sequence[Value | None], sizes: Sequence[int], wrt: Sequence[Value],
    known: Mapping[Value, Known],
) -> Cut:  # fmt: skip
    """The cut that leaves everything to the middle: variables are the arguments, terms the results.

    Args:
        graph: what was recorded.
        targets: values of it; None for a result that does not depend on anything.
        sizes: number of elements of each result.
        wrt: the arguments.
        known: see `tapec.passes.sparsity`.

    Raises:
        DensePatternError: see `tapec.passes.sparsity`.
    """
    found = [t for t in targets if t is not None]
    patterns = sparsity(graph, found, wrt, known)
    ends = np.cumsum([0, *sizes])
    rows = [np.arange(a, b) for a, b, t in zip(ends, ends[1:], targets, strict=False) if t is not None]
    columns = np.split(np.arange(sum(v.type.size for v in wrt)), np.cumsum([v.type.size for v in wrt])[:-1])
    width = sum(v.type.size for v in wrt)
    sets = [empty(t.type.size, width) if s is None else s for t, s in zip(found, patterns.sets, strict=True)]
    return Cut(
        graph,
        Side(list(wrt), list(range(len(wrt))), columns[: len(wrt)]),
        Side(found, list(range(len(found))), rows),
        {},
        [False] * len(wrt),
        stack(sets) if sets else empty(0, width),
        patterns.read,
    )


def separate(
    graph: Graph, targets: Sequence[Value | None], sizes: Sequence[int], wrt: Sequence[Value],
    known: Mapping[Value, Known],
) -> Cut | None:  # fmt: skip
    """The cut with as little as possible in the middle; None where its elements depend on too many variables.

    Arguments as `whole`.
    """
    live = leading_to(graph, [t for t in targets if t is not None])
    read: dict[Value, None] = {}

    def elements(value: Value) -> Array | None:
        if value.op is not None and value.op.primitive is creation.constant:
            return np.asarray(value.op.primitive.meaning(**value.op.attributes))
        found = known.get(value)
        if found is None:
            return None
        read[found.source] = None
        return found.array

    ends = terms(live, targets, sizes, wrt, elements)
    middle = Middle(live, wrt, selections(live, wrt, elements))
    middle.build([end.value for end in ends])
    inside = {new: Known(known[old].array, known[old].source) for new, old in middle.origins.items() if old in known}
    try:
        with local():
            patterns = sparsity(middle.graph, middle.graph.outputs, middle.variables, inside)
    except DensePatternError:
        return None
    read.update(dict.fromkeys(patterns.read))
    variables = _side(middle.variables, [s.reshape(-1) for s in middle.sources], middle.scaled)
    term_side = _side(middle.graph.outputs, [end.rows.reshape(-1) for end in ends], [False] * len(ends))
    links = _links(patterns.sets, variables, term_side)
    return Cut(middle.graph, variables, term_side, middle.origins, middle.scaled, links, tuple(read))


def _side(values: Sequence[Value], places: Sequence[Array], alone: Sequence[bool]) -> Side:
    """Values of the same places as one block, except those that stand `alone`."""
    numbers: dict[Any, int] = {}
    blocks: list[int] = []
    kept: list[Array] = []
    for i, (value, where) in enumerate(zip(values, places, strict=True)):
        key: Any = i if alone[i] else (value.type.dtype, where.tobytes())
        if key not in numbers:
            numbers[key] = len(kept)
            kept.append(where)
        blocks.append(numbers[key])
    return Side(list(values), blocks, kept)


def _links(sets: Sequence[IndexSets | None], variables: Side, ends: Side) -> IndexSets:
    """The relation of terms and variables, counted over blocks."""
    sizes = [v.type.size for v in variables.values]
    columns = np.concatenate(
        [np.arange(n) + variables.starts[b] for n, b in zip(sizes, variables.blocks, strict=True)] or [np.zeros(0, int)]
    )
    to, of = [np.zeros(0, int)], [np.zeros(0, int)]
    for found, block in zip(sets, ends.blocks, strict=True):
        if found is not None:
            to.append(np.repeat(np.arange(found.shape[0]), np.diff(found.indptr)) + ends.starts[block])
            of.append(columns[found.indices])
    return relation(np.concatenate(to), np.concatenate(of), (int(ends.starts[-1]), int(variables.starts[-1])))
