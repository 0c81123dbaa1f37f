"""Graphs with regions, and their derivatives against central differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import REGION, Graph
from tapec.ir.types import TensorType, tensor_type
from tapec.ir.verifier import verify
from tapec.ops.symbolic import Sym
from tapec.passes.adjoint import adjoint
from tapec.passes.splice import splice
from tapec.passes.tangent import tangent
from tapec.runtime.interpreter import interpret

STEP = 1e-6  # of central differences
F64, I64, BOOL = (tensor_type(d, ()) for d in (dtypes.F64, dtypes.I64, dtypes.BOOL))


def f64(*shape: int) -> TensorType:
    return tensor_type(dtypes.F64, shape)


def region(types: list[TensorType], function: Any) -> Graph:
    graph = Graph(REGION)
    builder = Builder(graph)
    out = function(*[Sym(builder, graph.add_input(t)) for t in types])
    graph.outputs = [x.value for x in (out if isinstance(out, tuple) else (out,))]
    return graph


def graph_with(primitive: Any, operands: list[TensorType], attributes: dict[str, Any], *regions: Graph) -> Graph:
    graph = Graph("f")
    values = tuple([graph.add_input(t) for t in operands])
    graph.outputs = list(Builder(graph).emit(primitive, values, attributes, regions).results)
    verify(graph)
    return graph


def arrays_for(graph: Graph, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.uniform(0.5, 1.5, v.shape)) if v.type.dtype.is_float else np.ones(v.shape, v.type.dtype.numpy)
        for v in graph.inputs
    ]


def joined(graph: Graph, made: Any) -> Graph:
    """One graph of a graph and its derivative, whose cotangents or tangents are inputs behind the graph's own."""
    joint = Graph("joint", list(graph.inputs), list(graph.ops))
    seeds = made.graph.inputs[: len(made.graph.inputs) - len(made.residuals)]
    mapping = splice(made.graph, joint, [*[joint.add_input(v.type) for v in seeds], *made.residuals])
    joint.outputs = [mapping[v] for v in made.graph.outputs]
    verify(joint)
    return joint


def check(graph: Graph, arrays: list[Any], modes: tuple[str, ...] = ("adjoint", "tangent"), order: int = 2) -> None:
    """Compares both modes at order 1, and each over each at order 2, with central differences."""
    floats = [v for v in graph.inputs if v.type.dtype.is_float]
    outputs = [v for v in graph.outputs if v.type.dtype.is_float]
    rng = np.random.default_rng(7)
    for mode in modes:
        made = (adjoint if mode == "adjoint" else tangent)(graph, outputs, floats)
        verify(made.graph)
        joint = joined(graph, made)
        weights = [np.asarray(rng.uniform(0.5, 1.5, v.shape)) for v in joint.inputs[len(graph.inputs) :]]
        found = interpret(joint, [*arrays, *weights])[0]

        def run(moved: list[Any]) -> list[Any]:
            return interpret(Graph("g", graph.inputs, graph.ops, outputs), moved)[0]

        def shifted(position: int, direction: Any) -> list[Any]:
            up, down = list(arrays), list(arrays)
            up[position] = np.asarray(up[position] + STEP * direction)
            down[position] = np.asarray(down[position] - STEP * direction)
            return [(a - b) / (2 * STEP) for a, b in zip(run(up), run(down), strict=True)]

        positions = [i for i, v in enumerate(graph.inputs) if v.type.dtype.is_float]
        if mode == "tangent":
            expected = [sum(parts) for parts in zip(*map(shifted, positions, weights), strict=True)]
            expected = [e for e, t in zip(expected, made.tangents, strict=True) if t is not None]
        else:
            expected = []
            for i, connected in zip(positions, made.gradients, strict=True):
                gradient = np.zeros(arrays[i].shape)
                for index in np.ndindex(arrays[i].shape):
                    direction = np.zeros(arrays[i].shape)
                    direction[index] = 1.0
                    gradient[index] = sum(np.sum(w * d) for w, d in zip(weights, shifted(i, direction), strict=True))
                if connected is None:
                    np.testing.assert_array_equal(gradient, 0.0)
                else:
                    expected.append(gradient)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)
        if order > 1:
            check(joint, [*arrays, *weights], modes, order - 1)
