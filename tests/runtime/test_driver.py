"""The driver and what it makes: stages, arenas, guards, long programs, many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ir.builder import Builder
from tapec.ops import creation, indexing
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum, take, transpose
from tapec.passes.program_text import FINE, GUARD_DIFFERS, INDEX_OUT_OF_RANGE
from tapec.runtime.driver import compile_graph

X = np.random.default_rng(0).normal(size=(60, 70))


def _two_steps(x: Sym) -> Sym:
    y = apply(ew.exp, x)
    return transpose(y, (1, 0)) * 2.0 + reduce_sum(y, (1,))


def test_stages_in_order() -> None:
    """Each form of the program has text."""
    stages = compile_graph(graph_of(_two_steps, X)).stages()
    assert [s.name for s in stages] == [
        "recorded graph", "graph after passes", "loops", "LLVM IR", "optimised LLVM IR", "assembly",
    ]  # fmt: skip
    assert "tapec.exp" in stages[0].text and "nest" in stages[2].text and "define i64 @kernel" in stages[3].text
    assert ".globl\tkernel" in stages[5].text


def test_an_arena_is_shared_by_no_two_threads() -> None:
    """The temporary is larger than a stack arena; every thread gets its own result, time and again."""
    executable = compile_graph(graph_of(_two_steps, X))
    assert executable.program.arena_bytes > 16_384
    inputs = [X + i for i in range(16)]
    alone = [executable.run([x])[1][0].tobytes() for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            together = list(pool.map(lambda x: executable.run([x])[1][0].tobytes(), inputs))
            assert together == alone


def test_a_guard_that_differs_ends_the_run() -> None:
    """Its value is reported; guards after it are not reached."""
    graph = graph_of(lambda x: reduce_sum(x, (0,)), np.zeros(3))
    total = graph.outputs[0]
    builder = Builder(graph)
    positive = apply(ew.gt, Sym(builder, total), Sym(builder, total).constant(0.0))
    builder.emit(creation.guard, (positive.value,), {"expected": 1})
    executable = compile_graph(graph)
    status, outputs, guards = executable.run([np.ones(3)])
    assert (status, outputs[0], guards) == (FINE, 3.0, [1])
    status, _, guards = executable.run([-np.ones(3)])
    assert (status, guards) == (GUARD_DIFFERS, [0])


def test_an_index_out_of_range_is_a_status() -> None:
    """Nothing outside the array is read."""
    indices = np.array([0, 1])
    executable = compile_graph(graph_of(lambda x, i: take(x, i, 0), np.arange(4.0), indices))
    assert executable.run([np.arange(4.0), np.array([-4, 3])])[0] == FINE
    for bad in (4, -5, 2**62, -(2**63)):
        status, outputs, _ = executable.run([np.arange(4.0), np.array([1, bad])])
        assert status == INDEX_OUT_OF_RANGE
        assert outputs[0][0] == 1.0
    assert indexing.take.exact


def test_a_long_program_in_parts() -> None:
    """More steps than one function holds, with temporaries that cross from part to part."""

    def f(x: Sym) -> Sym:
        for i in range(60):  # no two rounds are equal, so that no loop comes of them
            x = x * reduce_sum(x, (0,)) * (0.01 + i * 1e-4)
        return x

    x = np.linspace(0.9, 1.1, 10)
    executable = compile_graph(graph_of(f, x))
    assert executable.kernel_count > 48 and "kernel_part2" in executable.text
    expected = x
    for i in range(60):
        expected = expected * expected.sum() * (0.01 + i * 1e-4)
    assert np.allclose(executable.run([x])[1][0], expected, rtol=1e-12)


def test_arrays_of_another_type_are_refused() -> None:
    """Machine code sees only what it was made for."""
    executable = compile_graph(graph_of(lambda x: x * 2.0, np.zeros(4)))
    for wrong in (np.zeros(5), np.zeros(4, np.float32), np.zeros(8)[::2], np.zeros((4, 1))):
        with pytest.raises(ValueError, match=r"takes a dense float64\(4,\) array"):
            executable.run([wrong])
    with pytest.raises(ValueError, match="takes 1 arrays, got 2"):
        executable.run([np.zeros(4), np.zeros(4)])
