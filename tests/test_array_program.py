"""Replay on arrays: the bits of the ops one by one, updates in the memory of dead operands and of no others."""

import numpy as np
import pytest
from graph_making import graph_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import STRAIGHT, assert_same_bits, graphs, random_inputs

from tapec.array_program import ArrayProgram, runs_on_arrays
from tapec.errors import TapecError
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, update
from tapec.ops.symbolic import apply
from tapec.ownership import taken_over
from tapec.runtime.interpreter import interpret


def test_an_array_that_nobody_else_holds_is_taken_over():
    x = np.zeros(3)
    address = x.ctypes.data
    box = [x]
    del x
    assert taken_over(box).ctypes.data == address


def test_so_is_one_in_another_shape():
    box = [np.zeros((2, 3)).reshape(6)]
    address = box[0].ctypes.data
    assert taken_over(box).ctypes.data == address


@pytest.mark.parametrize("hold", [lambda x: x, lambda x: x[1:], lambda x: x.T, lambda x: memoryview(x)])
def test_an_array_that_somebody_holds_is_copied(hold):
    x = np.zeros(3)
    held = hold(x)
    box = [x]
    del x
    taken = taken_over(box)
    taken[:] = 1.0
    assert np.asarray(held).tolist() == [0.0] * len(np.asarray(held))


@pytest.mark.parametrize("array", [np.broadcast_to(0.0, (3,)), np.ones((2, 3)).T, np.frombuffer(b"12345678")])
def test_views_and_arrays_that_are_not_dense_are_copied(array):
    box = [array]
    taken = taken_over(box)
    assert taken.flags.writeable
    assert taken.flags.c_contiguous
    assert np.array_equal(taken, array, equal_nan=True)


def changes(x, a, b, c, where):
    """What the adjoint of a loop that reads and writes elements looks like."""
    total = apply(update.slice_add, -x, a, start=(1,), step=(1,))
    total = apply(update.slice_set, total, c, start=(0,), step=(5,))
    total = apply(indexing.put, total, where, b, axis=0, distinct=False)
    return apply(indexing.scatter_add, total, where, c, axis=0)


def test_changes_in_place_keep_every_bit():
    arrays = [np.array([-0.0, 1.0, 0.0, -0.0, -1.0, np.nan]), np.array([-0.0, -1.0]), np.array([3.0, -0.0]),
              np.array([-0.0, 0.0]), np.array([-1, 5])]  # fmt: skip
    graph = graph_of(changes, *arrays)
    expected, _ = interpret(graph, arrays)
    before = [a.copy() for a in arrays]
    found = ArrayProgram(graph).run(list(arrays))
    assert found[0].tobytes() == expected[0].tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(arrays, before, strict=True))


def test_an_input_that_is_given_away_is_written_to():
    graph = graph_of(lambda x, u: apply(update.slice_set, x, u, start=(1,), step=(1,)), np.ones(4), np.ones(1))
    x = np.ones(4)
    address = x.ctypes.data
    given_away = [x, np.zeros(1)]
    del x
    (found,) = ArrayProgram(graph).run(given_away)
    assert found.ctypes.data == address
    assert found.tolist() == [1.0, 0.0, 1.0, 1.0]


def test_a_value_that_is_read_later_is_not_written_to():
    def program(x, u):
        y = x * 1.0
        z = apply(update.slice_set, y, u, start=(1,), step=(1,))
        return z, y

    arrays = [np.ones(4), np.zeros(1)]
    z, y = ArrayProgram(graph_of(program, *arrays)).run(list(arrays))
    assert z.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert y.tolist() == [1.0] * 4


@pytest.mark.parametrize("before", [False, True])
def test_slices_keep_nothing_from_being_written_to(before):
    """Whether they are recorded before the update or behind it: they are taken first, and copied."""

    def program(x, u):
        parts = [apply(movement.slice_, x, start=(1,), size=(2,), step=(1,))] if before else []
        changed = apply(update.slice_set, x, u, start=(1,), step=(1,))
        parts = parts or [apply(movement.slice_, x, start=(1,), size=(2,), step=(1,))]
        return changed, parts[0]

    graph = graph_of(program, np.ones(4), np.ones(1))
    x = np.ones(4)
    address = x.ctypes.data
    given_away = [x, np.zeros(1)]
    del x
    changed, part = ArrayProgram(graph).run(given_away)
    assert changed.ctypes.data == address
    assert (changed.tolist(), part.tolist()) == ([1.0, 0.0, 1.0, 1.0], [1.0, 1.0])


def test_the_number_of_inputs_is_checked():
    with pytest.raises(ValueError, match="2 inputs, got 1"):
        ArrayProgram(graph_of(lambda x, y: x + y, np.ones(1), np.ones(1))).run([np.ones(1)])


_OFTEN = [update.slice_set, update.slice_add, indexing.put, ew.neg, movement.slice_, movement.reshape]


@given(graph=graphs(primitives=[*_OFTEN, *_OFTEN, *STRAIGHT], guards=False), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_random_graphs_have_the_same_bits(graph, seed):
    if not runs_on_arrays(graph):
        return
    arrays = [np.asarray(a, order="C") for a in random_inputs(graph, seed)]
    try:
        with np.errstate(all="ignore"):
            expected, _ = interpret(graph, arrays)
    except TapecError:
        return
    before = [a.copy() for a in arrays]
    assert_same_bits(ArrayProgram(graph).run(list(arrays)), expected)
    assert_same_bits(arrays, before)
