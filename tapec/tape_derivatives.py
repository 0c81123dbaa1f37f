"""Derivatives of what a tape recorded: the derivative graph of a recording, made once per structure, and its replay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tapec.ir.graph import Value
from tapec.replay import Program
from tapec.tape_recorder import RecordedGraph, TapeRecorder
from tapec.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Plan:
    """A derivative graph of a recording's structure, ready to run.

    Attributes:
        program: its inputs are the seeds, then the tensors of `residuals`.
        residuals: places of the recording.
        connected: which of the values asked for it computes.
    """

    program: Program
    residuals: tuple[int, ...]
    connected: tuple[bool, ...]

    def run(self, recorder: TapeRecorder, seeds: list[Tensor], *, release: bool) -> list[Tensor | None]:
        """The values asked for; None for those that are not connected.

        Args:
            recorder: a recording of the structure.
            seeds: cotangents or tangents that are given.
            release: let go of the kept tensors as the derivative passes them.
        """
        tensors = seeds + [recorder.kept[place] for place in self.residuals]
        if release:
            recorder.kept.clear()
        results = iter(self.program.run(tensors))
        return [next(results) if connected else None for connected in self.connected]


# A training loop asks for the same derivative of the same structure again and again.
_PLANS: dict[Any, Plan] = {}
_PLANS_LIMIT = 256
_LONGEST = 20_000  # ops; the key of a longer recording would hold more memory than its plan saves time
_LOCK = threading.Lock()


def gradient_plan(
    recorder: TapeRecorder, targets: Sequence[int], given: Sequence[bool], sources: Sequence[int]
) -> Plan:
    """The plan for the gradients of the places `targets` with respect to the places `sources`.

    Args:
        recorder: the recording.
        targets: places.
        given: for each target whether its cotangent is among the seeds; otherwise it is one.
        sources: places.

    Raises:
        NotDifferentiableError: an op on the way has no derivative rule.
    """

    def build(recorded: RecordedGraph) -> Plan:
        from tapec.passes.adjoint import adjoint

        values = recorded.values
        made = adjoint(recorded.graph, [values[p] for p in targets], [values[p] for p in sources], given)
        return _plan(recorded, Program(made.graph), made.residuals, made.gradients)

    return _cached(recorder, ("adjoint", tuple(targets), tuple(given), tuple(sources)), build)


def tangent_plan(recorder: TapeRecorder, targets: Sequence[int], sources: Sequence[int]) -> Plan:
    """The plan for the tangents of the places `targets`; the seeds are the tangents of the places `sources`.

    Raises:
        NotDifferentiableError: an op on the way has no derivative rule.
    """

    def build(recorded: RecordedGraph) -> Plan:
        from tapec.passes.tangent import tangent

        values = recorded.values
        made = tangent(recorded.graph, [values[p] for p in targets], [values[p] for p in sources])
        return _plan(recorded, Program(made.graph), made.residuals, made.tangents)

    return _cached(recorder, ("tangent", tuple(targets), tuple(sources)), build)


def _plan(
    recorded: RecordedGraph, program: Program, residuals: tuple[Value, ...], results: tuple[Value | None, ...]
) -> Plan:
    places = {value: place for place, value in recorded.values.items()}
    return Plan(program, tuple([places[v] for v in residuals]), tuple([v is not None for v in results]))


def _cached(recorder: TapeRecorder, question: tuple[Any, ...], build: Callable[[RecordedGraph], Plan]) -> Plan:
    if len(recorder) > _LONGEST:
        return build(recorder.graph())
    key = (question, recorder.structure())
    plan = _PLANS.get(key)
    if plan is None:
        plan = build(recorder.graph())
        with _LOCK:
            if len(_PLANS) >= _PLANS_LIMIT:
                _PLANS.clear()
            _PLANS[key] = plan
    return plan
