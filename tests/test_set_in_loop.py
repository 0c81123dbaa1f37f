"""Programs that write element by element: the work grows with the number of elements, and is counted, not timed."""

import re

import numpy as np
import pytest

import tapec as tp
from tapec import array_program, rolled_tape, tape_derivatives
from tapec.passes.reroll import Reroll
from tapec.passes.work import instructions


def recurrence(x):
    a = np.zeros_like(x)
    a[0] = x[0]
    for i in range(1, x.shape[0]):
        a[i] = a[i - 1] * 0.5 + np.sin(x[i])
    return np.sum(a * a)


def backwards(x):
    a = np.copy(x)
    for i in range(x.shape[0] - 2, -1, -1):
        a[i] += a[i + 1] * x[i]
    return np.sum(a * a)


def rows(x):
    table = np.zeros_like(x.reshape(-1, 2))
    x = x.reshape(-1, 2)
    table[0] = x[0]
    for i in range(1, x.shape[0]):
        table[i] = table[i - 1] * x[i]
    return np.sum(table)


def one_of_each_row(x):
    table = np.copy(x.reshape(-1, 2))
    for i in range(1, table.shape[0]):
        table[i, 1] = table[i - 1, 1] * table[i, 0]
    return np.sum(table * table)


def carried(x):
    def body(i, a):
        a = tp.asarray(a)
        a[i] = a[i - 1] * 0.5 + np.sin(x[i])
        return a

    return np.sum(tp.fori_loop(1, x.shape[0], body, np.zeros_like(x)) ** 2)


def searched(x):
    def body(state):
        i, a = state
        a = tp.asarray(a)
        a[i] = a[i - 1] * 0.5 + x[i]
        return i + 1, a

    n = x.shape[0]
    return np.sum(tp.while_loop(lambda state: state[0] < n, body, (1, np.zeros_like(x)))[1] ** 2)


PYTHON = [recurrence, backwards, rows, one_of_each_row]
LOOPS = [carried, searched]


def points(n):
    x = np.linspace(-1.0, 1.0, n)
    x[n // 3 :: n // 5] = -0.0
    return x


@pytest.mark.parametrize("program", [*PYTHON, *LOOPS])
def test_the_instructions_of_a_run_grow_with_the_elements(program):
    """And copies of the whole array, of which a loop would make one in each round, are few."""
    counted, copies = [], []
    for n in (400, 1600):
        inspection = tp.value_and_grad(program).inspect(points(n))
        counted.append(instructions(inspection._executable.program))
        copies.append(len(re.findall(rf"call void @llvm\.memcpy.*i64 {n * 8},", inspection.llvm_ir)))
    assert counted[1] <= 4.1 * counted[0]
    assert copies[0] == copies[1] <= 3


@pytest.mark.parametrize("program", [*PYTHON, *LOOPS])
def test_compiled_gradients_have_the_bits_of_the_recording(program):
    x = points(300)
    compiled = tp.value_and_grad(program)
    first, second = compiled(x), compiled(x)
    assert np.asarray(first[0]).tobytes() == np.asarray(second[0]).tobytes()
    assert np.asarray(first[1]).tobytes() == np.asarray(second[1]).tobytes()


def gradient(program, x):
    v = tp.Variable(x)
    with tp.GradientTape() as tape:
        y = program(v)
    return tape.gradient(y, v).numpy()


@pytest.mark.parametrize("program", PYTHON)
def test_a_tape_that_finds_the_loop_has_the_bits_of_one_that_does_not(program, monkeypatch):
    x = points(300)
    found = gradient(program, x)
    made = []
    monkeypatch.setattr(Reroll, "rerolled", lambda *_: made.append(1))
    monkeypatch.setattr(rolled_tape, "_LOOPS", 10**9)
    x = x[:-2]
    monkeypatch.setattr(tape_derivatives, "_PLANS", {})
    plain = gradient(program, x)
    monkeypatch.undo()
    assert not made
    assert gradient(program, x).tobytes() == plain.tobytes()
    assert found.shape == (300,)


@pytest.mark.parametrize("program", [recurrence, one_of_each_row])
def test_the_plan_of_a_tape_does_not_grow(program, monkeypatch):
    sizes = []
    init = tape_derivatives.Plan.__init__
    monkeypatch.setattr(
        tape_derivatives.Plan,
        "__init__",
        lambda plan, graph, *rest: (sizes.append(len(graph.ops)), init(plan, graph, *rest))[1],
    )
    for n in (302, 602):
        gradient(program, points(n))
    assert sizes[0] == sizes[1] < 200


@pytest.mark.cpu  # counts copies of NumPy arrays
def test_an_unrolled_adjoint_copies_no_array(monkeypatch):
    """A replayed derivative writes into the cotangent's memory: the copies do not grow with the number of writes."""
    copied = []
    take = array_program.taken_over

    def counting(box):
        before = box[0].ctypes.data
        out = take(box)
        copied.append(out.ctypes.data != before)
        return out

    monkeypatch.setattr(array_program, "taken_over", counting)
    for n in (60, 100):  # too short to be looked through for loops
        copied.clear()
        gradient(recurrence, points(n))
        assert len(copied) >= 2 * (n - 1)
        assert sum(copied) <= 2
