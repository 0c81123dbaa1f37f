"""`GradientTape`: what is watched, targets and sources."""

from dataclasses import dataclass

import numpy as np
import pytest
from tape_values import constant, values

import tapec as tp
from tapec.errors import (
    DisconnectedGradientWarning,
    ShapeError,
)

pytestmark = pytest.mark.usefixtures("no_recorder_stays")

# What is watched -----------------------------------------------------------------------------------------------------


def test_the_guides_first_example():
    x = tp.Variable(3.0)
    with tp.GradientTape() as tape:
        y = x**2
    assert values(tape.gradient(y, x)) == 6.0


def test_only_trainable_variables_are_watched_by_themselves():
    x0, x1 = tp.Variable(3.0, name="x0"), tp.Variable(3.0, name="x1", trainable=False)
    x2, x3 = tp.Variable(2.0, name="x2") + 1.0, constant(3.0)
    with tp.GradientTape() as tape:
        y = x0**2 + x1**2 + x2**2
    assert values(tape.gradient(y, [x0, x1, x2, x3])) == [6.0, None, None, None]
    assert [v.name for v in tape.watched_variables()] == ["x0:0"]


def test_without_watching_accessed_variables():
    x0, x1 = tp.Variable(0.0), tp.Variable(10.0)
    with tp.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x1)
        y = np.sum(np.sin(x0) + x1 * x1)
    grad = tape.gradient(y, {"x0": x0, "x1": x1})
    assert grad["x0"] is None
    assert values(grad["x1"]) == 20.0
    assert tape.watched_variables() == (x1,)


def test_watching_a_non_trainable_variable():
    v = tp.Variable(3.0, trainable=False)
    with tp.GradientTape() as tape:
        tape.watch(v)
        y = v * v
    assert values(tape.gradient(y, v)) == 6.0


def test_what_came_before_watch_is_not_connected():
    x = constant(3.0)
    with tp.GradientTape(persistent=True) as tape:
        y = x * x
        tape.watch(x)
        z = x * x * x
    with pytest.warns(DisconnectedGradientWarning, match="before tape.watch was called"):
        assert tape.gradient(y, x) is None
    assert values(tape.gradient(z, x)) == 27.0


def test_watched_variables_over_the_life_of_a_tape():
    v = tp.Variable(1.0)
    tape = tp.GradientTape()
    assert tape.watched_variables() == ()
    with tape:
        loss = v * v
        assert tape.watched_variables() == (v,)
        tape.reset()
        assert tape.watched_variables() == ()
        loss = loss + v * v
        assert tape.watched_variables() == (v,)
    assert values(tape.gradient(loss, v)) == 2.0
    assert tape.watched_variables() == (v,)


def test_containers_of_tensors_can_be_watched():
    a, b = constant(1.0), constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch({"a": a, "rest": [b]})
        y = a * b
    assert values(tape.gradient(y, [a, b])) == [2.0, 1.0]


def test_assignment_blocks_gradients_and_later_reads_are_the_variables_own():
    x0, x1 = tp.Variable(3.0), tp.Variable(0.0)
    with tp.GradientTape(persistent=True) as tape:
        early = 5.0 * x1
        x1.assign_add(x0)
        y = x1**2
    with pytest.warns(DisconnectedGradientWarning, match="x0 goes into the Variable"):
        assert tape.gradient(y, x0) is None
    assert values(tape.gradient(y, x1)) == 6.0
    assert values(tape.gradient([early, y], x1)) == 11.0  # the sum over both values that x1 had


def test_replacing_a_variable_by_a_tensor_disconnects_it():
    x = tp.Variable(2.0)
    found = []
    for _ in range(2):
        with tp.GradientTape() as tape:
            y = x + 1
        if found:
            with pytest.warns(DisconnectedGradientWarning, match=r"`x = x \+ 1` replaced the Variable"):
                found.append(tape.gradient(y, x))
        else:
            found.append(values(tape.gradient(y, x)))
        x = x + 1
    assert found == [1.0, None]


def test_control_flow_follows_the_branch_taken():
    x, v0, v1 = constant(1.0), tp.Variable(2.0), tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        result = v0 if x > 0.0 else v1**2
    assert values(tape.gradient(result, [v0, v1, x])) == [1.0, None, None]


# Targets and sources -------------------------------------------------------------------------------------------------


def test_structures_of_sources_come_back():
    @dataclass
    class Model:
        w: object
        b: object

    w, b = tp.Variable([[1.0], [2.0]]), tp.Variable([0.5])
    with tp.GradientTape(persistent=True) as tape:
        loss = np.sum((np.array([[1.0, 3.0]]) @ w + b) ** 2)
    grad = tape.gradient(loss, {"model": Model(w, b), "all": (w, [b])})
    assert values(grad["model"].w) == [[15.0], [45.0]]
    assert values(grad["model"].b) == [15.0]
    assert values(grad["all"]) == [[[15.0], [45.0]], [[15.0]]]
    assert tape.gradient(loss, []) == []


def test_intermediate_results_are_sources_too():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert values(tape.gradient(z, [x, y])) == [108.0, 18.0]


def test_several_targets_add():
    x = tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        y0, y1 = x**2, 1 / x
        y2 = x * [3.0, 4.0]
    assert values(tape.gradient({"y0": y0, "y1": y1}, x)) == 3.75
    assert values(tape.gradient(y2, x)) == 7.0
    assert values(tape.gradient([y0, y0], x)) == 8.0


def test_a_source_among_the_targets():
    x = constant(3.0)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = 2.0 * x
    assert values(tape.gradient(x, x)) == 1.0
    assert values(tape.gradient([x, y], x)) == 3.0
    assert values(tape.gradient([y, y], [x, y])) == [4.0, 2.0]


def test_targets_that_are_chained():
    x = constant(3.0)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**2
        y2 = (y**2) ** 2
        total = y + y2
    assert values(tape.gradient([y, y2], x)) == 17502.0
    assert values(tape.gradient(total, x)) == 17502.0


def test_output_gradients():
    a, b = tp.Variable([1.0, 2.0]), tp.Variable(3.0)
    with tp.GradientTape(persistent=True) as tape:
        y, z = a * a, a * b
    assert values(tape.gradient(y, a, output_gradients=[10.0, 1.0])) == [20.0, 4.0]
    assert values(tape.gradient([y, z], b, [np.ones(2), constant([1.0, 2.0])])) == 5.0
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        tape.gradient(y, a, np.ones(3))
    with pytest.raises(ValueError, match="holds None"):
        tape.gradient([y, z], a, [None, np.ones(2)])
    with pytest.raises(ValueError, match="as the targets: expected a list of 2, got one of 1"):
        tape.gradient([y, z], a, [np.ones(2)])
    with pytest.raises(ValueError, match="expected a list, got float"):
        tape.gradient([y, z], a, 1.0)
    assert values(tape.gradient({"y": y, "z": [z]}, b, {"z": [[1.0, 2.0]], "y": [0, 0]})) == 5.0


def test_unconnected_gradients():
    x, y = tp.Variable([2.0, 2.0], dtype=np.float32), tp.Variable(3.0)
    with tp.GradientTape(persistent=True) as tape:
        z = y**2
    assert tape.gradient(z, x) is None
    zeros = tape.gradient(z, x, unconnected_gradients="zero")
    assert values(zeros) == [0.0, 0.0]
    assert zeros.dtype == np.float32
    assert values(tape.gradient(z, x, unconnected_gradients=tp.UnconnectedGradients.ZERO)) == [0.0, 0.0]
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'nonsense'"):
        tape.gradient(z, x, unconnected_gradients="nonsense")


def test_gradients_have_dtype_and_shape_of_their_sources():
    x = tp.Variable(np.ones((3, 1), np.float32))
    with tp.GradientTape() as tape:
        y = np.sum(x.astype(np.float64) * np.ones(4))
    grad = tape.gradient(y, x)
    assert grad.dtype == np.float32
    assert values(grad) == [[4.0]] * 3


def test_integers_warn_and_give_none():
    x = tp.constant(np.array(10))
    with tp.GradientTape() as tape:
        with pytest.warns(UserWarning, match="watched tensor must be floating .* got int64"):
            tape.watch(x)
        y = x * x
    with pytest.warns(UserWarning, match="must be floating .* got int64") as caught:
        assert tape.gradient(y, x) is None
    assert ["target" in str(w.message) for w in caught] == [True, False]
    assert all(w.filename == __file__ for w in caught)


def test_integer_results_have_no_gradient():
    x = constant([1.0, 3.0])
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x.astype(np.int64) * 1.0
    with pytest.warns(DisconnectedGradientWarning, match="becomes an integer"):
        assert tape.gradient(y, x) is None
