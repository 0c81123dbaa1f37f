"""A block that nobody records."""

import numpy as np
import pytest

import tapec as tp
from tapec.recording import ACTIVE
from tapec.suspension import suspended


def test_tapes_do_not_hear_and_hear_again():
    x = tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        with suspended():
            unheard = x * 3.0
        heard = x * 4.0
    assert tape.gradient(unheard, x) is None
    assert tape.gradient(heard, x).item() == 4.0


def fail(recorders):
    with suspended():
        assert recorders == []
        raise KeyError


def test_recorders_come_back_after_an_error():
    recorders = ACTIVE.recorders
    with tp.GradientTape():
        before = recorders[:]
        with pytest.raises(KeyError):
            fail(recorders)
        assert recorders == before
    assert ACTIVE.recorders is recorders


def test_what_runs_there_is_no_part_of_a_compiled_function():
    ran = []

    @tp.function
    def f(x):
        with suspended():
            ran.append(float(tp.constant(1.0) + 1.0))
        return x + ran[-1]

    assert [f(np.float64(1.0)), f(np.float64(2.0))] == [3.0, 4.0]
    assert ran == [2.0]


def test_a_variable_that_changes_behind_a_recording_is_noticed():
    v = tp.Variable(0.0, name="v")

    @tp.function
    def f(x):
        v.assign_add(x)
        with suspended():
            v.assign_add(1.0)
        return v * 1.0

    with pytest.warns(tp.errors.EagerFallbackWarning, match="v:0 assigned where the recording does not hear of it"):
        assert f(np.float64(2.0)) == 3.0
    assert f(np.float64(2.0)) == 6.0
