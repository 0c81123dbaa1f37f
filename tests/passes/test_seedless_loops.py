"""A derivative in two parts gives what it gives as a whole, and the part with the seeds does not run the loop again."""

from __future__ import annotations

import numpy as np
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ir.verifier import verify
from tapec.ops import control
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum
from tapec.passes.adjoint import adjoint
from tapec.passes.recompute import recompute
from tapec.passes.reroll import Reroll
from tapec.passes.seedless_loops import parted
from tapec.runtime.interpreter import interpret

X, W = np.random.default_rng(0).normal(size=(2, 5))


def loop(x: Sym, w: Sym) -> Sym:
    for _ in range(40):
        x = apply(ew.sin, x) * w + x
    return reduce_sum(apply(ew.tanh, x), (0,))


def test_two_parts_make_the_whole() -> None:
    graph = Reroll(least_ops=8).run(graph_of(loop, X, W))
    made = adjoint(graph, graph.outputs, graph.inputs)
    again = recompute(made.graph, made.residuals, lambda v: v in graph.inputs)
    assert again is not None
    whole, residuals = again
    arrays = [dict(zip(graph.inputs, (X, W), strict=True))[v] for v in residuals]
    parts = parted(whole, 1)
    assert parts is not None
    verify(parts.loops)
    verify(parts.rest)
    in_rest = [op for op in parts.rest.ops if op.primitive is control.scan]
    in_whole = [op for op in whole.ops if op.primitive is control.scan]
    assert len(in_rest) == 1 and len(in_whole) > 1
    seed = np.array(0.7)
    handed, _ = interpret(parts.loops, [arrays[i] for i in parts.reads])
    found, _ = interpret(parts.rest, [seed, *handed, *[arrays[i] for i in parts.kept]])
    for ours, theirs in zip(found, interpret(whole, [seed, *arrays])[0], strict=True):
        assert_same_bits(ours, theirs)


def test_without_loops_there_are_no_parts() -> None:
    graph = graph_of(lambda x: reduce_sum(apply(ew.sin, x) * x, (0,)), X)
    assert parted(adjoint(graph, graph.outputs, graph.inputs).graph, 1) is None
