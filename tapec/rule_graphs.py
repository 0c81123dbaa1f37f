"""Derivative rules as graphs, for recordings that outlive what Python holds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tapec.body_recorder import BodyRecorder
from tapec.errors import NotDifferentiableError
from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph, Value
from tapec.ops.symbolic import zeros as no_movement
from tapec.passes.splice import copy_ops
from tapec.tensor import Tensor, make

if TYPE_CHECKING:
    from collections.abc import Callable

    from tapec.passes.derivative_graph import AdjointGraph
    from tapec.rules import Rule

MOST_ORDERS: Final = 4  # of derivatives, for functions whose rules call them


class _Open(threading.local):
    """State of one thread: functions whose rules are running to become graphs, outermost first."""

    def __init__(self) -> None:
        self.functions: list[Any] = []


_OPEN = _Open()


def rule_graphs(rule: Rule) -> tuple[list[Tensor], tuple[Graph, Graph]]:
    """What the derivatives of one call read, and both of them as regions: of that, and of cotangents or tangents.

    The rule runs once, on ones. The direction that it does not give is the transpose of the one that it gives; where
    that is not linear, the region is empty. Both are, where the rule calls its own function again and again: each call
    stands for one more order of derivative.

    Raises:
        BodyValueError: the rule branches on the cotangents or tangents that it gets.
    """
    from tapec.passes.adjoint import adjoint

    if _OPEN.functions.count(rule.python) >= MOST_ORDERS:
        return [], (Graph(REGION), Graph(REGION))
    recorder = BodyRecorder(f"the derivative rule of {rule.name}", hoist=False)
    types = rule.args if rule.pushes else rule.results
    inputs = [recorder.add_input(make(np.ones(kind.shape, kind.dtype.numpy))) for kind in types]
    _OPEN.functions.append(rule.python)
    try:
        with recorder.recording():
            outputs = rule.run(inputs, (), pulls=not rule.pushes)
    finally:
        _OPEN.functions.pop()
    recorder.finish(outputs)
    given = recorder.region(recorder.captured)
    other = _transposed(given, len(recorder.captured), adjoint)
    return recorder.captured, ((other, given) if rule.pushes else (given, other))


def _transposed(given: Graph, consts: int, adjoint: Callable[..., AdjointGraph]) -> Graph:
    """The transpose of a region that is linear in the inputs behind the first `consts`; empty if it is not."""
    linear = given.inputs[consts:]
    moving = set(linear)
    for op in given.ops:
        if not moving.isdisjoint(op.operands):
            moving.update(op.results)
    other = Graph(REGION)
    try:
        made = adjoint(given, given.outputs, linear)
    except NotDifferentiableError:
        return other
    if not moving.isdisjoint(made.residuals):
        return other
    mapping: dict[Value, Value] = {value: other.add_input(value.type) for value in given.inputs[:consts]}
    seeds = [other.add_input(value.type) for value in given.outputs]
    copy_ops([op for op in given.ops if moving.isdisjoint(op.results)], other, mapping)
    inside = dict(zip(made.graph.inputs, [*seeds, *[mapping[value] for value in made.residuals]], strict=True))
    copy_ops(made.graph.ops, other, inside)
    builder = Builder(other)
    other.outputs = [
        no_movement(builder, value.type).value if g is None else inside[g]
        for g, value in zip(made.gradients, linear, strict=True)
    ]
    return other
