"""Behaviours of the tape: watching, recording, nesting, misuse. Each test has its id in the yardstick."""

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp
from tapec.errors import ConsumedTapeError, DisconnectedGradientWarning


def test_gt030_recording_stopped():
    v = tp.Variable(3.0)
    with tp.GradientTape() as tape, tape.stop_recording():
        y = v * v
    assert tape.gradient(y, v) is None


def test_gt032_reset_forgets_what_was_before():
    v = tp.Variable(1.0)
    with tp.GradientTape() as tape:
        loss = v * v
        tape.reset()
        loss = loss + v * v
    assert values(tape.gradient(loss, v)) == 2.0


def test_gt034_watched_variables_over_time():
    v = tp.Variable(1.0)
    seen = []
    with tp.GradientTape() as tape:
        seen.append(tape.watched_variables())
        v.value()
        seen.append(tape.watched_variables())
        tape.reset()
        seen.append(tape.watched_variables())
        v.value()
        seen.append(tape.watched_variables())
    assert seen == [(), (v,), (), (v,)]


def test_gt038_entering_a_tape_that_records():
    with tp.GradientTape() as tape, pytest.raises(ValueError, match="Tape is still recording"), tape:
        pass


def test_gt040_nested_tapes_of_which_the_outer_watches_less():
    x1, x2 = tp.Variable(2.0, trainable=False), tp.Variable(2.0, trainable=False)
    with tp.GradientTape() as outer:
        outer.watch(x1)
        with tp.GradientTape() as inner:
            inner.watch([x1, x2])
            y, z = x1**3, x2**2
        first = inner.gradient([y, z], [x1, x2])
    assert values(outer.gradient(first, [x1, x2])) == [12.0, None]


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("source", ["tensor", "variable"])
def test_gt044_gt310_gt314_derivatives_of_any_order(source, persistent):
    x = tp.Variable(0.7) if source == "variable" else constant(0.7)

    def derivative(f):
        def of():
            with tp.GradientTape(persistent=persistent) as tape:
                tape.watch(x)
                y = f()
            return tape.gradient(y, x)

        return of

    def f():
        return np.cos(x)

    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)):
        assert values(f()) == pytest.approx(expected, rel=1e-14)
        f = derivative(f)
    with tp.GradientTape() as outer:
        zero = constant(0.0)
        outer.watch(zero)
        with tp.GradientTape() as inner:
            inner.watch(zero)
            y = np.exp(zero)
        first = inner.gradient(y, zero)
    assert values(outer.gradient(first, zero)) == 1.0


def test_gt312_any_order_by_watched_variables():
    v = tp.Variable(2.0)

    def derivative(f):
        def of():
            with tp.GradientTape() as tape:
                y = f()
            return tape.gradient(y, tape.watched_variables())[0]

        return of

    def f():
        return np.cos(v)

    for expected in (np.cos(2.0), -np.sin(2.0), -np.cos(2.0)):
        assert values(f()) == pytest.approx(expected, rel=1e-14)
        f = derivative(f)


def test_gt054_one_tape_in_two_blocks():
    x = constant(3.0)
    tape = tp.GradientTape()
    with tape:
        tape.watch(x)
        y = 2 * x
    with tape:
        z = 2 * y
    assert values(tape.gradient(z, [x])) == [4.0]


def test_gt058_an_inner_gradient_added_to_its_source():
    x = constant(3.0)
    with tp.GradientTape() as outer:
        outer.watch(x)
        y = x * x
        with tp.GradientTape() as inner:
            inner.watch(y)
            z = 2 * y
        slope = inner.gradient(z, y)
        y = y + slope
    assert values(slope) == 2.0
    assert values(outer.gradient(y, x)) == 6.0


def test_gt060_a_condition_executed_eagerly():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = tp.cond(x < x, lambda: x, lambda: x * x)
    assert values(tape.gradient(y, x)) == 6.0


def test_gt062_gt396_a_second_gradient_of_a_tape_that_is_not_persistent():
    x = constant(3.0)
    for again in ("gradient", "jacobian"):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        tape.gradient(y, x)
        with pytest.raises(RuntimeError, match="A non-persistent GradientTape can only"):
            getattr(tape, again)(y, x)


def test_gt064_a_jacobian_inside_the_block():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        z = (x * x) ** 2
        assert values(tape.jacobian(z, x)) == 108.0


def test_gt070_persistent_tapes_inside_each_other():
    x = constant(3.0)
    with tp.GradientTape(persistent=True) as outer:
        outer.watch(x)
        y = x * x
        with tp.GradientTape(persistent=True) as inner:
            inner.watch(y)
            z = 2 * y
        slopes = [inner.gradient(z, [y]) for _ in range(2)]
        del inner
        total = y + slopes[0][0]
    assert values(slopes) == [[2.0], [2.0]]
    assert values(outer.gradient(total, [x])) == [6.0]
    assert values(outer.gradient(z, [x])) == [12.0]


def test_gt104_only_what_is_watched():
    x1, x2 = tp.Variable(2.0), tp.Variable(1.0)
    with tp.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x2)
        y, z = x1**2, x2**3
    assert tape.watched_variables() == (x2,)
    assert values(tape.gradient([y, z], [x1, x2])) == [None, 3.0]


def test_gt112_watching_an_array():
    with tp.GradientTape() as tape, pytest.raises(ValueError, match=r"Passed in object .* of type 'ndarray'"):
        tape.watch(np.array(1.0))


def test_gt114_watched_variables_after_the_gradient():
    x = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    assert tape.watched_variables() == (x,)


def test_gt116_watch_reset_watch():
    x, z = tp.Variable(2.0), tp.Variable(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        tape.watch(z)
        assert tape.watched_variables() == (z,)


def test_gt140_a_batch_jacobian_of_rank_one():
    x = constant([1.0, 2.0])
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = np.ones((2, 2)) * x
    with pytest.raises(ValueError, match=r"Shape \(2,\) must have rank at least 2"):
        tape.batch_jacobian(y, x)


def test_gt378_a_variable_that_is_assigned():
    v = tp.Variable(2.0)
    assert values(np.square(v)) == 4.0
    assert values(v.assign_add(np.square(v))) == 6.0


def test_gt380_watched_too_late():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        y = x * x
        tape.watch(x)
    with pytest.warns(DisconnectedGradientWarning, match="before tape.watch"):
        assert tape.gradient(y, x) is None


def test_gt382_variables_that_are_not_trainable():
    v = tp.Variable(3.0, trainable=False)
    with tp.GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v) is None


def test_gt384_a_variable_plus_a_number_is_a_tensor():
    v = tp.Variable(3.0) + 0.0
    with tp.GradientTape() as tape:
        y = v * v
    assert isinstance(v, tp.Tensor)
    assert tape.gradient(y, v) is None


def test_gt398_stopping_a_tape_that_does_not_record():
    tape = tp.GradientTape()
    with (
        pytest.raises(RuntimeError, match="Trying to stop recording a tape which is not recording"),
        tape.stop_recording(),
    ):
        pass


def test_gt412_state_in_between():
    x0, x1 = tp.Variable(3.0), tp.Variable(0.0)
    with tp.GradientTape() as tape:
        x1.assign_add(x0)
        y = x1**2
    with pytest.warns(DisconnectedGradientWarning, match="no derivative flows through state"):
        assert tape.gradient(y, x0) is None


def test_gt416_the_jacobian_of_a_list():
    x = constant([1.0, 2.0])
    with tp.GradientTape() as tape:
        tape.watch(x)
        targets = [x * 2, x * 3]
    with pytest.raises(TypeError, match="`target` of jacobian should be one tensor"):
        tape.jacobian(targets, x)


def test_a_consumed_tape_is_an_error_of_its_own_class():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(ConsumedTapeError, match="persistent=True"):
        tape.gradient(y, x)
