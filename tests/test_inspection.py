"""`f.inspect(...)`: stages, figures and the memory table."""

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
