"""Running an op with regions on arrays now: a program of that one op is compiled, once per structure.

A short loop is interpreted the first time: who records a function runs each of its loops just once, and then compiles
the whole function.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import control
from tapec.passes.kernel_status import NO_MEMORY
from tapec.runtime.driver import Executable, compile_graph
from tapec.runtime.interpreter import interpret_control

Array = np.ndarray[Any, Any]

_SHORT = 1_000  # op runs: they take the interpreter some 2 ms, and the compiler takes 30 ms or more
_PROGRAMS: dict[tuple[Any, ...], Executable | None] = {}  # None: met once
_PROGRAMS_LIMIT = 1024
_LOCK = threading.Lock()


def execute_control(
    primitive: Primitive, arrays: Sequence[Array], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> list[Array]:
    """The results of an op with regions.

    Raises:
        ShapeError, DTypeError, AttributeValueError: see `tapec.ops.control`.
        MemoryError: there is none for the rows of `sweeps`, or for the program's temporaries.
        IndexOutOfRangeError: an index in a region that runs is outside its axis.
    """
    dense = [np.ascontiguousarray(a).reshape(a.shape) for a in arrays]  # NumPy makes 0-d arrays 1-d
    types = tuple([tensor_type(dtypes.of(a.dtype), a.shape) for a in dense])
    key = (primitive, types, attributes_key(attributes), *[graph_key(region) for region in regions])
    program = _PROGRAMS.get(key)
    if program is None:
        graph = Graph(primitive.name)
        op = emit(graph, primitive, tuple([graph.add_input(t) for t in types]), attributes, regions=regions)
        if key not in _PROGRAMS and _op_runs(op) <= _SHORT:
            _remember(key, None)
            return interpret_control(primitive, dense, attributes, regions)
        graph.outputs = list(op.results)
        program = compile_graph(graph)
        _remember(key, program)
    status, outputs, _ = program.run(dense)
    if status == NO_MEMORY:
        raise MemoryError(f"{primitive.name}: no memory for what the backward loop reads, which grows with the rounds")
    if status:  # machine code only says that something is wrong; the interpreter meets it again and says what
        return interpret_control(primitive, dense, attributes, regions)
    return outputs


def _remember(key: tuple[Any, ...], program: Executable | None) -> None:
    with _LOCK:
        if len(_PROGRAMS) >= _PROGRAMS_LIMIT:
            _PROGRAMS.clear()
        _PROGRAMS[key] = program


def _op_runs(op: Op) -> float:
    """At most how many ops a run of `op` executes; infinite where only running it can tell."""
    if not op.regions:
        return 1
    once = max([sum([_op_runs(inner) for inner in region.ops]) for region in op.regions])
    if op.primitive in (control.while_loop, control.sweeps):
        return math.inf
    length = op.attributes.get("length", 1)
    assert isinstance(length, int)
    return 1 + length * once
