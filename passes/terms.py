"""Values of which each element is added to one element of the targets: the terms that targets are sums of.

An adjoint ends with them: what slices and gathers receive is put into zeros and added up. Their places are known, so
that derivatives need not go through these ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, reduction, update
from tapec.ops.movement import window
from tapec.passes.activity import active_values

Array: TypeAlias = np.ndarray[Any, Any]
Elements: TypeAlias = Callable[[Value], "Array | None"]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A value whose elements are added to those of the targets.

    Attributes:
        value: of the graph.
        rows: shaped as the value, the position of each among all elements of the targets, one target after another.
    """

    value: Value
    rows: Array


def terms(graph: Graph, targets: Sequence[Value | None], sizes: Sequence[int], wrt: Sequence[Value],
          elements: Elements) -> list[Term]:  # fmt: skip
    """The terms of the targets that depend on `wrt`.

    Args:
        graph: the graph.
        targets: values of it; None for one that depends on nothing.
        sizes: number of elements of each target.
        wrt: values of floating dtype.
        elements: as in `tapec.passes.selections`.
    """
    active = active_values(graph, wrt)[0]
    ends = np.cumsum([0, *sizes])
    rows: dict[Value, list[Array]] = {}
    for i, target in enumerate(targets):
        if target is not None and target in active:
            rows.setdefault(target, []).append(np.arange(ends[i], ends[i + 1]).reshape(target.shape))
    split = _split(graph, rows, active, set(wrt), elements)
    for op in reversed(graph.ops):
        if len(op.results) == 1 and op.result in split:
            (places,) = rows.pop(op.result)
            for value, part in _parts(op, places, elements):
                if value in active:
                    rows.setdefault(value, []).append(part)
    return [Term(value, part) for value, parts in rows.items() for part in parts]


def _split(
    graph: Graph, starts: Mapping[Value, list[Array]], active: set[Value], wrt: set[Value], elements: Elements
) -> set[Value]:
    """The values, reached from `starts` through sums, that are put together of parts or have such a term.

    None of them is used twice, so that the terms are not more than the ops.
    """
    uses = {value: len(places) for value, places in starts.items()}
    for op in graph.ops:
        for value in op.operands:
            uses[value] = uses.get(value, 0) + 1
    reached, passed = set(starts), []
    for op in reversed(graph.ops):
        if op.primitive not in _PLACING | _KEEPING or op.result not in reached:
            continue
        addends = [v for v in _addends(op) if v in active]
        if op.result not in wrt and uses[op.result] == 1 and _passes(op, addends, elements):
            passed.append((op, addends))
            reached.update(addends)
    split: set[Value] = set()
    for op, addends in reversed(passed):
        if op.primitive in _PLACING or not split.isdisjoint(addends):
            split.add(op.result)
    return split


_PLACING = frozenset(
    {movement.unslice, movement.concat, reduction.sum, update.slice_add, indexing.scatter_add,
     indexing.scatter_add_along}
)  # fmt: skip
_KEEPING = frozenset({ew.add, movement.reshape, movement.transpose, movement.broadcast})


def _passes(op: Op, addends: Sequence[Value], elements: Elements) -> bool:
    """Whether each element of the op's addends is added to one of its result, in a place that is known."""
    if op.primitive is ew.add or op.primitive is movement.broadcast:
        return all(v.type.size == op.result.type.size for v in addends)
    return op.primitive.family.name != "indexing" or elements(op.operands[1]) is not None


def _addends(op: Op) -> Sequence[Value]:
    return (op.operands[0], op.operands[2]) if op.primitive.family.name == "indexing" else op.operands


def _parts(op: Op, rows: Array, elements: Elements) -> Iterable[tuple[Value, Array]]:
    """The op's addends with their rows, from those of its result."""
    a: Any = op.attributes
    x = op.operands[0]
    found: list[Array]
    if op.primitive is ew.add:
        found = [rows.reshape(v.shape) if v.type.size == rows.size else rows for v in op.operands]
    elif op.primitive is movement.unslice:
        found = [rows[window(a["start"], x.shape, a["step"])]]
    elif op.primitive is update.slice_add:
        found = [rows, rows[window(a["start"], op.operands[1].shape, a["step"])]]
    elif op.primitive in (movement.reshape, movement.broadcast):
        found = [rows.reshape(x.shape)]
    elif op.primitive is movement.transpose:
        found = [np.transpose(rows, np.argsort(a["permutation"]))]
    elif op.primitive is movement.concat:
        found = np.split(rows, np.cumsum([v.shape[a["axis"]] for v in op.operands])[:-1], a["axis"])
    elif op.primitive is reduction.sum:
        kept = tuple([1 if axis in a["axes"] else n for axis, n in enumerate(x.shape)])
        found = [np.broadcast_to(rows.reshape(kept), x.shape)]
    else:
        known = elements(op.operands[1])
        assert known is not None
        pick = np.take if op.primitive is indexing.scatter_add else np.take_along_axis
        found = [rows, np.asarray(pick(rows, known, a["axis"]))]
    return zip(_addends(op), found, strict=True)
