"""Values that are read through slices only are computed slice by slice, in the loops that read them.

A difference of neighbours, or the shifted blocks of a band matrix, reads a value at positions that its own loops have
not reached or have left behind, so that all of it goes through memory. Where it is cheap to compute, computing the
slices takes less time, even where they overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Final, NamedTuple, final

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.passes.graph_pass import Rebuild
from tapec.passes.scalar.costs import cost
from tapec.passes.views import VIEWS

Shape = tuple[int, ...]

MOST_WINDOWS: Final = 8
# Instructions that one element more may take: about as long as writing an element and reading it again.
MOST_COST: Final = 12
_KEPT: Final = VIEWS | {ew.wrap_index}  # an index out of range raises wherever it stands
_TINY: Final = 64  # a window of one element among so many costs nothing


class Window(NamedTuple):
    """Elements `start + i * step`, `i < size`, along each axis."""

    start: Shape
    size: Shape
    step: Shape

    @property
    def elements(self) -> int:
        """How many it has."""
        return prod(self.size)

    def of(self, inner: Window) -> Window:
        """This window of what `inner` takes, as a window of what that one takes it from."""
        start = tuple([a + t * s for a, t, s in zip(inner.start, inner.step, self.start, strict=True)])
        return Window(start, self.size, tuple([t * s for t, s in zip(inner.step, self.step, strict=True)]))


@final
@dataclass(frozen=True, slots=True)
class PushSlices:
    """Moves slices in front of cheap elementwise ops whose results are read through few slices and not as a whole.

    %0 = "tapec.mul"(%arg0, %arg1)                   %0 = "tapec.slice"(%arg0) {start = [1], ...}
    %1 = "tapec.slice"(%0) {start = [1], ...}   ->   %1 = "tapec.slice"(%arg1) {start = [1], ...}
                                                     %2 = "tapec.mul"(%0, %1)

    Args:
        least_bytes: size of the values from which on it is done; smaller ones stay in the nearest cache.
    """

    name: ClassVar[str] = "push_slices"

    least_bytes: int = 32_768

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        windows = _windows(graph, self.least_bytes)
        rebuild = _Slices(Rebuild(graph, self.run), windows)
        for op in graph.ops:
            rebuild.add(op)
        return rebuild.finish()


def _windows(graph: Graph, least_bytes: int) -> dict[Value, list[Window]]:
    """The windows of elementwise results that are to be computed slice by slice, and of slices of these."""
    costs = _costs(graph)
    whole = set(graph.outputs)
    wanted: dict[Value, dict[Window, None]] = {}
    chosen: dict[Value, list[Window]] = {}
    for op in reversed(graph.ops):
        requests = list(wanted.get(op.results[0], ())) if len(op.results) == 1 else []
        if op.primitive is movement.slice_:
            own = _window(op)
            if op.result in whole:
                requests = [own]
            else:
                chosen[op.result] = requests
                requests = [request.of(own) for request in requests]
        elif not requests or op.result in whole or not _worth_it(op, requests, costs, least_bytes):
            whole.update(op.operands)
            if requests:
                whole.add(op.result)
            continue
        else:
            chosen[op.result] = requests
        for value in op.operands:
            if op.primitive is movement.slice_ or value.shape == op.result.shape:
                wanted.setdefault(value, {}).update(dict.fromkeys(requests))
            else:
                whole.add(value)  # one number
    return {value: found for value, found in chosen.items() if value not in whole}


def _window(op: Op) -> Window:
    a: Any = op.attributes
    return Window(a["start"], a["size"], a["step"])


def _costs(graph: Graph) -> dict[Value, int]:
    """About how many instructions an element takes, from what is no elementwise op's result on."""
    costs: dict[Value, int] = {}
    for op in graph.ops:
        if op.primitive.family.name == "elementwise":
            before = sum(costs.get(value, 0) for value in set(op.operands))
            costs[op.result] = min(before + cost(op.primitive, op.operands[-1].type.dtype), MOST_COST + 1)
    return costs


def _worth_it(op: Op, windows: list[Window], costs: dict[Value, int], least_bytes: int) -> bool:
    """Whether an op may be done once for each window."""
    value = op.result
    if op.primitive.family.name != "elementwise" or op.primitive in _KEPT or value.type.nbytes < least_bytes:
        return False
    if len(windows) > MOST_WINDOWS:
        return False
    if any(v.shape != value.shape and v.type.size != 1 for v in op.operands):
        return False
    size = value.type.size
    large = [window.elements for window in windows if window.elements * _TINY > size]
    if any(2 * elements < size for elements in large):
        return False
    return (len(large) - 1) * costs[value] <= MOST_COST


class _Slices:
    """Writes the new graph."""

    def __init__(self, rebuild: Rebuild, windows: dict[Value, list[Window]]) -> None:
        self._rebuild = rebuild
        self._windows = windows
        self._made: dict[tuple[Value, Window], Value] = {}

    def add(self, op: Op) -> None:
        """Appends an op, or what it becomes."""
        result = op.results[0] if op.results else None
        if result is None or result not in self._windows:
            if op.primitive is movement.slice_ and op.operands[0] in self._windows:
                self._rebuild.mapping[op.result] = self._part(op.operands[0], _window(op))
            else:
                self._rebuild.copy(op)
        elif op.primitive is not movement.slice_:
            for window in self._windows[result]:
                parts = tuple(
                    [
                        self._part(v, window) if v.shape == result.shape else self._rebuild.mapping[v]
                        for v in op.operands
                    ]
                )
                made = emit(self._rebuild.graph, op.primitive, parts, op.attributes, op.location, op.phase)
                self._made[result, window] = made.result

    def finish(self) -> Graph:
        """The new graph."""
        return self._rebuild.finish()

    def _part(self, value: Value, window: Window) -> Value:
        """A window of a value."""
        if value in self._windows and value.op is not None and value.op.primitive is movement.slice_:
            return self._part(value.op.operands[0], window.of(_window(value.op)))
        found = self._made.get((value, window))
        if found is None:
            source, attributes = self._rebuild.mapping[value], window._asdict()
            found = self._made[value, window] = emit(
                self._rebuild.graph, movement.slice_, (source,), attributes, value.op.location if value.op else None,
                value.op.phase if value.op else "primal",
            ).result  # fmt: skip
        return found
