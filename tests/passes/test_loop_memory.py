"""What loops store for their derivatives, and how it lies in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

import tapec as tp
from tapec.ops import control
from tapec.passes.steps import Loop


def compiled(f: Any, *args: Any) -> Any:
    """The executable of a function at these arguments, after checking it against central differences."""
    gradient = tp.value_and_grad(f)
    found = gradient(*args)[1]
    step = 1e-6
    slope = (f(args[0] + step, *args[1:]).item() - f(args[0] - step, *args[1:]).item()) / (2 * step)
    np.testing.assert_allclose(np.sum(found), slope, rtol=1e-6)
    _, path = gradient._run(gradient._take_apart(args, {}))
    return path.executable


def stacked(executable: Any) -> int:
    """Number of values that each round of the first loop stores."""
    op = next(op for op in executable.graph.ops if op.primitive is control.scan)
    return len(op.results) - op.attributes["carries"]


def test_what_few_instructions_make_of_stored_carries_is_not_stored():
    """Of c + 1 and (c * k - 1) * c only c is stored; of its sine, and of what four instructions make, the value."""

    def cheap(c, k):
        return tp.scan(lambda c, _: ((c + 1.0) * ((c * k - 1.0) * c) * 0.1, None), c, None, 7)[0]

    assert stacked(compiled(cheap, 0.3, 0.7)) == 1

    def dear(c, k):
        def step(c, _):
            a = np.sin(c * k)
            b = c * k * k * k * k
            return a * b * c * 0.1, None

        return tp.scan(step, c, None, 7)[0]

    assert stacked(compiled(dear, 0.3, 0.7)) == 4  # c, its sine and cosine, b


def test_stacks_that_only_loops_read_lie_row_by_row():
    def f(x, k):
        def step(c, _):
            return ((np.sin(c[1]) * c[0], np.exp(c[0]) * k), None)

        a, b = tp.scan(step, (x, x * 0.5), None, 9)[0]
        return a + b

    loops = [step for step in compiled(f, 0.3, 0.7).program.steps if isinstance(step, Loop)]
    forward, backward = ([s for s in loop.slices if s.base is not None] for loop in loops)
    for slices in (forward, backward):
        assert len({s.base for s in slices}) == 1
        assert {s.stride for s in slices} == {len(forward)}
    assert sorted(s.offset for s in forward) == list(range(len(forward)))
    assert {s.base for s in forward} == {s.base for s in backward}


def test_stacks_that_others_read_lie_by_themselves():
    """The ys are results of the function, or summed; what they have in a round is their own."""

    def f(x):
        def step(c, _):
            return (np.sin(c) * 0.9, (np.cos(c), c * 2.0))

        c, (first, second) = tp.scan(step, x, None, 9)
        return c + np.sum(first[1:]), second

    gradient = tp.value_and_grad(f, has_aux=True)
    (_, second), _ = gradient(np.array(0.3))
    assert second.shape == (9,)
    _, path = gradient._run(gradient._take_apart((np.array(0.3),), {}))
    loop = next(step for step in path.executable.program.steps if isinstance(step, Loop))
    by_stack = {s.base: s.stride for s in loop.slices if s.base is not None and s.base.kind == "output"}
    assert list(by_stack.values()) == [1]


def test_arrays_as_rows():
    """Small arrays too, of one dtype in one place."""

    def f(x, k):
        def step(c, _):
            h, g = c
            return (np.tanh(h * k) * np.sin(h) + g.astype(np.float64), np.sin(g) * np.float32(0.5)), None

        h, g = tp.scan(step, (x * np.ones(5), np.ones(3, np.float32)[:1]), None, 6)[0]
        return np.sum(h) + np.sum(g)

    loops = [step for step in compiled(f, 0.3, 0.7).program.steps if isinstance(step, Loop)]
    slices = [s for loop in loops for s in loop.slices if s.base is not None]
    assert all(s.base.dtype is s.dtype for s in slices)
    assert any(s.size == 5 and s.stride > 5 for s in slices)
