"""Outputs of regions that are other shapes of values outside."""

from __future__ import annotations

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import Graph
from tapec.ir.types import TensorType
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.passes.materialize import materialize
from tapec.passes.views import whole


def test_an_output_that_is_all_of_a_value_outside_is_copied_from_the_region_s_own_view() -> None:
    outside = Graph("outside").add_input(TensorType(dtypes.F64, (2, 3)))
    region = Graph("region")
    seen = region.add_input(outside.type)
    region.outputs = [emit(region, movement.reshape, (seen,), {"shape": (6,)}, None, "primal").result]
    prepared = materialize(region, [whole(outside)])
    known = {*prepared.inputs, *(v for op in prepared.ops for v in op.results)}
    assert {v for op in prepared.ops for v in op.operands} <= known
    assert prepared.outputs[0].op is not None
    assert prepared.outputs[0].op.primitive is ew.copy
    assert prepared.outputs[0].shape == (6,)
