"""Rows that are put side by side again."""

from __future__ import annotations

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ir.graph import Graph
from tapec.ir.verifier import verify
from tapec.ops import movement
from tapec.ops.symbolic import Sym, apply
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.merge_rows import MergeRows
from tapec.runtime.interpreter import interpret

X = np.arange(24.0).reshape(6, 4)


def _row(x: Sym, at: int) -> Sym:
    return apply(movement.slice_, x, start=(at, 0), size=(1, 4), step=(1, 1))


def _merged(rows: list[int], axis: int) -> Graph:
    def f(x: Sym) -> Sym:
        shape = (1, 4) if axis == 0 else (4, 1)
        parts = [apply(movement.reshape, _row(x, at), shape=shape) for at in rows]
        return apply(movement.concat, *parts, axis=axis)

    graph = graph_of(f, X)
    merged = MergeRows().run(graph)
    verify(merged)
    assert_same_bits(interpret(merged, [X])[0], interpret(graph, [X])[0])
    return DeadCodeElimination().run(merged)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2], [0, 2, 4]])
def test_evenly_spaced_rows_are_one_slice(rows: list[int], axis: int) -> None:
    names = [op.primitive.name for op in _merged(rows, axis).ops]
    assert names == ["slice"] + ["transpose"] * axis


def test_only_what_is_evenly_spaced() -> None:
    merged = _merged([0, 1, 2, 5, 5, 3], 0)
    assert sum(op.primitive is movement.slice_ for op in merged.ops) == 4  # rows 0 to 2, row 5 twice, row 3
    assert [len(op.operands) for op in merged.ops if op.primitive is movement.concat] == [4]
    assert any(op.primitive is movement.concat for op in _merged([0, 3, 1], 0).ops)
