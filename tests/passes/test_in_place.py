"""Updates in place: what is written over, what is not, and the bits of the ops one by one."""

import re

import numpy as np
import pytest
from graph_making import graph_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import STRAIGHT, assert_same_bits, graphs, random_inputs

import tapec as tp
from tapec.errors import TapecError
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, update
from tapec.ops.symbolic import apply, reduce_sum
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret

N = 1000


def set_at(x, new, at=0):
    return apply(update.slice_set, x, new, start=(at,), step=(1,))


def part(x, at, size=1):
    return apply(movement.slice_, x, start=(at,), size=(size,), step=(1,))


def compiled(function, *arrays):
    """The compiled graph, having checked that its results have the bits of the ops and that no operand has changed."""
    graph = graph_of(function, *arrays)
    expected, _ = interpret(graph, arrays)
    program = compile_graph(graph)
    before = [a.copy() for a in arrays]
    status, found, _ = program.run(arrays)
    assert status == 0
    assert_same_bits(found, expected)
    assert_same_bits(arrays, before)
    return program


def copies(program, size=N):
    """How often a run copies an array of so many float64."""
    return len(re.findall(rf"call void @llvm\.memcpy.*i64 {size * 8},", program.text))


X, U = np.linspace(-1.0, 1.0, N), np.array([7.0])


def test_a_version_that_dies_is_written_over():
    def program(x, u):
        for i in range(20):
            x = set_at(x * 2.0 if i == 0 else x, u, i)
        return x

    assert copies(compiled(program, X, U)) == 0


def test_an_argument_is_copied_once():
    def program(x, u):
        return set_at(set_at(x, u, 1), u, 5)

    assert copies(compiled(program, X, U)) == 1


def test_a_constant_is_not_written_to():
    def program(u):
        zeros = apply(movement.broadcast, u, shape=(N,))
        return set_at(zeros, u * 2.0, 1), set_at(zeros, u * 3.0, 2)

    compiled(program, U)


def test_a_version_that_is_an_output_stays():
    def program(x, u):
        y = x * 2.0
        return set_at(y, u), y

    assert copies(compiled(program, X, U)) == 1


def test_of_two_updates_of_one_version_the_first_copies():
    def program(x, u):
        y = x * 2.0
        return set_at(y, u, 1) + set_at(y, u, 2)

    assert copies(compiled(program, X, U)) == 1


def test_what_reads_the_old_version_goes_first():
    def program(x, u):
        y = x * 2.0
        z = set_at(y, u, 3)
        return z, y + 1.0, reduce_sum(y, (0,))

    assert copies(compiled(program, X, U)) == 0


def test_a_part_that_is_read_later_is_kept():
    def program(x, u):
        y = x * 2.0
        z = set_at(y, u, 3)
        total = apply(movement.reshape, reduce_sum(z, (0,)), shape=(1,))
        return set_at(z, part(y, 3) * total, 4)

    assert copies(compiled(program, X, U)) == 0


def test_all_of_the_old_version_that_is_read_later_is_copied():
    def program(x, u):
        y = x * 2.0
        z = set_at(y, u, 3)
        total = apply(movement.reshape, reduce_sum(z, (0,)), shape=(1,))
        return y * total

    assert copies(compiled(program, X, U)) == 1


@pytest.mark.parametrize(("to", "of"), [(0, 1), (1, 0), (0, 400), (400, 0)])
def test_overlapping_parts_of_one_array(to, of):
    def program(x):
        y = x * 2.0
        return set_at(y, part(y, of, 500), to)

    compiled(program, X)


def test_views_of_a_version_are_the_version():
    def program(x, u):
        y = x * 2.0
        rows = apply(movement.reshape, y, shape=(10, N // 10))
        new = apply(update.slice_set, rows, apply(movement.reshape, u, shape=(1, 1)), start=(3, 4), step=(1, 1))
        return new, part(y, 304) + 1.0

    assert copies(compiled(program, X, U)) == 0


def test_windows_of_every_kind():
    x = np.arange(4.0 * 5 * 6).reshape(4, 5, 6)
    for primitive in (update.slice_set, update.slice_add):
        for start, step, size in [
            ((0, 0, 0), (1, 1, 1), (4, 5, 6)), ((1, 0, 0), (1, 1, 1), (2, 5, 6)), ((3, 4, 5), (-1, -2, -3), (3, 2, 2)),
            ((0, 1, 2), (2, 1, 1), (2, 3, 4)), ((0, 0, 0), (1, 1, 1), (0, 5, 6)), ((0, 2, 0), (1, 1, 2), (4, 1, 3)),
        ]:  # fmt: skip
            new = -1.0 - np.arange(float(np.prod(size))).reshape(size)
            compiled(lambda a, b, p=primitive, s=start, t=step: apply(p, a + 0.5, b, start=s, step=t), x, new)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint16, np.bool_])
def test_other_dtypes(dtype):
    x, new = (np.arange(9) % 2).astype(dtype), np.array([1, 0, 1], dtype)
    compiled(lambda a, b: apply(update.slice_add, apply(ew.copy, a), b, start=(1,), step=(3,)), x, new)
    compiled(lambda a, b: apply(update.slice_set, apply(ew.copy, a), b, start=(8,), step=(-3,)), x, new)
    at = np.array([2, -9, 2])
    compiled(lambda a, b, i: apply(indexing.put, apply(ew.copy, a), i, b, axis=0, distinct=False), x, new, at)


def test_of_positions_that_repeat_the_last_counts():
    x, rows = np.zeros((4, 3)), np.arange(6.0).reshape(2, 3)

    def program(x, i, rows):
        return apply(indexing.put, x + 1.0, i, rows, axis=0, distinct=False)

    executable = compiled(program, x, np.array([2, -2]), rows)
    _, (found,), _ = executable.run([x, np.array([2, -2]), rows])
    assert found[2].tolist() == [3.0, 4.0, 5.0]


def test_a_position_outside_is_noticed_and_nothing_outside_is_written():
    def program(x, i, u):
        return apply(indexing.put, x * 1.0, i, u, axis=0, distinct=True)

    executable = compiled(program, X, np.array([-1]), U)
    for at in (N, -N - 1, 2**62, -(2**63)):
        status, _, _ = executable.run([X, np.array([at]), U])
        assert status != 0


# Loops ---------------------------------------------------------------------------------------------------------------


def test_a_carry_is_written_in_place():
    def body(i, a):
        a = tp.asarray(a)
        a[3] = a[2] + 1.0
        return a

    program = tp.function(lambda x: tp.fori_loop(0, 50, body, x))
    x = np.arange(float(N))
    expected = x.copy()
    expected[3] = 3.0
    for _ in range(2):
        assert np.asarray(program(x)).tolist() == expected.tolist()
    text = program.inspect(x).llvm_ir
    assert len(re.findall(rf"call.*memcpy.*i64 {N * 8},", text)) == 1  # the argument, before the loop


def test_a_first_value_that_the_loop_reads_as_well_is_kept():
    """It is a const and a carry of one op, so that writing over it would change what later rounds read."""

    @tp.function
    def program(x):
        first = np.exp(x)

        def body(i, a):
            a = tp.asarray(a)
            a[i] = a[i] + first[9 - i]
            return a

        return tp.fori_loop(0, 10, body, first)

    x = np.linspace(0.0, 1.0, N)
    expected = np.exp(x)
    expected[:10] += np.exp(x)[9::-1]
    for _ in range(2):
        np.testing.assert_allclose(np.asarray(program(x)), expected, rtol=1e-15)


def test_two_carries_that_change_places_stay_apart():
    def body(i, ab):
        a, b = (tp.asarray(t) for t in ab)
        a[1] = b[0] + 1.0
        b[2] = a[1] * 2.0
        return b, a

    program = tp.function(lambda x, y: tp.fori_loop(0, 5, body, (x, y)))
    x, y = np.arange(float(N)), -np.arange(float(N))
    a, b = x.copy(), y.copy()
    for _ in range(5):
        a[1] = b[0] + 1.0
        b[2] = a[1] * 2.0
        a, b = b, a
    for _ in range(2):
        found = program(x, y)
        assert np.asarray(found[0]).tolist() == a.tolist()
        assert np.asarray(found[1]).tolist() == b.tolist()


def test_a_carry_whose_old_version_is_handed_out():
    def body(a, x):
        new = tp.asarray(a)
        new[0] = x
        return new, a

    program = tp.function(lambda a, xs: tp.scan(body, a, xs))
    a, xs = np.zeros(100), np.arange(1.0, 4.0)
    for _ in range(2):
        last, versions = program(a, xs)
        assert np.asarray(last)[0] == 3.0
        assert np.asarray(versions)[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_a_loop_in_a_branch_does_not_write_to_what_is_outside():
    def step(c, x):
        return tp.cond(x > 0.0, lambda c: tp.fori_loop(0, 3, lambda _, d: d * x, c), np.sin, c) + c, None

    program = tp.function(lambda c, xs: tp.scan(step, c, xs)[0])
    c, xs = np.arange(100.0), np.array([0.5, -1.0, 2.0])
    assert np.asarray(program(c, xs)).tobytes() == np.asarray(program(c, xs)).tobytes()


# Anything ------------------------------------------------------------------------------------------------------------

_OFTEN = [
    update.slice_set,
    update.slice_add,
    indexing.put,
    indexing.scatter_add,
    movement.slice_,
    movement.reshape,
    ew.neg,
]


@given(graph=graphs(primitives=[*_OFTEN, *_OFTEN, *_OFTEN, *STRAIGHT], guards=False), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_random_graphs_have_the_same_bits(graph, seed):
    arrays = [np.ascontiguousarray(a).reshape(np.shape(a)) for a in random_inputs(graph, seed)]
    try:
        with np.errstate(all="ignore"):
            expected, _ = interpret(graph, arrays)
    except TapecError:
        return
    before = [a.copy() for a in arrays]
    _, found, _ = compile_graph(graph).run(arrays)
    assert_same_bits(found, expected)
    assert_same_bits(arrays, before)
