"""Users' programs and their gradients on an emulated GPU: the bits of the CPU."""

import numpy as np
import pytest
from random_graphs import assert_same_bits
from user_programs import user_programs

import tapec as tp
from tapec.structure import flatten

EMULATED = tp.device("emulated")
PROGRAMS = [p for dtype in (np.float32, np.float64) for p in user_programs(dtype)]


def name(program):
    return f"{program.python.__name__}-{np.asarray(program.args[0]).dtype}"


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_programs(program):
    plain = tp.value_and_grad(program.python, program.argnums)
    there = tp.function(plain, device=EMULATED)
    expected = flatten(plain(*program.args))[0]
    for _ in range(2):  # recorded, and run there
        assert_same_bits(flatten(there(*program.args))[0], expected)
