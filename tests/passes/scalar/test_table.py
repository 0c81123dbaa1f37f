"""The table has a row, or an excuse, for every elementwise primitive."""

from __future__ import annotations

import pytest

from tapec.ir import dtypes
from tapec.ops import PRIMITIVES, contraction
from tapec.ops import elementwise as ew
from tapec.passes.scalar.costs import cost
from tapec.passes.scalar.table import EXCUSED, ROWS

ELEMENTWISE = [p for p in PRIMITIVES.values() if p.family is ew.ELEMENTWISE]


@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=lambda p: p.name)
def test_each_primitive_has_a_row_or_an_excuse(primitive):
    assert (primitive in ROWS) != (primitive in EXCUSED)
    assert primitive in ROWS or len(EXCUSED[primitive].split()) > 3


def test_no_row_is_for_another_family():
    of_passes = {contraction.fma}  # what no program records
    assert set(ROWS) | set(EXCUSED) == {*ELEMENTWISE, *of_passes}


@pytest.mark.parametrize("primitive", list(ROWS), ids=lambda p: p.name)
def test_costs_order_rows(primitive):
    for dtype in dtypes.ALL:
        if dtype.kind in primitive.operand_kinds:
            assert 0 <= cost(primitive, dtype) <= cost(ew.pow, dtypes.F64)
    assert cost(ew.add, dtypes.F64) == 1
    assert cost(ew.exp, dtypes.F32) < cost(ew.exp, dtypes.F64)
    assert cost(ew.remainder, dtypes.I32) < cost(ew.remainder, dtypes.I64)
