"""Derivatives of a recording as graphs that run by themselves: of one direction, or of many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tapec.ir.graph import Graph, Value
from tapec.recorded_structure import RecordedGraph
from tapec.replay import Program
from tapec.rolled_tape import rolled_tape
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor


class Derivative(NamedTuple):
    """The derivative of a recording.

    Attributes:
        program: its inputs are the seeds (cotangents or tangents), then the residuals.
        residuals: tensors of the recording that it reads.
        connected: for each value asked for whether the program gives it; the others are zero.
    """

    program: Program
    residuals: list[Tensor]
    connected: list[bool]

    def run(self, seeds: list[Tensor]) -> list[Tensor | None]:
        """The values asked for; None for zeros."""
        found = iter(self.program.run([*seeds, *self.residuals]))
        return [next(found) if connected else None for connected in self.connected]


def pullback(
    recorder: TapeRecorder, targets: Sequence[int], sources: Sequence[int], size: int | None = None
) -> Derivative:
    """Cotangents of the places `sources` from those of the places `targets`.

    Args:
        recorder: the recording.
        targets: places.
        sources: places.
        size: as many at once; seeds and results then have an axis 0 over them.

    Raises:
        NotDifferentiableError: an op on the way has no derivative rule.
    """
    from tapec.passes.adjoint import adjoint

    def derive(recorded: RecordedGraph) -> _Made:
        values = recorded.values
        made = adjoint(recorded.graph, [values[p] for p in targets], [values[p] for p in sources])
        return _Made(made.graph, made.residuals, made.gradients)

    return _derivative(recorder, rolled_tape(recorder, targets, sources), derive, size)


def pushforward(
    recorder: TapeRecorder, targets: Sequence[int], sources: Sequence[int], size: int | None = None
) -> Derivative:
    """Tangents of the places `targets` from those of the places `sources`; arguments and errors as `pullback`."""
    from tapec.passes.tangent import tangent

    def derive(recorded: RecordedGraph) -> _Made:
        values = recorded.values
        made = tangent(recorded.graph, [values[p] for p in targets], [values[p] for p in sources])
        return _Made(made.graph, made.residuals, made.tangents)

    return _derivative(recorder, rolled_tape(recorder, targets, sources, forward=True), derive, size)


class _Made(NamedTuple):
    """A derivative graph, the values of what was recorded that are its last inputs, and its results; None for zeros."""

    graph: Graph
    residuals: tuple[Value, ...]
    results: tuple[Value | None, ...]


def _derivative(
    recorder: TapeRecorder,
    rolled: RecordedGraph | None,
    derive: Callable[[RecordedGraph], _Made],
    size: int | None,
) -> Derivative:
    found = None if rolled is None else _of_loops(recorder, rolled, derive(rolled), size)
    if found is not None:
        return found
    recorded = recorder.graph()
    made = derive(recorded)
    places = {value: place for place, value in recorded.values.items()}
    kept = [recorder.kept[places[value]] for value in made.residuals]
    return _prepared(made.graph, kept, made.results, size)


def _of_loops(recorder: TapeRecorder, rolled: RecordedGraph, made: _Made, size: int | None) -> Derivative | None:
    """The derivative of a recording of loops, whose values are computed again now; None if one cannot be had."""
    from tapec.passes.recompute import recompute
    from tapec.passes.seedless_loops import parted

    places = {value: place for place, value in rolled.values.items()}
    again = recompute(made.graph, made.residuals, lambda v: places.get(v) in recorder.kept)
    if again is None:
        return None
    graph, residuals = again
    kept = [recorder.kept[places[value]] for value in residuals]
    parts = parted(graph, len(graph.inputs) - len(kept))
    if parts is not None:
        graph = parts.rest
        kept = Program(parts.loops).run([kept[i] for i in parts.reads]) + [kept[i] for i in parts.kept]
    return _prepared(graph, kept, made.results, size)


def _prepared(graph: Graph, kept: list[Tensor], results: tuple[Value | None, ...], size: int | None) -> Derivative:
    if size is not None:
        graph = for_many(graph, size, len(kept))
    return Derivative(Program(graph), kept, [value is not None for value in results])


def for_many(graph: Graph, size: int, residuals: int) -> Graph:
    """A derivative graph vectorized over its seeds; the last `residuals` inputs stay as they are."""
    from tapec.passes.vectorize import vectorize

    seeds = len(graph.inputs) - residuals
    return vectorize(graph, size, [True] * seeds + [False] * residuals, all_outputs=True).graph
