"""Values each of whose elements depends on one element of the arguments, or on none.

Slices, gathers, broadcasts and the like pick elements; elementwise ops of one such value keep the property. So the
derivative of such a value is known in advance: one number per element, and the place it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, update
from tapec.passes.activity import active_values

Array: TypeAlias = np.ndarray[Any, Any]
Elements: TypeAlias = Callable[[Value], "Array | None"]

_SAME = frozenset({ew.cast, ew.copy, ew.barrier})
_ONE_TO_ONE = frozenset({movement.reshape, movement.transpose})


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """One element of the arguments for each element of a value.

    Attributes:
        sources: shaped as the value, positions among all elements of the arguments, one argument after another; -1
            where an element depends on none.
        root: the value itself, or an earlier one: the last that was picked out of something. Between it and the value
            lie ops that work on each element by itself.
        plain: whether the value's elements *are* those of the arguments, so that all derivatives are 1.
    """

    sources: Array
    root: Value
    plain: bool


def selections(graph: Graph, wrt: Sequence[Value], elements: Elements) -> dict[Value, Selection]:
    """The values of a graph that are selections from `wrt`.

    Args:
        graph: the graph.
        wrt: values of floating dtype, none of which depends on another.
        elements: gives the elements of a value that does not depend on `wrt`, if they are known; it is asked for those
            that what is found rests on.
    """
    found: dict[Value, Selection] = {}
    first = 0
    for value in wrt:
        found[value] = Selection(np.arange(first, first + value.type.size).reshape(value.shape), value, True)
        first += value.type.size
    for op, positions in active_values(graph, wrt)[1]:
        if len(op.results) == 1 and op.result not in found and all(op.operands[i] in found for i in positions):
            made = _selection(op, {i: found[op.operands[i]] for i in positions}, elements)
            if made is not None:
                found[op.result] = made
    return found


def _selection(op: Op, operands: Mapping[int, Selection], elements: Elements) -> Selection | None:
    family, shape = op.primitive.family.name, op.result.shape
    if family == "elementwise":
        return _elementwise(op, operands)
    rule = _RULES.get(family)
    sources = None if rule is None else rule(op, {i: s.sources for i, s in operands.items()}, elements)
    if sources is None:
        return None
    plain = all(s.plain for s in operands.values())
    if not plain and op.primitive in _ONE_TO_ONE:
        return Selection(sources, operands[0].root, False)
    return Selection(sources.reshape(shape), op.result, plain)


def _elementwise(op: Op, operands: Mapping[int, Selection]) -> Selection | None:
    (first, *others), shape = operands.values(), op.result.shape
    if any(other.root is not first.root for other in others) or any(op.operands[i].shape != shape for i in operands):
        if others:
            return None
        return Selection(np.broadcast_to(first.sources, shape), op.result, False)
    if op.primitive in _SAME and first.plain:
        return Selection(first.sources, op.result, True)
    return Selection(first.sources, first.root, False)


def _movement(op: Op, sources: Mapping[int, Array], _: Elements) -> Array:
    # Counted from 1, so that the zeros that `unslice` fills with become -1.
    return np.asarray(op.primitive.meaning(sources[0] + 1, **op.attributes)) - 1


def _concatenation(op: Op, sources: Mapping[int, Array], _: Elements) -> Array:
    axis: Any = op.attributes["axis"]
    return np.concatenate([_of(op, i, sources) for i in range(len(op.operands))], axis)


def _indexing(op: Op, sources: Mapping[int, Array], elements: Elements) -> Array | None:
    if op.primitive not in (indexing.take, indexing.take_along, indexing.put):
        return None
    known = elements(op.operands[1])
    if known is None:
        return None
    if op.primitive is indexing.put:
        x, new = _of(op, 0, sources), _of(op, 2, sources)
        return np.asarray(op.primitive.meaning(x, known, new, **op.attributes))
    axis: Any = op.attributes["axis"]
    pick = np.take if op.primitive is indexing.take else np.take_along_axis
    return np.asarray(pick(sources[0], known, axis))


def _update(op: Op, sources: Mapping[int, Array], _: Elements) -> Array | None:
    if op.primitive is not update.slice_set:
        return None
    return np.asarray(op.primitive.meaning(_of(op, 0, sources), _of(op, 1, sources), **op.attributes))


def _of(op: Op, position: int, sources: Mapping[int, Array]) -> Array:
    """The sources of an operand, which may be none."""
    return sources.get(position, np.full(op.operands[position].shape, -1))


_RULES: Mapping[str, Callable[[Op, Mapping[int, Array], Elements], Array | None]] = {
    "movement": _movement,
    "concatenation": _concatenation,
    "indexing": _indexing,
    "update": _update,
}
