"""`GradientTape`: what is watched, targets and sources, persistence, nesting, and errors."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest

import tapec as tp
from tapec.dispatch import apply
from tapec.errors import (
    ConsumedTapeError,
    DisconnectedGradientWarning,
    NotDifferentiableError,
    ShapeError,
    TapeThreadError,
)
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE


@pytest.fixture(autouse=True)
def no_recorder_stays():
    yield
    assert ACTIVE.recorders == []
    assert ACTIVE.phase == "primal"
    assert ACTIVE.location is None


def values(tree):
    if isinstance(tree, list | tuple):
        return [values(x) for x in tree]
    return None if tree is None else tree.numpy().tolist()


def constant(x):
    return tp.constant(np.asarray(x, np.float64))


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


# Errors --------------------------------------------------------------------------------------------------------------


def test_reentering_an_active_tape():
    with tp.GradientTape() as tape, pytest.raises(ValueError, match="Tape is still recording"):
        tape.__enter__()


def test_watching_something_else_names_its_type():
    with tp.GradientTape() as tape:
        with pytest.raises(ValueError, match="ndarray"):
            tape.watch(np.ones(2))
        x = constant(1.0)
        with pytest.raises(ValueError, match="of type 'int'"):
            tape.watch([x, 3])
        y = x * x
    assert tape.gradient(y, x) is None  # nothing was watched by the call that failed


def test_targets_and_sources_of_other_types():
    x = tp.Variable(1.0)
    with tp.GradientTape() as tape:
        y = x * x
    with pytest.raises(TypeError, match=r"`target` should be .* received None"):
        tape.gradient(None, x)
    with pytest.raises(TypeError, match=r"`sources` should be .* received 3.0"):
        tape.gradient(y, 3.0)
    assert values(tape.gradient(y, x)) == 2.0  # the tape is still good


def test_an_op_without_a_rule_is_a_lookup_error_that_names_it_and_the_line():
    primitive = Primitive("adjust_contrast", ew.ELEMENTWISE, 1, np.abs, "Not in the table.", operand_kinds="f")
    x = tp.Variable(1.0)
    with tp.GradientTape(persistent=True) as tape:
        y = apply(primitive, (x.value(),))
        z = x * x
    with pytest.raises(NotDifferentiableError, match=rf"'adjust_contrast' at {__file__}:\d+"):
        tape.gradient(y, x)
    with pytest.raises(LookupError):
        tape.gradient([y, z], x)
    assert values(tape.gradient(z, x)) == 2.0


def test_an_error_in_the_block_leaves_no_recorder():
    tape = tp.GradientTape()
    with pytest.raises(ZeroDivisionError), tape:
        _ = 1 // 0
    assert ACTIVE.recorders == []
    with tp.GradientTape() as tape:
        x = tp.Variable(np.ones(3))
        with pytest.raises(ShapeError), tape.stop_recording():
            x + np.ones(4)
        y = np.sum(x)
    assert values(tape.gradient(y, x)) == [1.0] * 3


def test_another_thread_may_not_use_the_tape():
    x = tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        y = x * x
    refused = []

    def elsewhere():
        for use in (lambda: tape.gradient(y, x), lambda: tape.watch(x), tape.reset, tape.__enter__):
            with pytest.raises(TapeThreadError, match="another thread"):
                use()
            refused.append(use)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(refused) == 4
    assert values(tape.gradient(y, x)) == 4.0


def test_tapes_of_several_threads_do_not_meet():
    x = tp.Variable(np.arange(5.0))
    results = {}
    barrier = threading.Barrier(4)

    def work(n):
        barrier.wait()
        for _ in range(20):
            with tp.GradientTape() as tape:
                y = x
                for _ in range(n):
                    y = y * x
                y = np.sum(y)
            results.setdefault(n, []).append(values(tape.gradient(y, x)))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(1, 5):
        expected = [(n + 1) * k**n for k in range(5)]
        np.testing.assert_allclose(results[n], [expected] * 20)


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
