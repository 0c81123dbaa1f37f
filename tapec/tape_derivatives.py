"""Derivatives of what a tape recorded: made once per structure, replayed at first, compiled when that pays."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Hashable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, final

from tapec.array_program import ArrayProgram, runs_on_arrays
from tapec.collector import patient_collector
from tapec.deferred import computed
from tapec.derivative_graphs import for_many
from tapec.errors import CompilationError, EagerFallbackWarning
from tapec.ir.graph import Graph, Value
from tapec.ops import custom
from tapec.passes.kernel_status import FINE
from tapec.placement import OPEN, common_device, is_placed
from tapec.recorded_structure import RecordedGraph
from tapec.recording import ACTIVE
from tapec.replay import Program
from tapec.rolled_tape import rolled_tape
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor, make

if TYPE_CHECKING:
    from tapec.compiled_derivative import CompiledDerivative
    from tapec.devices import Device
    from tapec.runtime.cuda.program import DeviceProgram

# What compiling is expected to take, in seconds: of anything, and of each op (docs/design/0005-derivatives.md).
COMPILE_START: Final = 0.05
COMPILE_OP: Final = 0.0024
# Longer programs are replayed for good: nobody expects a step of his loop to last for seconds.
_LONGEST_COMPILED: Final = 5_000


@final
class Plan:
    """A derivative graph of a recording's structure, ready to run.

    Args:
        graph: its inputs are the seeds, then the tensors of `residuals`.
        residuals: places of the recording.
        connected: which of the values asked for it computes.
    """

    __slots__ = (
        "_arrays", "_compiled", "_connected", "_graph", "_lock", "_patience", "_program", "_python", "_there",
        "residuals",
    )  # fmt: skip

    def __init__(self, graph: Graph, residuals: tuple[int, ...], connected: tuple[bool, ...]) -> None:
        self.residuals = residuals
        self._connected = None if all(connected) else connected
        self._graph = graph
        self._program: Program | None = None
        self._arrays = ArrayProgram(graph) if runs_on_arrays(graph) else None
        self._compiled: CompiledDerivative | None = None
        self._there: dict[Device, DeviceProgram] = {}
        # Seconds of replay after which the graph is compiled: as long as compiling will take. So the time spent is at
        # most twice what it would be if we knew how often the derivative will be asked for.
        ops = len(graph.ops)
        self._python = any(op.primitive in (custom.pull, custom.push) for op in graph.ops)
        compiles = 0 < ops <= _LONGEST_COMPILED and not self._python
        self._patience = COMPILE_START + COMPILE_OP * ops if compiles else float("inf")
        self._lock = threading.Lock()

    def run(self, recorder: TapeRecorder, seeds: list[Tensor], *, release: bool) -> list[Tensor | None]:
        """The values asked for; None for those that are not connected.

        While nobody else records, they come from machine code once the structure has been seen often enough.

        Args:
            recorder: a recording of the structure.
            seeds: cotangents or tangents that are given.
            release: let go of the kept tensors as the derivative passes them.
        """
        kept = recorder.kept
        tensors = seeds + [kept[place] for place in self.residuals]
        if release:
            kept.clear()
        results = self._run(tensors)
        if self._connected is None:
            return results  # type: ignore[return-value]
        found = iter(results)
        return [next(found) if connected else None for connected in self._connected]

    def _run(self, tensors: list[Tensor]) -> list[Tensor]:
        if ACTIVE.recorders:
            return self._replay(tensors)
        if OPEN and is_placed(tensors):
            return self._run_there(tensors)
        if self._compiled is not None:
            outputs = self._compiled.__call__(*[computed(t._array) for t in tensors])
            if outputs is not None:
                return [make(array) for array in outputs]
        start = perf_counter()
        if self._arrays is None:
            results = self._replay(tensors)
        else:
            arrays = [computed(t._array) for t in tensors]
            tensors.clear()
            results = [make(array) for array in self._arrays.run(arrays)]
        self._patience -= perf_counter() - start
        if self._patience < 0 and self._lock.acquire(blocking=False):
            self._compile()
        return results

    def _run_there(self, tensors: list[Tensor]) -> list[Tensor]:
        """On the device where the tensors lie the whole derivative is one program, from the first time on."""
        arrays = [t._array for t in tensors]
        device = common_device(arrays) or ACTIVE.device
        if device is None or self._python:
            return self._replay(tensors)
        program = self._there.get(device)
        if program is None:
            program = self._there[device] = device.compile(self._graph)
        status, outputs, _ = program.run(arrays)
        return [make(array) for array in outputs] if status == FINE else self._replay(tensors)

    def _replay(self, tensors: list[Tensor]) -> list[Tensor]:
        if self._program is None:
            self._program = Program(self._graph)
        return self._program.run(tensors)

    def _compile(self) -> None:
        """Makes machine code, once; the lock is never given back."""
        from tapec.compiled_derivative import CompiledDerivative

        self._patience = float("inf")
        try:
            self._compiled = CompiledDerivative(self._graph)
        except CompilationError as error:
            warnings.warn(f"a gradient goes on being computed op by op: {error}", EagerFallbackWarning, stacklevel=5)


# A training loop asks for the same derivative of the same structure again and again.
_PLANS: dict[tuple[Hashable, Any], Plan] = {}
_PLANS_LIMIT = 256


def gradient_plan(
    recorder: TapeRecorder,
    targets: Sequence[int],
    given: Sequence[bool],
    sources: Sequence[int],
    size: int | None = None,
) -> Plan:
    """The plan for the gradients of the places `targets` with respect to the places `sources`.

    Args:
        recorder: the recording.
        targets: places.
        given: for each target whether its cotangent is among the seeds; otherwise it is one.
        sources: places.
        size: as many gradients at once; seeds and results then have an axis 0 over them.

    Raises:
        NotDifferentiableError: an op on the way has no derivative rule.
    """

    def build() -> Plan:
        from tapec.passes.adjoint import adjoint
        from tapec.passes.recompute import recompute

        rolled = rolled_tape(recorder, targets, sources)
        if rolled is not None:
            values = rolled.values
            made = adjoint(rolled.graph, [values[p] for p in targets], [values[p] for p in sources], given)
            places = {value: place for place, value in values.items()}
            again = recompute(made.graph, made.residuals, lambda v: places.get(v) in recorder.kept)
            if again is not None:
                graph, residuals = again
                graph = graph if size is None else for_many(graph, size, len(residuals))
                return _plan(rolled, graph, residuals, made.gradients)
        recorded = recorder.graph()
        values = recorded.values
        made = adjoint(recorded.graph, [values[p] for p in targets], [values[p] for p in sources], given)
        graph = made.graph if size is None else for_many(made.graph, size, len(made.residuals))
        return _plan(recorded, graph, made.residuals, made.gradients)

    return _cached(recorder, ("adjoint", tuple(targets), tuple(given), tuple(sources), size), build)


def tangent_plan(recorder: TapeRecorder, targets: Sequence[int], sources: Sequence[int]) -> Plan:
    """The plan for the tangents of the places `targets`; the seeds are the tangents of the places `sources`.

    Raises:
        NotDifferentiableError: an op on the way has no derivative rule.
    """

    def build() -> Plan:
        from tapec.passes.tangent import tangent

        recorded = recorder.graph()
        values = recorded.values
        made = tangent(recorded.graph, [values[p] for p in targets], [values[p] for p in sources])
        return _plan(recorded, made.graph, made.residuals, made.tangents)

    return _cached(recorder, ("tangent", tuple(targets), tuple(sources)), build)


def _plan(
    recorded: RecordedGraph, graph: Graph, residuals: tuple[Value, ...], results: tuple[Value | None, ...]
) -> Plan:
    places = {value: place for place, value in recorded.values.items()}
    return Plan(graph, tuple([places[v] for v in residuals]), tuple([v is not None for v in results]))


def _cached(recorder: TapeRecorder, question: tuple[Any, ...], build: Callable[[], Plan]) -> Plan:
    key = recorder.key
    if key is None:
        with patient_collector():
            return build()
    plan = _PLANS.get((key, question))
    if plan is None:
        with patient_collector():
            plan = build()
        if len(_PLANS) >= _PLANS_LIMIT:
            _PLANS.clear()
        _PLANS[key, question] = plan
    return plan
