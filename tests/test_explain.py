"""`tape.explain`: for each cause of a missing gradient the cause, the user's line and what to do."""

import inspect
import warnings

import numpy as np
import pytest

import tapec as tp
from tapec.dispatch import apply
from tapec.ops import elementwise as ew
from tapec.ops import ordering


def constant(x):
    return tp.constant(np.asarray(x, np.float64))


def line_of(marker):
    """The line of this file that ends with the comment `# marker`."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    (line,) = [i for i, text in enumerate(lines, 1) if text.rstrip().endswith(f"# {marker}")]
    return line


def check(explanation, cause, marker, *words):
    assert explanation.cause == cause, explanation
    if marker is None:
        assert explanation.location is None
    else:
        assert explanation.location.filename == __file__
        assert explanation.location.line == line_of(marker)
        assert str(explanation).startswith(f"{__file__}:{line_of(marker)}: ")
    for word in words:
        assert word in str(explanation)


def quietly(tape, target, source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tape.gradient(target, source)


def test_never_watched():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        y = x * x  # use of an unwatched tensor
    assert tape.gradient(y, x) is None
    check(tape.explain(y, x), "never watched", "use of an unwatched tensor", "x is a Tensor", "tape.watch")


def test_not_trainable():
    v = tp.Variable(3.0, trainable=False)
    with tp.GradientTape() as tape:
        y = v * v  # use of a frozen variable
    check(tape.explain(y, v), "not trainable", "use of a frozen variable", "trainable=False", "tape.watch")


def test_accessed_variables_not_watched():
    v = tp.Variable(3.0)
    with tp.GradientTape(watch_accessed_variables=False) as tape:
        y = v * v  # use of an ignored variable
    check(tape.explain(y, v), "never watched", "use of an ignored variable", "watch_accessed_variables=False")


def test_watched_after_use():
    x = constant(3.0)
    with tp.GradientTape() as tape:
        y = x * x  # use before watch
        tape.watch(x)  # too late
    assert quietly(tape, y, x) is None
    late = line_of("too late")
    check(tape.explain(y, x), "watched after use", "use before watch", f":{late}", "before the first use")


def test_watched_after_use_as_an_operand_of_something_recorded():
    x, v = constant(3.0), tp.Variable(2.0)
    with tp.GradientTape() as tape:
        h = x + 1.0  # the early use
        y = v * x * h
        tape.watch(x)
    check(tape.explain(h, x), "watched after use", "the early use")
    check(tape.explain(y, v), "connected", None)


def test_variable_replaced_by_a_tensor():
    x = tp.Variable(2.0)
    causes = []
    for _ in range(2):
        with tp.GradientTape() as tape:
            y = x + 1.0
        if quietly(tape, y, x) is None:
            causes.append(tape.explain(y, x))
        x = x + 1.0  # replaces it
    check(causes[0], "variable replaced", "replaces it", "x = x + 1.0", "x.assign_add")
    assert len(causes) == 1


def test_a_tensor_made_of_a_variable_at_once():
    x = tp.Variable(2.0) + 1.0  # never was one
    with tp.GradientTape() as tape:
        y = x * x
    check(tape.explain(y, x), "never watched", "never was one", "makes a Tensor")


def test_left_by_numpy():
    v = tp.Variable([1.0, 2.0])
    with tp.GradientTape() as tape:
        squares = v**2
        mean = np.mean(squares.numpy())  # leaves
        y = tp.constant(mean) * 2.0
    assert quietly(tape, y, v) is None
    check(tape.explain(y, v), "left the recording", "leaves", "t.numpy()", "NumPy's functions take it")


def test_left_by_float():
    v = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        factor = float(v * v)  # leaves as a float
        y = constant(3.0) * factor
    check(tape.explain(y, v), "left the recording", "leaves as a float", "float(t)")


def test_a_value_that_left_for_printing_is_not_blamed():
    v, w = tp.Variable(2.0), tp.Variable(3.0)
    with tp.GradientTape() as tape:
        float(v * v)
        y = w * w
    check(tape.explain(y, v), "independent", None)


def test_integer_cast():
    x = constant([1.5, 2.5])
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x.astype(np.int64) * 1.0  # cast
    assert quietly(tape, y, x) is None
    check(tape.explain(y, x), "integer cast", "cast", "np.round")


def test_comparison():
    x = constant([1.5, 2.5])
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = (x > 2.0) * 1.0  # comparison
    check(tape.explain(y, x), "not differentiable", "comparison", "gt", "booleans")


def test_stop_gradient():
    x = constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        h = apply(ew.stop_gradient, (x * x,))  # stopped
        y = h + 1.0
    check(tape.explain(y, x), "stop_gradient", "stopped")


def test_state():
    x0, x1 = tp.Variable(3.0), tp.Variable(0.0, name="x1")
    with tp.GradientTape() as tape:
        x1.assign_add(x0)  # assignment
        y = x1**2
    assert quietly(tape, y, x0) is None
    check(tape.explain(y, x0), "state", "assignment", "x1", "state")


def test_an_op_declared_non_differentiable():
    x = constant([3.0, 1.0])
    with tp.GradientTape() as tape:
        tape.watch(x)
        order = apply(ordering.argsort, (x,), {"axis": 0})  # sorting
        y = order * 1.0
    check(tape.explain(y, x), "not differentiable", "sorting", "argsort", "positions are integers")


def test_computed_after_the_tape():
    v = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        _ = v * v
    y = v * v
    assert quietly(tape, y, v) is None
    check(tape.explain(y, v), "outside the tape", None, "after the tape recorded", "inside the `with` block")


def test_computed_before_the_tape():
    x = constant(2.0)
    y = x * x
    with tp.GradientTape() as tape:
        tape.watch(x)
    check(tape.explain(y, x), "outside the tape", None, "before the tape recorded")


def test_the_branch_not_taken():
    x, v0, v1 = constant(1.0), tp.Variable(2.0), tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = v0 if x > 0.0 else v1**2  # branch
    assert tape.gradient(y, v1) is None
    check(tape.explain(y, v1), "branch", "branch", "saw True", "v1 is not used")
    check(tape.explain(y, x), "branch", "branch", "only decides", "np.where")


def test_recording_stopped():
    v = tp.Variable(2.0)
    with tp.GradientTape() as tape, tape.stop_recording():  # stopped here
        y = v * v
    check(tape.explain(y, v), "recording stopped", "stopped here")


def test_a_part_computed_while_recording_was_stopped():
    v, w = tp.Variable(2.0), tp.Variable(3.0)
    with tp.GradientTape() as tape:
        with tape.stop_recording():  # a part is not heard
            h = v * v
        y = w * h
    check(tape.explain(y, v), "recording stopped", "a part is not heard")


def test_integer_source():
    x = tp.constant(np.array(10))
    with tp.GradientTape() as tape:
        with pytest.warns(UserWarning, match="must be floating"):
            tape.watch(x)
        y = x * 1.0
    check(tape.explain(y, x), "integer source", None, "int64", "tp.constant(10.0)")


def test_integer_target():
    x = constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x.astype(np.int32)  # to integers
    check(tape.explain(y, x), "integer cast", "to integers")


def test_independent():
    x, y = tp.Variable(2.0), tp.Variable(3.0)
    with tp.GradientTape() as tape:
        x * 1.0
        z = y * y
    check(tape.explain(z, x), "independent", None, "z was computed without x", "unconnected_gradients")


def test_not_read():
    x, y = tp.Variable(2.0), tp.Variable(3.0)
    with tp.GradientTape() as tape:
        z = y * y
    check(tape.explain(z, x), "not read", None, "x was not read")


def test_reset():
    v = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = v * v
        tape.reset()  # forgets
        v * 1.0
    check(tape.explain(y, v), "tape reset", "forgets")


def test_a_consumed_tape_still_explains():
    x, v = constant(3.0), tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = v * x  # of a consumed tape
    assert tape.gradient(y, v).numpy() == 3.0
    check(tape.explain(y, x), "never watched", "of a consumed tape")
    check(tape.explain(y, v), "connected", None, "by way of mul")


def test_a_tape_that_was_never_entered():
    v = tp.Variable(2.0)
    check(tp.GradientTape().explain(v, v), "nothing recorded", None)


def test_only_single_tensors_are_explained():
    v = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = v * v
    with pytest.raises(TypeError, match="`source` of explain"):
        tape.explain(y, [v])


def test_nothing_is_kept_alive_for_explanations():
    import weakref

    x = constant(np.ones(3))
    with tp.GradientTape() as tape:
        tape.watch(x)
        h = apply(ew.stop_gradient, (x * 2.0,))
        float(np.sum(h))
        alive = weakref.ref(h)
        del h
        assert alive() is None
    assert tape.explain(x, x).cause == "connected"


# Warnings of `gradient` ----------------------------------------------------------------------------------------------


def test_a_mistake_is_warned_of_once_at_the_line_of_the_gradient():
    v = tp.Variable(2.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            with tp.GradientTape() as tape:
                y = tp.constant((v * v).numpy()) * 1.0  # leaks in a loop
            assert tape.gradient(y, v) is None  # asked in a loop
    (warning,) = caught
    assert warning.category is tp.errors.DisconnectedGradientWarning
    assert (warning.filename, warning.lineno) == (__file__, line_of("asked in a loop"))
    assert f"{__file__}:{line_of('leaks in a loop')}: A value computed from v left" in str(warning.message)


def test_no_warning_where_zeros_are_asked_for():
    v = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = v.astype(np.int64) * 1.0
    assert tape.gradient(y, v, unconnected_gradients="zero").numpy() == 0.0


def test_what_is_done_on_purpose_is_not_warned_of():
    x, frozen, other = constant(1.0), tp.Variable(1.0, trainable=False), tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        y = other * x * frozen * apply(ew.stop_gradient, (other.value(),))
        with tape.stop_recording():
            z = other * other
    assert tape.gradient(y, [x, frozen]) == [None, None]
    assert tape.gradient(z, other) is None


def test_a_part_that_left_for_plain_python():
    x = tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = x * float(x)  # a part left
    assert tape.gradient(y, x).item() == 2.0
    explanation = tape.explain(y, x)
    assert explanation.cause == "connected"
    for words in ("it has a gradient", "float(t)", f"{__file__}:{line_of('a part left')}", "strict=True"):
        assert words in str(explanation)
