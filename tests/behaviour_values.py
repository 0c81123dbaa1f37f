"""Small things that the tests of behaviours say often."""

import numpy as np

import tapec as tp


def constant(x, dtype=np.float64):
    """A tensor of floats."""
    return tp.constant(np.asarray(x, dtype))


def values(tree):
    """Plain Python numbers in the place of tensors; None stays."""
    if isinstance(tree, list | tuple):
        return [values(x) for x in tree]
    if isinstance(tree, dict):
        return {key: values(x) for key, x in tree.items()}
    return None if tree is None else np.asarray(tree).tolist()


def gradient(function, *points):
    """The gradient of a function of tensors at points, by an eager tape."""
    xs = [constant(p) for p in points]
    with tp.GradientTape() as tape:
        tape.watch(xs)
        with np.errstate(all="ignore"):
            y = function(*xs)
    found = values(tape.gradient(y, xs))
    return found[0] if len(points) == 1 else found
