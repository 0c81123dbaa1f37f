"""Random graphs on the NVIDIA target, bit for bit against the interpreter, with threads in either order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import assert_same_bits, graphs, random_inputs

from tapec.errors import IndexOutOfRangeError
from tapec.passes.kernel_status import FINE, GUARD_DIFFERS, INDEX_OUT_OF_RANGE
from tapec.runtime.cuda.emulated_program import EmulatedProgram
from tapec.runtime.cuda.program import device_plan
from tapec.runtime.interpreter import interpret


@settings(max_examples=100, deadline=None)
@given(graph=st.one_of(graphs(guards=False), graphs()), seed=st.integers(0, 2**32))
def test_random_graphs(graph, seed):
    inputs = [np.asarray(a, order="C") for a in random_inputs(graph, seed)]
    program = EmulatedProgram(device_plan(graph))
    with np.errstate(all="ignore"):
        try:
            expected, guards = interpret(graph, inputs)
        except IndexOutOfRangeError:
            assert program.run(inputs)[0] in (INDEX_OUT_OF_RANGE, GUARD_DIFFERS)
            return
        for backwards in (False, True):
            status, outputs, seen = program.run(inputs, backwards=backwards)
            if status == GUARD_DIFFERS:
                assert seen and seen == guards[: len(seen)]
                continue
            assert (status, seen) == (FINE, guards)
            assert_same_bits(outputs, expected)
