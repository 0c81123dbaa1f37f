"""The reference execution of a graph: op by op, each as eager code runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapec.ir.graph import Graph, Value
from tapec.ops import creation
from tapec.runtime.eager import execute


def interpret(graph: Graph, arrays: Sequence[np.ndarray[Any, Any]]) -> tuple[list[np.ndarray[Any, Any]], list[int]]:
    """Runs `graph` on one array per input.

    Returns:
        The outputs, and for each `guard` in order the value that it saw.

    Raises:
        IndexOutOfRangeError: an index is outside its axis.
    """
    known: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    guards: list[int] = []
    for op in graph.ops:
        operands = [known[value] for value in op.operands]
        if op.primitive is creation.guard:
            guards.append(int(operands[0].reshape(())))
        else:
            known[op.result] = np.asarray(execute(op.primitive, operands, op.attributes))
    return [known[value] for value in graph.outputs], guards
