"""A tape inside `tp.function` differentiates the function's own graph, with the meaning that it has outside of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.errors import ConsumedTapeError
from tapec.function_recorder import FunctionRecorder
from tapec.recording import active
from tapec.sharing_recorder import SharingRecorder, tape_recorder
from tapec.structure_recorder import StructureRecorder

X = np.array([0.3, -1.2, 0.7])
DATA = np.array([1.5, 2.5, -0.5])


def paused(x: Any) -> Any:
    """What runs while the tape pauses has no derivative."""
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = np.sin(x)
        with tape.stop_recording():
            y = y * x
        z = np.sum(y * x)
    return tape.gradient(z, x)


def watched_again(x: Any) -> Any:
    """A value that is made during a pause and then watched is where derivatives begin."""
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tape.stop_recording():
            y = x * x
        tape.watch(y)
        z = np.sum(y * y * x)
    return tape.gradient(z, x), tape.gradient(z, y)


def array_read_twice(x: Any) -> Any:
    """Of two tensors that hold one array only one is watched."""
    t = tp.constant(DATA)
    with tp.GradientTape() as tape:
        tape.watch(t)
        z = np.sum(t * DATA * x)
    return tape.gradient(z, t)


def piecewise(x: Any) -> Any:
    """Comparisons have no derivative and stand on the way."""
    with tp.GradientTape() as tape:
        tape.watch(x)
        z = np.sum(np.where(x * 2.0 > 0.5, np.sqrt(np.abs(x)), x**3))
    return tape.gradient(z, x)


@tp.custom_gradient
def clipped(x: Any) -> Any:
    """The identity, with a gradient of its own."""
    return x + 0.0, lambda upstream: upstream * 7.0


def with_a_rule(x: Any) -> Any:
    """The gradient of a function that has a rule is the rule's, and what else reads its inside keeps its own."""
    with tp.GradientTape() as tape:
        tape.watch(x)
        z = np.sum(clipped(np.sin(x)) * x)
    return tape.gradient(z, x)


def twice(x: Any) -> Any:
    """A tape in a tape."""
    with tp.GradientTape() as outer:
        outer.watch(x)
        with tp.GradientTape() as inner:
            inner.watch(x)
            z = np.sum(np.exp(x) * DATA)
        g = inner.gradient(z, x)
        h = np.sum(g * g)
    return outer.gradient(h, x)


CASES: list[Callable[[Any], Any]] = [
    paused, watched_again, array_read_twice, piecewise, with_a_rule, twice
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_compiled_gradients_are_those_of_eager_tapes(case: Callable[[Any], Any]) -> None:
    compiled = tp.function(case)
    eager = case(tp.constant(X))
    for _ in range(2):
        for found, wanted in zip(_flat(compiled(X)), _flat(eager), strict=True):
            assert np.asarray(found).tobytes() == np.asarray(wanted).tobytes()


def _flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


def test_ops_are_recorded_once() -> None:
    """The tape's graph is the function's own ops, with those that depend on nothing watched."""
    recorder = FunctionRecorder("f")
    x, w = tp.constant(X), tp.constant(DATA)
    recorder.add_argument(x)
    recorder.add_argument(w)
    with active(recorder):
        tape = tape_recorder(watch_accessed_variables=False)
        assert isinstance(tape, SharingRecorder)
        tape.watch(x)
        with active(tape):
            (x * np.sin(w)).sum()
    assert [op.primitive.name for op in tape.graph().graph.ops] == ["sin", "mul", "sum"]
    assert tape.ops().table is recorder.table and len(recorder.table.rows) == 3


def test_a_tape_that_outlives_the_recording_says_so() -> None:
    tapes = []

    @tp.function
    def f(x: Any) -> Any:
        tape = tp.GradientTape(persistent=True)
        tape.watch(x)
        tapes.append((tape, x))
        return x * 2.0

    f(X)
    tape, x = tapes[0]
    with pytest.raises(ConsumedTapeError, match="began inside f"), tape:
        np.sin(x)


def test_outside_of_functions_structures_are_shared() -> None:
    assert isinstance(tape_recorder(watch_accessed_variables=False), StructureRecorder)
