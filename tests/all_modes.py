"""Calls of functions in every mode."""

import numpy as np

import tapec as tp
from tapec.structure import flatten


def in_all_modes(f, *args, **kwargs):
    """The result of a recorded, a compiled and an eager call, which must have the same structure and values."""
    recorded, compiled = f(*args, **kwargs), f(*args, **kwargs)
    with tp.eager():
        eager = f(*args, **kwargs)
    leaves, structure = flatten(compiled)
    for other in (recorded, eager):
        others, same = flatten(other)
        assert same == structure
        for a, b in zip(leaves, others, strict=True):
            assert type(a) is type(b)
            np.testing.assert_array_equal(a, b)
    return compiled


def by_tape(f, *args):
    """Value and gradients on a tape: each op runs by itself, loops and their derivatives among them."""
    tensors = [tp.constant(a) for a in args]
    with tp.GradientTape() as tape:
        for t in tensors:
            tape.watch(t)
        y = f(*tensors)
    return y.numpy(), tuple(g.numpy() for g in tape.gradient(y, tensors))
