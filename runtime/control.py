"""Running an op with regions on arrays now: a program of that one op is compiled, once per structure."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import Graph, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.runtime.driver import Executable, compile_graph
from tapec.runtime.interpreter import interpret_control

Array = np.ndarray[Any, Any]

_PROGRAMS: dict[tuple[Any, ...], Executable] = {}
_PROGRAMS_LIMIT = 1024
_LOCK = threading.Lock()


def execute_control(
    primitive: Primitive, arrays: Sequence[Array], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> list[Array]:
    """The results of an op with regions.

    Raises:
        ShapeError, DTypeError, AttributeValueError: see `tapec.ops.control`.
        IndexOutOfRangeError: an index in a region that runs is outside its axis.
    """
    dense = [np.ascontiguousarray(a).reshape(a.shape) for a in arrays]  # NumPy makes 0-d arrays 1-d
    types = tuple([tensor_type(dtypes.of(a.dtype), a.shape) for a in dense])
    key = (primitive, types, attributes_key(attributes), *[graph_key(region) for region in regions])
    program = _PROGRAMS.get(key)
    if program is None:
        graph = Graph(primitive.name)
        op = emit(graph, primitive, tuple([graph.add_input(t) for t in types]), attributes, regions=regions)
        graph.outputs = list(op.results)
        program = compile_graph(graph)
        with _LOCK:
            if len(_PROGRAMS) >= _PROGRAMS_LIMIT:
                _PROGRAMS.clear()
            _PROGRAMS[key] = program
    status, outputs, _ = program.run(dense)
    if status:  # machine code only says that something is wrong; the interpreter meets it again and says what
        return interpret_control(primitive, dense, attributes, regions)
    return outputs
