"""Running a derivative graph op by op on arrays, while nobody records. Updates use the memory of dead operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, final

import numpy as np

from tapec.ir.dtypes import by_name
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import creation, indexing, movement, update
from tapec.ownership import taken_over
from tapec.runtime.eager import execute

_Array = np.ndarray[Any, Any]
# Primitives whose result is the first operand with some elements changed, and what changes them there.
_UPDATES: Final[dict[Primitive, Callable[..., None]]] = {
    update.slice_set: update.set_slice,
    update.slice_add: update.add_slice,
    indexing.put: indexing.put_at,
    indexing.scatter_add: indexing.add_at,
}


class _Step(NamedTuple):
    """One op: where its operands lie, where its result goes, and what nobody reads afterwards."""

    primitive: Primitive
    operands: tuple[int, ...]
    attributes: dict[str, Any]
    result: int
    dead: tuple[int, ...]


def runs_on_arrays(graph: Graph) -> bool:
    """Whether a graph can be an `ArrayProgram`."""
    return all(op.primitive.results == 1 and not op.regions for op in graph.ops)


@final
class ArrayProgram:
    """A graph of ops without regions, each with one result, prepared for running.

    The results are those of the ops one by one, to the last bit.
    """

    __slots__ = ("_constants", "_inputs", "_outputs", "_size", "_steps", "_unread", "_written")

    def __init__(self, graph: Graph) -> None:
        places: dict[Value, int] = {value: i for i, value in enumerate(graph.inputs)}
        self._inputs = len(places)
        self._constants: list[tuple[int, _Array]] = []
        for op in graph.ops:
            places[op.result] = len(places)
        self._size = len(places)
        self._outputs = [places[value] for value in graph.outputs]
        later = set(self._outputs)
        steps: list[_Step] = []
        for op in reversed(_readers_first(graph.ops)):
            if op.primitive is creation.constant:
                number = by_name(str(op.attributes["dtype"])).numpy.type(op.attributes["value"])
                self._constants.append((places[op.result], np.asarray(number)))
                continue
            operands = tuple([places[v] for v in op.operands])
            dead = tuple(dict.fromkeys([p for p in operands if p not in later]))
            later.update(operands)
            steps.append(_Step(op.primitive, operands, op.attributes, places[op.result], dead))
        self._steps = steps[::-1]
        # Slices of these are copied, since a view would keep them from being written to.
        self._written = {step.operands[0] for step in steps if step.primitive in _UPDATES}
        self._unread = [i for i in range(self._inputs) if i not in later]

    def run(self, arrays: list[_Array]) -> list[_Array]:
        """The graph's outputs for its inputs. `arrays` is emptied: each is let go when nobody reads it any more."""
        if len(arrays) != self._inputs:
            raise ValueError(f"the graph has {self._inputs} inputs, got {len(arrays)}")
        places: list[Any] = arrays + [None] * (self._size - self._inputs)
        arrays.clear()
        for place in self._unread:
            places[place] = None
        for place, number in self._constants:
            places[place] = number
        # Partials may be infinite where nothing depends on them: no reason for NumPy to warn the user.
        with np.errstate(all="ignore"):
            for step in self._steps:
                if step.primitive in _UPDATES:
                    _update(step, places)
                    continue
                array = execute(step.primitive, [places[p] for p in step.operands], step.attributes)
                if step.primitive is movement.slice_ and step.operands[0] in self._written:
                    array = array.copy("K")
                for place in step.dead:
                    places[place] = None
                places[step.result] = array if type(array) is np.ndarray else np.asarray(array)
        return [places[p] for p in self._outputs]


def _update(step: _Step, places: list[Any]) -> None:
    first, *others = step.operands
    rest = [places[p] for p in others]
    box = [places[first]]
    for place in step.dead:
        places[place] = None
    out = taken_over(box)
    _UPDATES[step.primitive](out, *rest, **step.attributes)
    places[step.result] = out


def _readers_first(ops: list[Op]) -> list[Op]:
    """The ops with updates behind those right after them that read what the update may write over."""
    ordered = list(ops)
    for i in range(len(ordered) - 2, -1, -1):
        op = ordered[i]
        if op.primitive not in _UPDATES:
            continue
        place = i
        while place + 1 < len(ordered):
            following = ordered[place + 1]
            if op.operands[0] not in following.operands or op.result in following.operands:
                break
            ordered[place], ordered[place + 1] = following, op
            place += 1
    return ordered
