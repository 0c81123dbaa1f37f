"""Loops are found in a recording's numbers as they are in its graph, and hardly any op is made for that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.function_recorder import FunctionRecorder
from tapec.ir.verifier import verify
from tapec.passes.numbering import GraphNumbering
from tapec.passes.reroll import Reroll
from tapec.passes.table_numbering import TableNumbering
from tapec.recorded_call import RecordedCall
from tapec.recording import active

DATA = np.random.default_rng(0).normal(size=(60, 3))


def sines(x: Any) -> Any:
    for _ in range(60):
        x = np.sin(x) * 0.5 + x
    return x


def rows_of_data(x: Any) -> Any:
    for t in range(60):
        x = x * DATA[t] + 1.0 / (t + 1.0)
    return x


def listed(x: Any) -> Any:
    seen = []
    for _ in range(60):
        x = np.cos(x) + x
        seen.append(x)
    return np.stack(seen)


def two_results(x: Any) -> Any:
    for _ in range(60):
        q, r = np.linalg.qr(np.stack([np.cos(x), x, np.sin(x)]))
        x = np.sin(q[0] + r[1])
    return x


def nested(x: Any) -> Any:
    for _ in range(20):
        for _ in range(12):
            x = np.sin(x) * 0.5 + x
        x = x / np.sum(x)
    return x


def guarded(x: Any) -> Any:
    for t in range(120):
        x = np.sin(x) * x + 1.0
        if t % 60 == 7 and np.sum(x) > 0.0:
            x = x + 1.0
    return x


PROGRAMS = [sines, rows_of_data, listed, two_results, nested, guarded]


def record(program: Any) -> RecordedCall:
    recorder = FunctionRecorder("f")
    x = tp.constant(np.array([0.3, -1.2, 0.7]))
    recorder.add_argument(x)
    with active(recorder):
        return recorder.finish([program(x)])


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_rolled_is_what_the_graph_rolls_to(program: Any) -> None:
    call = record(program)
    graph, _ = call.ops.graph("f")
    verify(graph)
    expected = Reroll(least_ops=96).rerolled(GraphNumbering(graph), call.constants)
    found = Reroll(least_ops=96).rerolled(TableNumbering(call.ops, "f"), call.constants)
    assert expected is not None and found is not None
    verify(found.graph)
    assert str(found.graph) == str(expected.graph)
    assert [t.tobytes() for t in found.tables] == [t.tobytes() for t in expected.tables]


@pytest.mark.parametrize("program", PROGRAMS)
def test_numbers_name_the_same_ops(program: Any) -> None:
    call = record(program)
    table, graph = TableNumbering(call.ops, "f"), GraphNumbering(call.ops.graph("f")[0])
    assert np.array_equal(table.first, graph.first) and np.array_equal(table.begin, graph.begin)
    assert len(np.unique(table.codes)) == len(np.unique(graph.codes))
    for ours, theirs in zip(table.ops, graph.ops, strict=True):
        assert ours.primitive is theirs.primitive and ours.attributes == theirs.attributes
        assert [v.type for v in ours.results] == [v.type for v in theirs.results]
    values = range(table.made)
    assert [table.number(table.value(n)) for n in values] == list(values)
    assert all(table.value(n).op in table.ops[:] for n in values)


def test_few_ops_are_made_of_a_long_loop() -> None:
    numbers = TableNumbering(record(sines).ops, "f")
    Reroll(least_ops=96).rerolled(numbers)
    assert sum(numbers.value(n).op is not None for n in range(numbers.made)) < 20
