"""Loops in segments: regions of the loops that `checkpoint=` makes of one (`tapec.segments`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Location, Value
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import control
from tapec.ops.symbolic import Sym, select, zeros
from tapec.passes.splice import splice

_COUNTER = tensor_type(dtypes.I64, ())


def scan_segment(body: Graph, attributes: dict[str, Any], length: int, location: Location | None, phase: str) -> Graph:
    """The body of a scan over segments: a scan over `length` of the rounds.

    Args:
        body: of the scan over all rounds.
        attributes: of that scan.
        length: rounds of a segment.
        location: the user's line.
        phase: of the ops.
    """
    first = attributes["consts"] + attributes["carries"]
    builder = _builder(location, phase)
    inputs = [builder.graph.add_input(v.type) for v in body.inputs[:first]]
    inputs += [builder.graph.add_input(tensor_type(v.type.dtype, (length, *v.shape))) for v in body.inputs[first:]]
    inner = {**attributes, "length": length}
    builder.graph.outputs = list(builder.emit(control.scan, tuple(inputs), inner, (body,)).results)
    return builder.graph


def while_segments(
    condition: Graph, body: Graph, consts: int, first: int, growth: int, location: Location | None, phase: str
) -> tuple[Graph, Graph]:
    """Condition and body of a while loop over segments: the number of the segment is one more carry, the last one.

    Args:
        condition: of the loop over all rounds.
        body: of that loop.
        consts: number of consts that both take.
        first: rounds of the first segment.
        growth: how many rounds each has more than the one before.
        location: the user's line.
        phase: of the ops.
    """
    types = [v.type for v in body.inputs]
    outer_condition, _ = _with_counter(condition, types)
    builder = _builder(location, phase)
    inputs = [builder.graph.add_input(t) for t in (*types, _COUNTER)]
    number = Sym(builder, inputs[-1])
    length = number * growth + first if growth else number.constant(first)
    operands = (*inputs[:consts], length.value, *inputs[consts:-1], zeros(builder, _COUNTER).value)
    regions = _bounded(condition, body, consts, phase)
    done = builder.emit(control.while_loop, operands, {"consts": consts + 1}, regions)
    builder.graph.outputs = [*done.results[:-2], (number + 1).value]
    return outer_condition, builder.graph


def _bounded(condition: Graph, body: Graph, consts: int, phase: str) -> tuple[Graph, Graph]:
    """Condition and body of a loop that goes on for so many rounds at most, a const behind the others."""
    types = [v.type for v in body.inputs]
    types.insert(consts, _COUNTER)
    test, inputs = _with_counter(condition, types, skipped=consts)
    builder = Builder(test, phase)
    most, present = Sym(builder, inputs[consts]), Sym(builder, inputs[-1])
    test.outputs = [select(present < most, Sym(builder, test.outputs[0]), False).value]
    step, inputs = _with_counter(body, types, skipped=consts)
    step.outputs.append((Sym(Builder(step, phase), inputs[-1]) + 1).value)
    return test, step


def _with_counter(region: Graph, types: Sequence[TensorType], skipped: int | None = None) -> tuple[Graph, list[Value]]:
    """A region that takes inputs of these types and a counter, and what `region` makes of all but the one `skipped`."""
    new = Graph(REGION)
    inputs = [new.add_input(t) for t in (*types, _COUNTER)]
    mapping = splice(region, new, [v for i, v in enumerate(inputs[:-1]) if i != skipped])
    new.outputs = [mapping[v] for v in region.outputs]
    return new, inputs


def _builder(location: Location | None, phase: str) -> Builder:
    builder = Builder(Graph(REGION), phase)
    builder.location = location
    return builder
