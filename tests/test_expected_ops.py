"""What a recording expects is checked: lines, kinds and values are those of a recording that expects nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.expected_ops import Expectations, Expected
from tapec.function_recorder import FunctionRecorder
from tapec.recording import active


def half(x: Any) -> Any:
    return x * 0.5


def branches(x: Any) -> Any:
    for t in range(12):
        if t % 3 == 1:
            x = x * 0.5
        elif t % 3 == 2:
            x = x * 0.25
        x = half(x) + x * 0.5
        x = half(half(x))
    return x


def other_types(x: Any) -> Any:
    found = 0.0
    for part in [x, x, x[:2], x[:1], x[0], x]:
        found = found + np.sum(part * part)
    return found


def windows(x: Any) -> Any:
    total = 0.0
    for t in (0, 1, 2, 1, 0):
        total = total + x[t] * 2.0
    return total


def recursion(x: Any, depth: int = 5) -> Any:
    return x + 1.0 if not depth else recursion(x * 0.5, depth - 1) * 0.5 + x


def with_gradients(x: Any) -> Any:
    for _ in range(3):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = np.sum(np.sin(x) * x)
        x = x - 0.1 * tape.gradient(y, x)
    return x


def gradients_of_two_lines(x: Any) -> Any:
    for t in range(6):
        with tp.GradientTape() as tape:
            tape.watch(x)
            if t % 2:  # noqa: SIM108  (two lines are the point)
                y = np.sin(x)
            else:
                y = np.sin(x)
            y = np.sum(y * x)
        x = x - 0.1 * tape.gradient(y, x)
    return x


PROGRAMS = [branches, other_types, windows, recursion, with_gradients, gradients_of_two_lines]


def nothing_follows(_: Expectations, *op: Any) -> Expected:
    return Expected(*op)


def rows(program: Any) -> list[Any]:
    recorder = FunctionRecorder("f")
    x = tp.constant(np.array([0.3, -1.2, 0.7]))
    recorder.add_argument(x)
    with active(recorder):
        program(x)
    kinds = [recorder.table.kinds[n] for n in recorder.table.rows]
    return [(k.primitive, k.attributes, k.types, k.location, k.phase) for k in kinds] + recorder.table.operands


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_recording_is_what_it_is_without(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expecting = rows(program)
    monkeypatch.setattr(Expectations, "correct", nothing_follows)
    assert rows(program) == expecting


def test_a_loop_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    corrected = []
    correct = Expectations.correct

    def noted(self: Expectations, *args: Any) -> Any:
        corrected.append(args)
        return correct(self, *args)

    monkeypatch.setattr(Expectations, "correct", noted)

    def loop(x: Any) -> Any:
        for _ in range(50):
            x = np.sin(x) * 0.5 + x
        return x

    rows(loop)
    assert len(corrected) < 10
