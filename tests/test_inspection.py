"""`f.inspect(...)`: stages, figures and the memory table."""

from pathlib import Path

import numpy as np
import pytest

import tapec as tp
from tapec.inspection import MemoryTable

X = np.linspace(-1.0, 1.0, 1000)


def loss(x, k):
    return np.sum(np.maximum(x * k, 0.0) * 2.0 + x)


def test_every_stage_has_its_text():
    inspection = tp.grad(loss).inspect(X, 3.0)
    assert next(iter(inspection.stages)) == "recorded graph"
    assert list(inspection.stages)[-1] == "assembly"
    assert list(inspection.stages)[:3] == ["recorded graph", "joint graph", "graph after passes"]
    assert '"tapec.sum"' in inspection.recorded
    assert "adjoint" not in inspection.recorded
    assert "adjoint" in inspection.joint
    assert '"tapec.sum"' not in inspection.optimised  # the gradient does not read the value
    assert "define i64 @kernel" in inspection.llvm_ir
    assert "kernel" in inspection.assembly
    for name, text in inspection.stages.items():
        assert text.strip()
        assert f"---- {name} ----\n{text.rstrip()}" in str(inspection)


def test_a_profile_has_every_step_and_changes_nothing():
    count = tp.Variable(1.0)

    @tp.function
    def step(x):
        count.assign_add(1.0)
        y = np.argsort(np.tanh(x)) * 1.0
        return tp.fori_loop(0, 3, lambda _, y: np.cumsum(y) * 0.5, y), count + 0.0

    x = np.linspace(-1.0, 1.0, 5000)
    seen = step.inspect(x)
    before = count.numpy().copy()
    profile = seen.profile(0.01)
    assert count.numpy() == before
    outer = [s for s in profile.steps if s.depth == 0]
    tanh = next(s for s in outer if s.words == "loops over 5000: tanh")
    assert tanh.line.filename == __file__
    assert "argsort 5000" in [s.words for s in outer]
    (loop,) = [s for s in outer if "cumsum" in s.words]
    assert loop.words.startswith("3 rounds: ")
    (inner,) = [s for s in profile.steps if s.depth == 1 and "cumsum" in s.words]
    assert (loop.runs, inner.runs) == (1, 3)
    assert 0.0 < inner.seconds <= loop.seconds < profile.seconds
    shown = str(profile).splitlines()
    assert len(shown) == 1 + len(profile.steps)
    assert any("argsort 5000" in line and f"{Path(__file__).name}:" in line for line in shown)
    assert any("cumsum 5000 x 3" in line for line in shown)


def test_what_is_too_short_for_a_clock_has_none():
    seen = tp.function(lambda x: tp.fori_loop(0, 3, lambda _, y: np.cumsum(y) * 0.5, x)).inspect(np.ones(4))
    steps = seen.profile(0.001).steps
    assert {s.depth for s in steps} == {0}
    assert any(s.words.startswith("3 rounds: ") for s in steps)


def test_a_profile_of_what_does_not_run_any_more_is_an_error():
    table, at = np.arange(5.0), tp.Variable(np.array([1, 2]))
    seen = tp.function(lambda x: x[at]).inspect(table)
    assert seen.profile(0.001).seconds > 0.0
    at.assign(np.array([1, 7]))
    with pytest.raises(tp.errors.ProfilingError, match="does not run to its end"):
        seen.profile(0.001)


def test_figures():
    inspection = tp.function(lambda x: np.sum(np.sqrt(x * x + 1.0))).inspect(X)
    assert inspection.recorded_ops == 4
    assert inspection.joint == inspection.recorded
    assert inspection.kernels == 1
    assert 0.0 < inspection.compile_seconds < 60.0
    assert inspection.memory == MemoryTable(plain=3 * X.nbytes + 8, kept=0)
    assert "kernels after fusion  1\n" in inspection.summary
    assert f"would keep  {3 * X.nbytes + 8:,} bytes" in str(inspection)


def test_views_and_constants_are_no_intermediates():
    inspection = tp.function(lambda x: np.reshape(x, (10, 100)).T * 2.0).inspect(X)
    assert inspection.memory.plain == X.nbytes


def test_pruning_keeps_less_than_plain_reverse_mode():
    memory = tp.value_and_grad(loss).inspect(X, 3.0).memory
    assert memory.plain == 4 * X.nbytes + 8
    assert memory.kept < memory.plain


def test_an_update_behind_the_backward_pass_is_no_intermediate():
    @tp.function
    def step(x, rate):
        value, gradient = tp.value_and_grad(loss)(x, 3.0)
        return x - rate * gradient, value

    assert step.inspect(X, 0.5).memory == tp.value_and_grad(loss).inspect(X, 3.0).memory


def test_inspecting_uses_the_path_that_the_arguments_take():
    f = tp.function(lambda x: np.exp(x) if np.sum(x) > 0 else np.sin(x))
    assert '"tapec.exp"' in f.inspect(np.ones(2)).recorded
    assert '"tapec.sin"' in f.inspect(-np.ones(2)).recorded
    assert '"tapec.exp"' in f.inspect(np.ones(2)).recorded
    assert f.recordings == 2


def test_what_runs_eagerly_has_nothing_to_show():
    f = tp.function(lambda x: x * float(x))
    with pytest.warns(tp.errors.EagerFallbackWarning), pytest.raises(tp.errors.CompilationError, match="runs eagerly"):
        f.inspect(2.0)


def test_ways_beyond_max_paths_have_nothing_to_show():
    f = tp.function(lambda x: np.exp(x) if np.sum(x) > 0 else np.sin(x), max_paths=1)
    f(np.ones(2))
    with pytest.warns(tp.errors.EagerFallbackWarning), pytest.raises(tp.errors.CompilationError, match="runs eagerly"):
        f.inspect(-np.ones(2))
    assert '"tapec.exp"' in f.inspect(np.ones(2)).recorded
