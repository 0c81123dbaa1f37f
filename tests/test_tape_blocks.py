"""The blocks of a `GradientTape`: persistence, stopping, nesting, and plans that are used again."""

import numpy as np
import pytest
from tape_values import constant, values

import tapec as tp
from tapec.errors import (
    ConsumedTapeError,
)
from tapec.recording import ACTIVE

pytestmark = pytest.mark.usefixtures("no_recorder_stays")

# Persistence and the with block --------------------------------------------------------------------------------------


def test_a_persistent_tape_answers_again():
    x = constant([1.0, 3.0])
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    for _ in range(2):
        assert values(tape.gradient(z, x)) == [4.0, 108.0]
        assert values(tape.gradient(y, x)) == [2.0, 6.0]


def test_a_consumed_tape_says_so():
    x = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(ConsumedTapeError, match="A non-persistent GradientTape can only"):
        tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.watch(x)


def test_a_consumed_tape_can_be_entered_again():
    x = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with tape:
        y = x**3
    assert values(tape.gradient(y, x)) == 12.0


def test_two_blocks_of_one_tape_go_on_recording():
    x = constant(3.0)
    tape = tp.GradientTape()
    with tape:
        tape.watch(x)
        y = 2.0 * x
    with tape:
        z = 2.0 * y
    assert values(tape.gradient(z, x)) == 4.0


def test_gradient_inside_the_block():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        assert values(tape.gradient(y, x)) == 6.0
        assert ACTIVE.recorders == []


def test_a_persistent_tape_records_its_own_gradients_inside_the_block():
    x = constant(3.0)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**3
        g = tape.gradient(y, x)
        h = tape.gradient(g, x)
    assert values(tape.gradient([g, h], x)) == 18.0 + 6.0


def test_stop_recording():
    v = tp.Variable(1.5)
    with tp.GradientTape(persistent=True) as tape:
        with tape.stop_recording():
            y = v * v
        z = v * v
    assert tape.gradient(y, v) is None
    assert values(tape.gradient(z, v)) == 3.0
    with pytest.raises(RuntimeError, match="not recording"), tape.stop_recording():
        pass


def test_stop_recording_stops_one_tape_only():
    x = constant(2.0)
    with tp.GradientTape() as outer, tp.GradientTape() as inner:
        outer.watch(x)
        inner.watch(x)
        with outer.stop_recording():
            y = x * x
    assert outer.gradient(y, x) is None
    assert values(inner.gradient(y, x)) == 4.0


def test_reset_forgets_watched_tensors():
    x, z = constant(1.0), constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        tape.watch(z)
        y = x * z
    assert values(tape.gradient(y, [x, z])) == [None, 1.0]


# Nesting -------------------------------------------------------------------------------------------------------------


def test_nested_tapes_give_any_order():
    def derivative(f):
        def g(x):
            with tp.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            return tape.gradient(y, x)

        return g

    f, expected = np.sin, [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]
    x = constant(0.7)
    for e in expected:
        f = derivative(f)
        assert f(x).numpy() == pytest.approx(e(0.7), rel=1e-15)


def test_outer_gradient_of_a_value_and_an_inner_gradient():
    x = constant(3.0)
    with tp.GradientTape() as outer:
        outer.watch(x)
        y = x * x
        with tp.GradientTape() as inner:
            inner.watch(y)
            z = y * y
        total = y + inner.gradient(z, y)
    assert values(outer.gradient(total, x)) == 6.0 + 12.0


def test_inner_gradients_may_be_taken_after_the_outer_block():
    x1, x2 = tp.Variable(2.0, trainable=False), tp.Variable(2.0, trainable=False)
    with tp.GradientTape(persistent=True) as outer:
        outer.watch(x1)
        with tp.GradientTape() as inner:
            inner.watch([x1, x2])
            y, z = x1**3, x2**2
        g1, g2 = inner.gradient([y, z], [x1, x2])
    assert values(outer.gradient(g1, x1)) == 12.0
    assert outer.gradient(g2, x2) is None


def test_output_gradients_are_differentiable():
    x, ct = constant([1.0, 2.0]), constant([3.0, 4.0])
    with tp.GradientTape() as outer:
        outer.watch(ct)
        with tp.GradientTape() as inner:
            inner.watch(x)
            y = x * x
        g = inner.gradient(y, x, ct)
    assert values(outer.gradient(g, ct)) == [2.0, 4.0]


# Plans ---------------------------------------------------------------------------------------------------------------


def test_one_structure_is_planned_once(monkeypatch):
    from tapec import tape_derivatives

    built = []
    program = tape_derivatives.ArrayProgram
    monkeypatch.setattr(tape_derivatives, "_PLANS", {})
    monkeypatch.setattr(tape_derivatives, "ArrayProgram", lambda graph: built.append(graph) or program(graph))

    def step(x, factor):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = np.sum(np.sin(x) * factor)
        return values(tape.gradient(y, x))

    first = step(constant([0.0, 1.0]), 2.0)
    assert step(constant([0.0, 1.0]), 2.0) == first
    assert step(constant([0.0, 3.0]), 2.0) != first
    assert len(built) == 1
    assert step(constant([0.0, 1.0]), 3.0) == pytest.approx(np.array(first) * 1.5)  # another literal, another graph
    assert step(constant([0.0]), 2.0) == [2.0]
    assert len(built) == 3
