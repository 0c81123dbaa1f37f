"""What steps are called, for people."""

from __future__ import annotations

import numpy as np
import pytest

import tapec as tp
from tapec.passes.step_words import source, words


def named(f, *args):
    """The names of a function's outermost steps."""
    _, path = (compiled := tp.function(f))._run(compiled._take_apart(args, {}))
    return {words(step): step for step in path.executable.program.steps}


X = np.linspace(0.1, 1.0, 600)


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: np.exp(x) * 2.0 - x, "loops over 600: exp, mul, sub"),
        (lambda x: np.sum(np.sin(x)), "loops over 600: sin, sum"),
        (lambda x: np.reshape(x, (20, 30)).T.copy(), "loops over 30 x 20: copy"),
        (lambda x: np.reshape(x, (20, 30)) @ np.reshape(x, (30, 20)), "matmul 20 x 30, 30 x 20"),
        (lambda x: np.cumsum(x), "cumsum 600"),
        (lambda x: tp.fori_loop(0, 5, lambda _, y: np.cumsum(y) * 0.5, x), "5 rounds: cumsum, mul"),
        (
            lambda x: tp.while_loop(lambda y: np.sum(y) > 1.0, lambda y: y * 0.5, x),
            "rounds while a condition holds: sum, gt, mul",
        ),
        (lambda x: tp.cond(np.sum(x) > 1.0, lambda: np.cumsum(x), lambda: x), "one of 2 branches: cumsum"),
        (
            lambda x: np.exp(np.sin(np.cos(np.tanh(np.sqrt(np.log(x + 1.0) * 3.0))))),
            "loops over 600: add, log, mul, sqrt, tanh, cos, 2 more",
        ),
    ],
)
def test_a_step_is_named_by_what_it_does(f, name):
    assert name in named(f, X)


def test_a_step_comes_from_a_line_of_the_user():
    line = test_a_step_comes_from_a_line_of_the_user.__code__.co_firstlineno
    (step,) = named(lambda x: np.exp(x) * 2.0, X).values()
    found = source(step)
    assert (found.filename, found.line) == (__file__, line + 2)
