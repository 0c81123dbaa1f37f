"""A recorded call runs only what somebody looks at; the rest is left to the machine code."""

import pickle

import numpy as np
import pytest

import tapec as tp
from tapec import deferred
from tapec.deferred import Deferred, defer
from tapec.errors import IndexOutOfRangeError
from tapec.ops import elementwise as ew
from tapec.ops import reduction

pytestmark = pytest.mark.cpu  # only the host leaves ops to a program that is compiled later

X = np.linspace(-1.0, 1.0, 600)


@pytest.fixture
def runs(monkeypatch):
    """The names of the primitives that run though they were deferred."""
    names = []

    def noted(primitive, arrays, attributes):
        names.append(primitive.name)
        return execute(primitive, arrays, attributes)

    execute = deferred.execute
    monkeypatch.setattr(deferred, "execute", noted)
    return names


# What runs -----------------------------------------------------------------------------------------------------------


def test_a_first_call_runs_nothing_by_itself(runs):
    loss = tp.value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1.0 + x * x)))
    value, gradient = loss(X)
    assert runs == []
    again = loss(X)
    assert value == again[0]
    np.testing.assert_array_equal(gradient, again[1])
    with tp.eager():
        eager = loss(X)
    assert value == eager[0]
    np.testing.assert_array_equal(gradient, eager[1])


def test_a_branch_runs_what_it_looks_at_and_nothing_else(runs):
    @tp.function
    def f(x):
        y = np.sin(x)
        z = np.exp(x)
        return y + 1.0 if np.sum(y) > -1.0 else z

    np.testing.assert_array_equal(f(X), np.asarray(f(X)))
    assert runs[:2] == ["sin", "sum"]
    assert "exp" not in runs
    assert f.recordings == 1


def test_loops_are_left_to_the_program_that_holds_them(monkeypatch):
    from tapec.runtime import control

    monkeypatch.setattr(control, "execute_control", None)

    @tp.value_and_grad
    def f(x):
        last, _ = tp.scan(lambda c, t: (np.sin(c) + t, None), 0.0 * x[0], x)
        return last * last

    value, gradient = f(X)
    assert np.isfinite(value)
    assert np.count_nonzero(gradient)


def test_an_op_that_may_refuse_values_runs_at_once():
    @tp.function
    def f(x, i):
        return np.sin(x)[np.asarray(i)]

    with pytest.raises(IndexOutOfRangeError, match=r"test_deferred\.py"):
        f(X, np.array([1000]))
    with pytest.raises(ValueError, match=r"zero-size|no identity|nothing"):
        tp.function(lambda x: np.max(np.sin(x)))(np.zeros(0))


def test_indices_in_range_are_no_reason_to_run(runs):
    @tp.value_and_grad
    def f(x, i):
        return np.sum(np.exp(x)[i] * 2.0)

    value, gradient = f(X, np.array([0, 599, 3, 3]))
    assert runs == []
    np.testing.assert_allclose(gradient[[0, 3, 4, 599]], 2.0 * np.exp(X[[0, 3, 4, 599]]) * [1, 2, 0, 1], rtol=1e-14)
    with tp.eager():
        assert f(X, np.array([0, 599, 3, 3]))[0] == value


# What the user sees --------------------------------------------------------------------------------------------------


def test_values_are_right_where_python_looks():
    seen = []

    @tp.function
    def f(x):
        y = np.sin(x)
        seen.append(str(y[0] * 2.0))
        seen.append(repr(np.exp(x[:2])))
        return y * 2.0

    f(np.array([0.5, 1.0]))
    assert f"{np.sin(0.5) * 2.0}"[:8] in seen[0]
    assert "1.648721" in seen[1]


def test_tensors_that_outlive_the_call_can_be_used():
    kept = []

    @tp.function
    def f(x):
        y = np.exp(np.sin(x))
        kept.append(y)
        return y.sum()

    f(X)
    (y,) = kept
    expected = np.exp(np.sin(X))
    np.testing.assert_allclose(np.tanh(y).numpy(), np.tanh(expected), rtol=1e-14)
    f2 = tp.function(lambda a: a + 1.0)
    np.testing.assert_allclose(f2(kept[0]).numpy(), expected + 1.0, rtol=1e-14)
    np.testing.assert_allclose(f2(kept[0]).numpy(), expected + 1.0, rtol=1e-14)


def test_a_tape_kept_of_a_recorded_call_still_differentiates():
    kept = []

    @tp.function
    def f(x):
        with tp.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = np.sum(np.sin(x) ** 2)
        kept.append((tape, x, y))
        return tape.gradient(y, x)

    result = f(X)
    np.testing.assert_allclose(result, np.sin(2 * X), atol=1e-14)


def test_variables_are_assigned_once():
    v = tp.Variable(np.ones(600))

    @tp.function
    def step(x):
        v.assign(np.exp(v * 0.5) + x)
        return np.sum(v * v)

    first = step(X)
    expected = np.exp(np.full(600, 0.5)) + X
    np.testing.assert_allclose(v.numpy(), expected, rtol=1e-14)
    assert type(v._tensor._array) is np.ndarray
    np.testing.assert_allclose(first, np.sum(expected * expected), rtol=1e-14)


def test_new_values_of_variables_are_left_to_the_machine_code(runs):
    def train(compiled):
        v, rate = tp.Variable(np.cos(X)), tp.Variable(0.5)

        def step(x):
            with tp.GradientTape() as tape:
                loss = np.sum(np.tanh(v * x) ** 2)
            v.assign_sub(rate * tape.gradient(loss, v))
            rate.assign(rate * 0.9)
            return loss

        call = tp.function(step) if compiled else step
        return [float(call(X)) for _ in range(3)], v.numpy(), rate.numpy()

    compiled = train(True)
    assert runs == []
    for a, b in zip(compiled, train(False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_variable_that_somebody_else_assigns_meanwhile_keeps_that(monkeypatch):
    v = tp.Variable(np.ones(600))

    @tp.function
    def step(x):
        v.assign_add(np.exp(x))
        return np.sum(v)

    keep = tp.Function._keep

    def interrupted(*args):
        v.assign(v * 10.0)  # as another thread may, while this one compiles
        return keep(*args)

    monkeypatch.setattr(tp.Function, "_keep", interrupted)
    total = step(X)
    np.testing.assert_allclose(v.numpy(), 10.0 + np.exp(X), rtol=1e-14)
    np.testing.assert_allclose(total, np.sum(10.0 + np.exp(X)), rtol=1e-14)


def test_what_was_assigned_before_an_error_stays_assigned():
    v = tp.Variable(np.ones(600))

    @tp.function
    def step(x):
        v.assign(np.exp(x))
        raise KeyError("the user's own")

    with pytest.raises(KeyError, match="own"):
        step(X)
    np.testing.assert_allclose(v.numpy(), np.exp(X), rtol=1e-14)
    assert type(v._tensor._array) is np.ndarray


def test_variables_of_a_function_that_does_not_compile_are_assigned_once():
    v = tp.Variable(np.ones(600))

    @tp.function
    def step(x):
        v.assign_add(np.exp(x))
        return float(np.sum(v)) * 1.0

    with pytest.warns(tp.errors.EagerFallbackWarning):
        total = step(X)
    assert total == float(np.sum(v.numpy()))
    np.testing.assert_allclose(v.numpy(), 1.0 + np.exp(X), rtol=1e-14)


def test_writes_to_an_array_do_not_reach_what_was_read_before():
    @tp.function
    def f(x):
        a = tp.Array(np.sin(x))
        before = np.exp(a)
        a[0] = 5.0
        b = a + before
        if np.sum(before) > 0:
            return b, before
        return before, b

    first = f(X)
    with tp.eager():
        eager = f(X)
    for other in (f(X), eager):
        for a, b in zip(first, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert first[0][0] == 5.0 + first[1][0]
    np.testing.assert_allclose(first[1], np.exp(np.sin(X)), rtol=1e-14)


def test_long_chains_do_not_recurse():
    @tp.function
    def f(x):
        y = x
        for i in range(3000):
            y = np.sin(y) + float(i)
        return 1.0 if y[0] > 1e9 else y

    f(np.linspace(0.0, 1.0, 300))


# The stand-in --------------------------------------------------------------------------------------------------------


def test_the_stand_in_is_an_array_to_whoever_looks():
    made = defer(ew.sin, [X], {})
    assert type(made) is Deferred
    assert (made.dtype, made.shape, made.ndim, made.size, made.nbytes) == (X.dtype, X.shape, 1, 600, 4800)
    total = defer(reduction.sum, [made], {"axes": (0,)})
    assert float(total) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_array_equal(np.add(made, 1.0), np.asarray(made) + 1.0)
    np.testing.assert_array_equal(made * 2.0, np.asarray(made) * 2.0)
    assert made[0] == np.asarray(made)[0]
    assert len(made) == 600
    assert made.flags.c_contiguous
    assert repr(total) == repr(np.asarray(total))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)), np.asarray(made))
    assert np.asarray(made) is made.computed()
    assert np.array(made, copy=True) is not made.computed()


def test_integers_are_computed_at_once():
    assert defer(ew.add, [np.arange(600), np.arange(600)], {}) is None
    assert type(defer(ew.add, [X, X], {})) is Deferred


def test_few_elements_of_numpys_own_are_computed_at_once(runs):
    made = []

    @tp.function
    def f(x):
        made.append(x + 1.0)
        made.append(np.sin(x))
        return made[-1]

    f(np.ones(3))
    f(np.ones(600))
    assert [type(t._array) for t in made] == [np.ndarray, Deferred, Deferred, Deferred]
    assert runs == []
