"""Derivatives of a recording as graphs that run by themselves: of one direction, or of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tapec.ir.graph import Graph, Value
from tapec.replay import Program
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

    recorded = recorder.graph()
    made = adjoint(recorded.graph, [recorded.values[p] for p in targets], [recorded.values[p] for p in sources])
    return _derivative(recorder, recorded.values, made.graph, made.residuals, made.gradients, size)


def pushforward(
    recorder: TapeRecorder, targets: Sequence[int], sources: Sequence[int], size: int | None = None
) -> Derivative:
    """Tangents of the places `targets` from those of the places `sources`; arguments and errors as `pullback`."""
    from tapec.passes.tangent import tangent

    recorded = recorder.graph()
    made = tangent(recorded.graph, [recorded.values[p] for p in targets], [recorded.values[p] for p in sources])
    return _derivative(recorder, recorded.values, made.graph, made.residuals, made.tangents, size)


def _derivative(
    recorder: TapeRecorder,
    values: dict[int, Value],
    graph: Graph,
    residuals: tuple[Value, ...],
    results: tuple[Value | None, ...],
    size: int | None,
) -> Derivative:
    places = {value: place for place, value in values.items()}
    kept = [recorder.kept[places[value]] for value in residuals]
    if size is not None:
        graph = for_many(graph, size, len(residuals))
    return Derivative(Program(graph), kept, [value is not None for value in results])


def for_many(graph: Graph, size: int, residuals: int) -> Graph:
    """A derivative graph vectorized over its seeds; the last `residuals` inputs stay as they are."""
    from tapec.passes.vectorize import vectorize

    seeds = len(graph.inputs) - residuals
    return vectorize(graph, size, [True] * seeds + [False] * residuals, all_outputs=True).graph
