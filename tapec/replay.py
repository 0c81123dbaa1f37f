"""Running a derivative graph op by op on tensors, so that whoever records hears of every op.

That is how derivatives of derivatives come about, and how `tp.function` compiles a tape's gradients.
"""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np

from tapec.dispatch import apply, apply_control, apply_several
from tapec.errors import VerificationError
from tapec.ir.dtypes import by_name
from tapec.ir.graph import Graph, Location, Value
from tapec.ir.primitive import Primitive
from tapec.live_rules import replay_custom
from tapec.ops import creation, custom
from tapec.recording import ACTIVE
from tapec.tensor import Tensor, make


class _Step(NamedTuple):
    """One op: where its operands lie, where its results go (from `result` on), and what nobody reads afterwards."""

    primitive: Primitive
    operands: tuple[int, ...]
    attributes: dict[str, Any]
    regions: tuple[Graph, ...]
    result: int
    dead: tuple[int, ...]
    location: Location | None
    phase: str


@final
class Program:
    """A graph prepared for replaying.

    Raises:
        VerificationError: an op of the graph has no result.
    """

    __slots__ = ("_constants", "_inputs", "_outputs", "_size", "_steps", "_unread")

    def __init__(self, graph: Graph) -> None:
        places: dict[Value, int] = {value: i for i, value in enumerate(graph.inputs)}
        self._inputs = len(places)
        self._constants: list[tuple[int, Any]] = []
        ops = []
        for op in graph.ops:
            if not op.results and not op.regions:
                raise VerificationError(f"{op.primitive.name} has {len(op.results)} results and can't be replayed")
            places.update(zip(op.results, range(len(places), len(places) + len(op.results)), strict=True))
            if op.primitive is creation.constant:
                array = by_name(str(op.attributes["dtype"])).numpy.type(op.attributes["value"])
                self._constants.append((places[op.results[0]], array))
            else:
                ops.append(op)
        self._size = len(places)
        self._outputs = [places[value] for value in graph.outputs]
        later = set(self._outputs)
        steps = []
        for op in reversed(ops):
            operands = tuple([places[v] for v in op.operands])
            # Of several results, and of a loop's, some or all may be unread.
            results = [] if op.primitive.results == 1 else [places[v] for v in op.results]
            dead = tuple(dict.fromkeys([p for p in [*operands, *results] if p not in later]))
            later.update(operands)
            result = places[op.results[0]]
            steps.append(_Step(op.primitive, operands, op.attributes, op.regions, result, dead, op.location, op.phase))
        self._steps = steps[::-1]
        self._unread = [i for i in range(self._inputs) if i not in later]

    def run(self, tensors: list[Tensor]) -> list[Tensor]:
        """The graph's outputs for its inputs. `tensors` is emptied: each is let go when nobody reads it any more."""
        if len(tensors) != self._inputs:
            raise ValueError(f"the graph has {self._inputs} inputs, got {len(tensors)}")
        places: list[Any] = tensors + [None] * (self._size - self._inputs)
        tensors.clear()
        for place in self._unread:
            places[place] = None
        for place, number in self._constants:
            places[place] = make(number, literal=True)
        phase, location = ACTIVE.phase, ACTIVE.location
        try:
            # Partials may be infinite where nothing depends on them: no reason for NumPy to warn the user.
            with np.errstate(all="ignore"):
                for step in self._steps:
                    ACTIVE.phase, ACTIVE.location = step.phase, step.location
                    operands = tuple([places[p] for p in step.operands])
                    if step.primitive.results != 1:
                        if step.primitive.family is custom.CUSTOM:
                            results = replay_custom(step.primitive, operands, step.attributes, step.regions)
                        elif step.regions:
                            results = apply_control(step.primitive, operands, step.attributes, step.regions)
                        else:
                            results = apply_several(step.primitive, operands, step.attributes)
                        places[step.result : step.result + len(results)] = results
                        results = ()
                    else:
                        places[step.result] = apply(step.primitive, operands, step.attributes)
                    operands = ()
                    for place in step.dead:
                        places[place] = None
        finally:
            ACTIVE.phase, ACTIVE.location = phase, location
        return [places[p] for p in self._outputs]


def replay(graph: Graph, tensors: list[Tensor]) -> list[Tensor]:
    """Outputs of `graph` for the inputs `tensors`, every op run by `tapec.dispatch.apply`.

    Raises:
        VerificationError: an op of the graph has no result.
        ValueError: the number of tensors is not that of the inputs.
    """
    return Program(graph).run(list(tensors))
