"""A derivative graph as one native function of the arrays that a tape has kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np

from tapec.arguments import dense
from tapec.ir.builder import emit
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ops import movement
from tapec.passes.splice import splice
from tapec.runtime.driver import compile_graph
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_spec import ArrayLeaf, ArrayOut, EntrySpec, TupleNode

_Array = np.ndarray[Any, Any]
# The axes of an array in the order in which they lie in memory; None where that is row-major order, or none at all.
_Order = tuple[int, ...] | None
Results = tuple[_Array, ...] | None


@final
class CompiledDerivative:
    """Machine code of a derivative graph, with the bits of its replay.

    A tape keeps views as they are. Arrays whose axes lie in memory in another order are handed over in that order, so
    that nothing is copied; each combination of orders has code of its own.

    Args:
        graph: the derivative graph.

    Raises:
        CompilationError: see `compile_graph`.
    """

    __slots__ = ("__call__", "_graph", "_variants")

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._variants: dict[tuple[_Order, ...], Callable[..., Results]] = {}
        # Called with one array per input of the graph: the outputs; None where the code met an error.
        self.__call__ = self._variant((None,) * len(graph.inputs), self._reordered)

    def _variant(self, orders: tuple[_Order, ...], slow: Callable[..., Any]) -> Callable[..., Results]:
        found = self._variants.get(orders)
        if found is None:
            graph = _in_memory_order(self._graph, orders)
            executable = compile_graph(graph)
            spec = EntrySpec(
                arguments=tuple([ArrayLeaf(v.type.dtype, v.type.shape) for v in graph.inputs]),
                outputs=TupleNode(
                    tuple([ArrayOut(i, v.type.dtype, v.type.shape) for i, v in enumerate(graph.outputs)])
                ),
                release_gil=executable.release_gil,
                name=graph.name,
            )
            found = self._variants[orders] = make_entry(spec, executable.address, slow, _stopped, executable)
        return found

    def _reordered(self, *arrays: _Array) -> Results:
        """The outputs for arrays of which some are not dense and row-major."""
        orders = tuple([_order(a) for a in arrays])
        handed = [
            dense(a if order is None else a.transpose(order), v.type.dtype)
            for a, order, v in zip(arrays, orders, self._graph.inputs, strict=True)
        ]
        return self._variant(orders, _refuse)(*handed)


def _order(array: _Array) -> _Order:
    if array.flags.c_contiguous:
        return None
    order = tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))
    return order if array.transpose(order).flags.c_contiguous else None


def _in_memory_order(graph: Graph, orders: tuple[_Order, ...]) -> Graph:
    """The same graph, of inputs whose axes have been permuted."""
    if not any(orders):
        return graph
    permuted = Graph(graph.name)
    handed = []
    for value, order in zip(graph.inputs, orders, strict=True):
        if order is None:
            handed.append(permuted.add_input(value.type))
        else:
            kind = tensor_type(value.type.dtype, tuple([value.shape[axis] for axis in order]))
            back = tuple([order.index(axis) for axis in range(len(order))])
            moved = emit(permuted, movement.transpose, (permuted.add_input(kind),), {"permutation": back})
            handed.append(moved.result)
    mapping = splice(graph, permuted, handed)
    permuted.outputs = [mapping[value] for value in graph.outputs]
    return permuted


def _stopped(*_: Any) -> None:
    """What an entry gives where the code met an error: op by op it will be met again, with its message."""


def _refuse(*arrays: _Array) -> Any:
    raise ValueError(f"arrays do not fit the graph: {', '.join(f'{a.dtype}{a.shape}' for a in arrays)}")
