"""Small graphs for tests: a Python function over `Sym` and the arrays that it will get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ops.symbolic import Sym


def graph_of(function: Callable[..., Any], *arrays: np.ndarray[Any, Any]) -> Graph:
    """The graph of `function` for arrays of these types; it returns one `Sym` or a tuple of them."""
    graph = Graph("g")
    builder = Builder(graph)
    inputs = [Sym(builder, graph.add_input(tensor_type(dtypes.of(a.dtype), a.shape))) for a in arrays]
    out = function(*inputs)
    graph.outputs = [x.value for x in (out if isinstance(out, tuple) else (out,))]
    return graph
