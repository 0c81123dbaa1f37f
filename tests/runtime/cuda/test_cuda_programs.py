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


def test_a_while_loop_reads_what_a_loop_around_it_goes_through():
    """The outer loop is the host's, since its backward pass needs memory that grows; the inner one is a kernel."""

    def f(x, ks):
        def step(c, k):
            c = tp.while_loop(lambda v: v < 5.0, lambda v: v * k + np.sin(v), c)
            return tp.cond(c > 6.0, lambda v: tp.while_loop(lambda u: u > 1.0, lambda u: u * 0.3 * k, v), np.sqrt, c), c

        last, every = tp.scan(step, x, ks)
        return last * np.sum(every)

    plain = tp.grad(lambda x, ks: np.sum(tp.grad(f, argnums=1)(x, ks)))
    args = np.array(0.7), np.array([1.5, 1.9, 2.3])
    there = tp.function(plain, device=EMULATED)
    for _ in range(2):
        assert_same_bits([there(*args)], [plain(*args)])
