"""Running a derivative graph op by op on arrays, while nobody records. Updates use the memory of dead operands."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple, final

import numpy as np

from tapec.ir.dtypes import by_name
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import creation, movement, update
from tapec.ops import elementwise as ew
from tapec.ops.movement import window
from tapec.ownership import taken_over
from tapec.runtime.eager import execute

_Array = np.ndarray[Any, Any]
_UPDATES: Final = {update.slice_set, update.put}


class _Step(NamedTuple):
    """One op: where its operands lie, where its result goes, and what nobody reads afterwards.

    The primitive `add` with attributes is an addition to the window of the first operand that they describe.
    """

    primitive: Primitive
    operands: tuple[int, ...]
    attributes: dict[str, Any]
    result: int
    dead: tuple[int, ...]


def _is_update(step: _Step) -> bool:
    return step.primitive in _UPDATES or (step.primitive is ew.add and bool(step.attributes))


def runs_on_arrays(graph: Graph) -> bool:
    """Whether a graph can be an `ArrayProgram`."""
    return all(op.primitive.results == 1 and not op.regions for op in graph.ops)


@final
class ArrayProgram:
    """A graph of ops without regions, each with one result, prepared for running.

    The results are those of the ops one by one, to the last bit.

    Attributes:
        updates: how many ops replace or add to a part of an array.
    """

    __slots__ = ("_constants", "_inputs", "_outputs", "_size", "_steps", "_unread", "_written", "updates")

    def __init__(self, graph: Graph) -> None:
        places: dict[Value, int] = {value: i for i, value in enumerate(graph.inputs)}
        self._inputs = len(places)
        self._constants: list[tuple[int, _Array]] = []
        for op in graph.ops:
            places[op.result] = len(places)
        self._size = len(places)
        self._outputs = [places[value] for value in graph.outputs]
        into, joined = _additions_to_windows(graph)
        later = set(self._outputs)
        steps: list[_Step] = []
        for op in reversed(_readers_first([op for op in graph.ops if op not in joined], into)):
            values, attributes = into.get(op, (op.operands, op.attributes))
            if op.primitive is creation.constant:
                number = by_name(str(attributes["dtype"])).numpy.type(attributes["value"])
                self._constants.append((places[op.result], np.asarray(number)))
                continue
            operands = tuple([places[v] for v in values])
            dead = tuple(dict.fromkeys([p for p in operands if p not in later]))
            later.update(operands)
            steps.append(_Step(op.primitive, operands, attributes, places[op.result], dead))
        self._steps = steps[::-1]
        # Slices of these are copied, since a view would keep them from being written to.
        self._written = {step.operands[0] for step in steps if _is_update(step)}
        self._unread = [i for i in range(self._inputs) if i not in later]
        self.updates = sum(map(_is_update, steps))

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
        # Places of arrays without a negative zero: adding zeros to them changes nothing.
        plain: set[int] = set()
        # Partials may be infinite where nothing depends on them: no reason for NumPy to warn the user.
        with np.errstate(all="ignore"):
            for step in self._steps:
                if _is_update(step):
                    self._update(step, places, plain)
                    continue
                array = execute(step.primitive, [places[p] for p in step.operands], step.attributes)
                if step.primitive is movement.slice_ and step.operands[0] in self._written:
                    array = array.copy("K")
                for place in step.dead:
                    places[place] = None
                places[step.result] = array if type(array) is np.ndarray else np.asarray(array)
        return [places[p] for p in self._outputs]

    def _update(self, step: _Step, places: list[Any], plain: set[int]) -> None:
        first, *others = step.operands
        rest = [places[p] for p in others]
        box = [places[first]]
        for place in step.dead:
            places[place] = None
        out = taken_over(box)
        was_plain = first in plain
        if step.primitive is update.slice_set:
            update.set_slice(out, *rest, **step.attributes)
            still = was_plain and not _has_negative_zero(rest[0])
        elif step.primitive is update.put:
            update.set_positions(out, *rest)
            still = was_plain and not _has_negative_zero(rest[1])
        else:
            still = _add_to_window(out, rest[0], was_plain, step.attributes["start"], step.attributes["step"])
        if still:
            plain.add(step.result)
        places[step.result] = out


def _add_to_window(out: _Array, part: _Array, plain: bool, start: tuple[int, ...], step: tuple[int, ...]) -> bool:
    """`out += unslice(part)`; whether no negative zero is left."""
    where = window(start, part.shape, step)
    summed = out[where] + part
    if not plain and out.dtype.kind == "f":
        np.add(out, 0.0, out=out, dtype=out.dtype)  # which is what zeros outside the window do to negative zeros
    out[where] = summed
    return plain or not _has_negative_zero(summed)


def _has_negative_zero(x: _Array) -> bool:
    return x.dtype.kind == "f" and bool(np.any((x == 0) & np.signbit(x)))


_Into = dict[Op, tuple[tuple[Value, ...], dict[str, Any]]]


def _readers_first(ops: list[Op], into: _Into) -> list[Op]:
    """The ops with updates behind those right after them that read what the update may write over."""
    ordered = list(ops)
    for i in range(len(ordered) - 2, -1, -1):
        op = ordered[i]
        if op.primitive not in _UPDATES and op not in into:
            continue
        first = into[op][0][0] if op in into else op.operands[0]
        place = i
        while place + 1 < len(ordered):
            following = ordered[place + 1]
            if first not in following.operands or op.result in following.operands:
                break
            ordered[place], ordered[place + 1] = following, op
            place += 1
    return ordered


def _additions_to_windows(graph: Graph) -> tuple[_Into, set[Op]]:
    """Additions `x + unslice(part)` as `(x, part)` with the attributes of the `unslice`, and those `unslice` ops."""
    uses = Counter([value for op in graph.ops for value in op.operands])
    uses.update(graph.outputs)
    into: _Into = {}
    joined: set[Op] = set()
    for op in graph.ops:
        if op.primitive is not ew.add:
            continue
        a, b = op.operands
        for whole, part in ((a, b), (b, a)):
            maker = part.op
            if (
                maker is not None
                and maker.primitive is movement.unslice
                and uses[part] == 1
                and whole.type == op.result.type == part.type
                and whole is not part
            ):
                into[op] = ((whole, maker.operands[0]), dict(maker.attributes))
                joined.add(maker)
                break
    return into, joined
