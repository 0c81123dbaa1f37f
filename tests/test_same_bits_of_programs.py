"""Programs of users give the same bits eagerly, recorded, compiled and by the native entry, gradients included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import assert_same_bits
from user_expressions import arguments, steps
from user_programs import user_programs

import tapec as tp
from tapec.structure import flatten

PROGRAMS = [p for dtype in (np.float32, np.float64) for p in user_programs(dtype)]


def assert_same_everywhere(f, args):
    with tp.eager():
        expected = flatten(f(*args))[0]
    frozen = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    for arg in frozen:
        if isinstance(arg, np.ndarray):
            arg.flags.writeable = False
    for given_args in (args, args, args, args, frozen):
        found = flatten(f(*given_args))[0]
        assert [type(x) for x in found] == [type(x) for x in expected]
        assert_same_bits(found, expected)
    assert f.recordings == 1


def name(program):
    return f"{program.python.__name__}-{np.asarray(program.args[0]).dtype}"


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_programs(program):
    assert_same_everywhere(tp.value_and_grad(program.python, program.argnums), program.args)


@pytest.mark.parametrize("program", PROGRAMS[::2], ids=name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, of the square root of a negative number
def test_programs_give_what_numpy_gives(program):
    expected = np.asarray(program.python(*program.args))
    found = tp.function(program.python)(*program.args)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=2e-5 if expected.dtype == np.float32 else 1e-12)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_random_expressions(data):
    """Arrays of any dtype and layout, special values among them, through operations that NumPy allows on them."""
    args = data.draw(arguments())
    taken = data.draw(steps(args))

    def python(*args):
        known = list(args)
        for step in taken:
            known.append(step.run(known))
        return known[len(args) :]

    def loss(*args):
        results = [x for x in python(*args) if x.dtype.kind == "f" and x.size]
        return sum([np.sum(x * 0.5) + np.max(x) for x in results], 0.0 * args[0].sum())

    assert_same_everywhere(tp.function(python), args)
    assert_same_everywhere(tp.value_and_grad(loss), args)
