"""How much LLVM does for a program depends on how often its code runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graph_making import graph_of

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum
from tapec.passes.work import waits_for_data
from tapec.runtime import jit
from tapec.runtime.driver import Executable, compile_graph


def _formula(x: Sym) -> Sym:
    return reduce_sum(apply(ew.tanh, apply(ew.exp, x) * 2.0), (0,))


@pytest.mark.parametrize(("size", "level"), [(50, 1), (100_000, 2)])
def test_code_that_runs_seldom_is_made_with_less_effort(size: int, level: int) -> None:
    """The same formula over few and over many elements."""
    library = compile_graph(graph_of(_formula, np.zeros(size))).library
    assert library.source.opt.codegen_level == level


def test_loops_keep_the_passes_that_loops_need() -> None:
    """Values that go from round to round are kept out of memory by passes that straight programs do without."""

    def doubled(x: tp.Tensor) -> tp.Tensor:
        return tp.fori_loop(0, 3, lambda _, y: y * np.tanh(y), x)

    passes = []
    for fun in (doubled, np.tanh):
        function = tp.function(fun)
        function(np.ones(3))
        options = function.inspect(np.ones(3))._executable.library.source.opt
        assert options.codegen_level == 1
        passes.append(options.passes)
    assert passes == [jit.CLEANUP, ("sroa",)]


def test_effort_is_known_of_code_from_the_disk_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its assembly is made again as the code was."""
    monkeypatch.setenv("TAPEC_CACHE", "1")
    monkeypatch.setenv("TAPEC_CACHE_DIR", str(tmp_path / "cache"))
    graph = graph_of(_formula, np.zeros(51))
    made, found = compile_graph(graph).library, compile_graph(graph).library
    assert (made.cached, found.cached) == (False, True)
    assert found.source == made.source and found.assembly == made.assembly


def test_bits_do_not_depend_on_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Level 1 against level 2 of one program."""
    x = np.random.default_rng(0).normal(size=77)
    quick = compile_graph(graph_of(_formula, x))
    monkeypatch.setattr("tapec.runtime.driver._REPEATED", 0)
    good = compile_graph(graph_of(_formula, x))
    assert [e.library.source.opt.codegen_level for e in (quick, good)] == [1, 2]
    assert quick.run([x])[1][0].tobytes() == good.run([x])[1][0].tobytes()


def test_a_loop_whose_end_the_data_decide_counts_as_long() -> None:
    """Of its rounds nobody knows the number beforehand."""

    def halved(x: tp.Tensor) -> tp.Tensor:
        return tp.while_loop(lambda y: np.sum(y) > 1.0, lambda y: y * 0.5, x)

    function = tp.function(halved)
    function(np.ones(3))
    executable = function.inspect(np.ones(3))._executable
    assert isinstance(executable, Executable)
    assert waits_for_data(executable.program.steps)
    assert executable.library.source.opt.codegen_level == 2
