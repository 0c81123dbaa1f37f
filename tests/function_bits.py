"""Results of a function by their bits: recorded, compiled and eager."""

import numpy as np

import tapec as tp


def bits(tree):
    """Dtypes, shapes and bytes of a result, and its containers."""
    if isinstance(tree, dict):
        return {k: bits(v) for k, v in tree.items()}
    if isinstance(tree, tuple | list):
        return [type(tree), *[bits(v) for v in tree]]
    if isinstance(tree, tp.Tensor):
        return ("tensor", bits(tree.numpy()))
    if isinstance(tree, np.ndarray | np.generic):
        return (type(tree), tree.dtype.str, tree.shape, tree.tobytes())
    return tree


def same_everywhere(python, *args, **kwargs):
    """Recorded, compiled and eager calls give the same bits; returns the result."""
    f = tp.function(python)
    recorded, compiled = f(*args, **kwargs), f(*args, **kwargs)
    with tp.eager():
        eager = f(*args, **kwargs)
    assert (f.recordings, f.compiles) == (1, 1)
    assert bits(recorded) == bits(compiled) == bits(eager)
    return compiled
