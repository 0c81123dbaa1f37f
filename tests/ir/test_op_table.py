"""Ops as rows of numbers, and the graphs that are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from tapec.errors import ShapeError
from tapec.ir import dtypes
from tapec.ir.op_table import OpTable, Stretch, within
from tapec.ir.types import tensor_type
from tapec.ir.verifier import verify
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew

F64 = tensor_type(dtypes.F64, (3,))


def append(table: OpTable, primitive, *operands: int, **attributes) -> int:
    kind = table.kind(primitive, operands, attributes, None, "primal")
    return table.append(kind, operands)


def example() -> tuple[OpTable, list[int]]:
    table = OpTable()
    x = table.input(F64)
    y = append(table, ew.sin, x)
    half = table.constant(creation.constant, {"value": 0.5, "dtype": "f64"}, None, "primal")
    z = append(table, ew.mul, y, half)
    return table, [x, y, half, z]


def test_a_graph_of_all_rows() -> None:
    table, (*_, z) = example()
    graph, values = Stretch(table, np.arange(2), table.inputs, [z, z], {}).graph("f")
    verify(graph)
    assert [op.primitive.name for op in graph.ops] == ["sin", "constant", "mul"]
    assert graph.outputs == [values[z]] * 2


def test_a_graph_of_some_rows_takes_the_others_values_as_inputs() -> None:
    table, (_, y, _, z) = example()
    graph, _ = Stretch(table, np.array([1]), [y], [z], {}).graph("f")
    verify(graph)
    assert [op.primitive.name for op in graph.ops] == ["constant", "mul"]
    assert [v.type for v in graph.inputs] == [F64]


def test_a_value_that_is_another_one() -> None:
    table, (x, y, half, z) = example()
    graph, values = Stretch(table, np.array([1]), table.inputs, [z, y], {y: x}).graph("f")
    verify(graph)
    assert graph.ops[-1].operands == (values[x], values[half])
    assert graph.outputs[1] is values[x]


def test_equal_ops_are_of_one_kind() -> None:
    table, (x, y, _, _) = example()
    append(table, ew.sin, y)
    flat = append(table, movement.reshape, x, shape=(3, 1))
    append(table, movement.reshape, y, shape=(3, 1))
    append(table, movement.reshape, x, shape=(1, 3))
    append(table, ew.sin, flat)
    assert table.rows[0] == table.rows[2]
    assert table.rows[3] == table.rows[4]
    assert len({table.rows[i] for i in (0, 3, 5, 6)}) == 4
    assert table.type(flat).shape == (3, 1)


def test_zeros_of_either_sign_are_of_two_kinds() -> None:
    table = OpTable()
    kinds = {table.kind(creation.constant, (), {"value": v, "dtype": "f64"}, None, "primal") for v in (0.0, -0.0, 0.0)}
    assert len(kinds) == 2


def test_the_row_that_made_a_value() -> None:
    """A guard in between makes none."""
    table, (_, y, _, z) = example()
    one = append(table, movement.slice_, y, start=(0,), size=(1,), step=(1,))
    append(table, creation.guard, append(table, ew.gt, one, one), expected=0)
    last = append(table, ew.sin, z)
    assert [table.row_of(n) for n in (y, z, one, last)] == [0, 1, 2, 5]


def test_type_rules_hold() -> None:
    table, (x, *_) = example()
    with pytest.raises(ShapeError, match="takes 2 operands"):
        table.kind(ew.mul, (x,), {}, None, "primal")


def test_numbers_within_stretches() -> None:
    assert within(np.array([5, 9, 2]), np.array([2, 0, 3])).tolist() == [5, 6, 2, 3, 4]
    assert within(np.array([], int), np.array([], int)).tolist() == []
