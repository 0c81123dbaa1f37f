"""Gradients of eager tapes by machine code: when it is made, its bits, and when it is not used."""

import warnings

import numpy as np
import pytest

import tapec as tp
from tapec import compiled_derivative, tape_derivatives
from tapec.errors import CompilationError, EagerFallbackWarning
from tapec.recorded_structure import nothing
from tapec.structure_recorder import StructureRecorder

pytestmark = pytest.mark.cpu  # a device has one program for a derivative from the first time on


@pytest.fixture
def plans(monkeypatch):
    """The plans that the test makes, compiled after their first run."""
    made = {}
    monkeypatch.setattr(tape_derivatives, "_PLANS", made)
    monkeypatch.setattr(tape_derivatives, "COMPILE_START", 0.0)
    monkeypatch.setattr(tape_derivatives, "COMPILE_OP", 0.0)
    return made


def the(plans):
    (plan,) = plans.values()
    return plan


def same(a, b):
    return a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()


def network(rng, x, weights):
    h = x
    for w in weights:
        h = np.tanh(h @ w.value() * 0.5) + np.maximum(h.mean(), 0.1)
    return np.mean(h**2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_are_those_of_the_replay(plans, dtype):
    rng = np.random.default_rng(0)
    weights = [tp.Variable(rng.normal(size=(7, 7)).astype(dtype)) for _ in range(4)]
    found = []
    for _ in range(3):
        with tp.GradientTape() as tape:
            loss = network(rng, tp.constant(np.linspace(-1, 1, 35, dtype=dtype).reshape(5, 7)), weights)
        found.append(tape.gradient(loss, weights))
    assert the(plans)._compiled is not None
    assert all(same(a, b) for a, b in zip(found[0], found[2], strict=True))


def test_it_is_made_once_replaying_has_taken_as_long(plans, monkeypatch):
    monkeypatch.setattr(tape_derivatives, "COMPILE_START", 10.0)
    clock = iter(range(0, 1000, 4))  # each run of the replay takes 4 seconds
    monkeypatch.setattr(tape_derivatives, "perf_counter", lambda: float(next(clock)))
    v = tp.Variable(2.0)
    compiled = []
    for _ in range(5):
        with tp.GradientTape() as tape:
            y = v * v
        assert tape.gradient(y, v).numpy() == 4.0
        compiled.append(the(plans)._compiled is not None)
    assert compiled == [False, False, True, True, True]


def test_nothing_is_compiled_while_somebody_records(plans):
    v = tp.Variable(2.0)
    for _ in range(3):
        with tp.GradientTape() as outer:
            with tp.GradientTape() as inner:
                y = v * v * v
            first = inner.gradient(y, v)
        assert first.numpy() == 12.0
        assert outer.gradient(first, v).numpy() == 12.0
    inner_plan = next(plan for plan in plans.values() if plan.residuals and plan._patience == 0.0)
    assert inner_plan._compiled is None


def test_views_in_memory_order_have_code_of_their_own(plans):
    rng = np.random.default_rng(1)
    w = tp.Variable(rng.normal(size=(40, 40)))
    x = rng.normal(size=(40, 40))
    found = []
    for kept in (x, x.T.copy().T, x, x.T.copy().T):  # the same values, in row-major and in column-major order
        with tp.GradientTape() as tape:
            loss = np.sum(np.sin(tp.constant(np.zeros((40, 40))) + w.value()) @ _as_it_lies(kept))
        found.append(tape.gradient(loss, w))
    assert len(the(plans)._compiled._variants) == 2
    assert all(np.array_equal(g.numpy(), found[0].numpy()) for g in found)


def _as_it_lies(array):
    from tapec.tensor import make

    return make(array)


def test_a_persistent_tape_keeps_its_tensors(plans):
    v = tp.Variable([1.0, 2.0])
    with tp.GradientTape(persistent=True) as tape:
        y = v * v * v
    found = [tape.gradient(y, v).numpy().tolist() for _ in range(3)]
    assert found == [[3.0, 12.0]] * 3
    assert the(plans)._compiled is not None


def test_tensors_are_let_go(plans):
    import weakref

    v = tp.Variable([1.0, 2.0])
    for _ in range(3):
        with tp.GradientTape() as tape:
            h = np.sin(v.value())
            alive = weakref.ref(h)
            y = h * h
            del h
        assert alive() is not None
        tape.gradient(y, v)
        assert alive() is None


def test_output_gradients_and_unconnected_sources(plans):
    v, w = tp.Variable([1.0, 2.0]), tp.Variable(1.0)
    for _ in range(3):
        with tp.GradientTape() as tape:
            w * 1.0
            y = v * v
        dv, dw = tape.gradient(y, [v, w], output_gradients=[1.0, 10.0])
        assert dv.numpy().tolist() == [2.0, 40.0]
        assert dw is None


def test_a_graph_that_cannot_be_compiled_goes_on_being_replayed_and_says_so(plans, monkeypatch):
    def refuse(graph):
        raise CompilationError("no code for this")

    monkeypatch.setattr(compiled_derivative, "compile_graph", refuse)
    v = tp.Variable(2.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            with tp.GradientTape() as tape:
                y = v * v
            assert tape.gradient(y, v).numpy() == 4.0
    (warning,) = caught
    assert warning.category is EagerFallbackWarning
    assert "no code for this" in str(warning.message)
    assert warning.filename == __file__


# Structures ----------------------------------------------------------------------------------------------------------


def structure(program, *arrays):
    recorder = StructureRecorder(watch_accessed_variables=True)
    from tapec.recording import active

    tensors = [tp.constant(a) for a in arrays]
    for t in tensors:
        recorder.watch(t)
    with active(recorder):
        program(*tensors)
    return recorder.prefix


ONES = np.ones(3)


def test_equal_recordings_have_one_prefix():
    def program(x):
        return np.sum(np.sin(x * 2.0)[1:])

    assert structure(program, ONES) is structure(program, ONES + 1.0)
    assert structure(program, ONES) is not structure(program, np.ones(4))
    assert structure(program, ONES) is not structure(program, np.ones(3, np.float32))


@pytest.mark.parametrize(
    "other",
    [
        lambda x: np.sum(x * 3.0, 0),
        lambda x: np.sum(x * -0.0, 0),
        lambda x: np.sum(2.0 * x, 0),
        lambda x: np.sum(x + 2.0, 0),
        lambda x: np.prod(x * 2.0, 0),
        lambda x: x * 2.0,
        lambda x: np.sum(x[:2] * 2.0, 0),
    ],
)
def test_other_recordings_have_another(other):
    assert structure(lambda x: np.sum(x * 2.0, 0), ONES) is not structure(other, ONES)
    assert structure(lambda x: np.sum(x * 0.0, 0), ONES) is not structure(other, ONES)


def test_the_same_op_at_another_line_is_another():
    def program(x, first):
        if first:
            return x * 2.0
        return x * 2.0

    first, second = structure(lambda x: program(x, True), ONES), structure(lambda x: program(x, False), ONES)
    assert first is not second
    assert second.location.line == first.location.line + 1


def test_numbers_that_change_all_the_time_become_inputs():
    def program(number):
        return lambda x: x * number

    ends = [structure(program(float(n)), ONES) for n in range(3, 40)]
    assert len(set(ends)) < 12
    v = tp.Variable(3.0)
    for n in range(3, 40):
        with tp.GradientTape() as tape:
            y = v * float(n)
        assert tape.gradient(y, v).numpy() == n


def test_structures_are_forgotten_from_time_to_time(monkeypatch):
    from tapec import recorded_structure

    monkeypatch.setattr(recorded_structure, "_MOST_STEPS", recorded_structure._TREE.count + 5)
    root = nothing()
    for n in range(10):
        structure(lambda x, n=n: x.reshape(1, 3, 1)[:, : n % 3 + 1] * 1.0, ONES)
        structure(lambda x, n=n: np.sum(x[: n % 2]) * 1.0, np.ones(5 + n))
    assert nothing() is not root


def test_long_recordings_are_not_shared(monkeypatch):
    from tapec import recorded_structure

    monkeypatch.setattr(recorded_structure, "_LONGEST", 10)

    def program(x):
        for _ in range(20):
            x = x * x
        return x

    a, b = structure(program, ONES), structure(program, ONES)
    assert a is not b
    assert not a.repeatable
    v = tp.Variable(1.0)
    with tp.GradientTape() as tape:
        y = program(v.value())
    assert tape.gradient(y, v).numpy() == 2.0**20
