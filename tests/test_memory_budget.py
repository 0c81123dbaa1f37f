"""`memory_budget=`: gradients in less memory, with the same bits."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.errors import MemoryBudgetError
from tapec.ops import contraction
from tapec.passes.memory_budget import MemoryBudget
from tapec.passes.memory_flow import MemoryFlow, peak, recomputing
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import optimised

RNG = np.random.default_rng(0)
LAYERS, ROWS, WIDTH = 16, 64, 24
WEIGHTS = [RNG.normal(size=(WIDTH, WIDTH)) / 5 for _ in range(LAYERS)]
X = RNG.normal(size=(ROWS, WIDTH))
ONE = ROWS * WIDTH * 8  # bytes of a layer's result
POSITIONS = tuple(range(LAYERS + 1))


def deep(x, *weights):
    for i, w in enumerate(weights):  # no layer like another one, so that they stay as they are
        x = np.tanh(x @ w) * (1.0 + 0.1 * i)
    return np.sum(x * x)


def executable(f: Any, *args: Any) -> Any:
    _, path = f._run(f._take_apart(args, {}))
    return path.executable


def products(f: Any, *args: Any) -> int:
    return sum(op.primitive is contraction.matmul for op in executable(f, *args).graph.ops)


def same_bits(found: Any, expected: Any) -> None:
    assert found[0] == expected[0]
    for a, b in zip(found[1], expected[1], strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_bytes_products_and_bits():
    """Less memory for more products, and never other bits; two layers' results each are kept without a budget."""
    plain = tp.value_and_grad(deep, argnums=POSITIONS)
    expected = plain(X, *WEIGHTS)
    before = executable(plain, X, *WEIGHTS)
    counts = [products(plain, X, *WEIGHTS)]
    for budget in (LAYERS * ONE, LAYERS // 2 * ONE):
        f = tp.value_and_grad(deep, argnums=POSITIONS, memory_budget=budget)
        same_bits(f(X, *WEIGHTS), expected)
        made = executable(f, X, *WEIGHTS)
        assert made.residual_bytes <= budget < before.residual_bytes
        assert made.program.arena_bytes < 0.7 * before.program.arena_bytes
        counts.append(products(f, X, *WEIGHTS))
    assert counts[0] == counts[1] == 3 * LAYERS  # elementwise functions are done again first
    assert counts[1] < counts[2] < 4 * LAYERS  # and then layers, each at most once


def test_against_central_differences():
    f = tp.grad(deep, memory_budget=8 * ONE)
    found = f(X, *WEIGHTS)
    v = RNG.normal(size=X.shape)
    slope = (deep(X + 1e-6 * v, *WEIGHTS) - deep(X - 1e-6 * v, *WEIGHTS)) / 2e-6
    np.testing.assert_allclose(np.sum(found * v), slope, rtol=1e-6)


def test_a_budget_that_is_too_small():
    f = tp.grad(deep, memory_budget=3 * ONE)
    with pytest.raises(MemoryBudgetError, match=r"memory_budget=36,864 can't be met") as raised:
        f(X, *WEIGHTS)
    message = str(raised.value)
    needed = int(re.search(r"needs ([\d,]+) bytes", message)[1].replace(",", ""))
    assert "test_memory_budget.py" in message
    assert "12,288 bytes: the tensor<64x24xf64> of tanh at " in message
    tp.grad(deep, memory_budget=needed)(X, *WEIGHTS)
    with pytest.raises(ValueError, match="must not be negative"):
        tp.grad(deep, memory_budget=-1)


def test_of_functions_that_hold_gradients():
    """As an option of `tp.function`, for a training step; what follows the backward pass is left as it is."""

    def step(x, *weights):
        value, gradients = tp.value_and_grad(deep, argnums=POSITIONS[1:])(x, *weights)
        return value, tuple(w - 0.01 * g for w, g in zip(weights, gradients, strict=True))

    expected = tp.function(step)(X, *WEIGHTS)
    budgeted = tp.function(memory_budget=8 * ONE)(step)
    same_bits(budgeted(X, *WEIGHTS), expected)
    assert executable(budgeted, X, *WEIGHTS).residual_bytes <= 8 * ONE


def test_together_with_checkpoint():
    """What `tp.checkpoint` leaves out is not counted, and is done once more all the same."""

    def blocks(x, *weights):
        pair = tp.checkpoint(lambda x, a, b: np.tanh(np.tanh(x @ a) @ b))
        for i in range(0, LAYERS, 2):
            x = pair(x, *weights[i : i + 2]) * (1.0 + 0.1 * i)
        return np.sum(x * x)

    plain = tp.value_and_grad(blocks, argnums=POSITIONS)
    expected = plain(X, *WEIGHTS)
    f = tp.value_and_grad(blocks, argnums=POSITIONS, memory_budget=6 * ONE)
    same_bits(f(X, *WEIGHTS), expected)
    assert executable(f, X, *WEIGHTS).residual_bytes <= 6 * ONE < executable(plain, X, *WEIGHTS).residual_bytes


def test_loops_and_sorts_are_done_again():
    def f(x):
        h = tp.scan(lambda c, k: (np.sin(c) * k, None), np.exp(x) * 0.5, np.linspace(0.5, 1.0, 5))[0]
        y = np.sort(np.cumsum(h))
        return np.sum(np.sin(y) * np.cos(h))

    x = RNG.normal(size=40)
    plain = tp.value_and_grad(f)
    value, gradient = plain(x)
    for budget in (3_000, 100_000):
        found = tp.value_and_grad(f, memory_budget=budget)(x)
        assert found[0] == value
        assert found[1].tobytes() == gradient.tobytes()
    with pytest.raises(MemoryBudgetError, match="of scan at"):
        tp.value_and_grad(f, memory_budget=1_000)(x)


# The pass -------------------------------------------------------------------------------------------------------------


def test_the_flow_of_a_graph():
    """What crosses, what is computed again, and how much is alive at once."""
    f = tp.value_and_grad(lambda x: np.sum(np.exp(np.sin(x))))
    x = np.linspace(0.0, 1.0, 10)
    graph = optimised(executable(f, x).recorded)
    flow = MemoryFlow(graph)
    assert {v.op.primitive.name for v in flow.crossing} == {"exp"}
    everything = recomputing(flow, set(flow.crossing))
    assert str(everything.graph) == str(graph)
    assert peak(everything)[0] == 80
    nothing = recomputing(flow, ())
    assert [op.primitive.name for op in nothing.again] == ["sin", "exp"]
    assert {op.phase for op in nothing.again} == {"adjoint"}
    assert peak(nothing)[0] == 0  # one nest does all of it
    for a, b in zip(interpret(nothing.graph, [x])[0], interpret(graph, [x])[0], strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert str(MemoryBudget(0).run(graph)) == str(nothing.graph)


def test_graphs_without_a_backward_pass_stay():
    f = tp.function(lambda x: np.exp(x), memory_budget=0)
    graph = executable(f, np.ones(3)).recorded
    assert MemoryBudget(0).run(graph) is graph


def test_on_a_device():
    """The same plans there: less memory, the same bits; and a launch plan shows it."""
    expected = tp.grad(deep)(X, *WEIGHTS)
    with tp.device("emulated"):
        budgeted = tp.grad(deep, memory_budget=8 * ONE)
        np.testing.assert_array_equal(budgeted(X, *WEIGHTS), expected)
        with pytest.raises(MemoryBudgetError, match="can't be met"):
            tp.grad(deep, memory_budget=3 * ONE)(X, *WEIGHTS)

    def arena(**options):
        plan = tp.grad(deep, **options).inspect(X, *WEIGHTS).launch_plan
        return int(re.search(r"arena: (\d+) bytes", plan)[1])

    assert arena(memory_budget=8 * ONE) < arena()
