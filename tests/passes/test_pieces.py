"""Concatenations: right whatever their parts are, and no memory between the parts' computation and their place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tapec as tp

RNG = np.random.default_rng(0)
A, B, C = RNG.normal(size=(3, 40))
M = RNG.normal(size=(5, 8))


def nested(a, b, c):
    inner = np.stack([a * b, b - c, c * c], 1)
    return np.concatenate([a[:2], np.reshape(inner, (-1,)), c[:3] * 2])


CASES = {
    "stack of vectors beside one another": (lambda a, b, c: np.stack([a * b, b * c, c * a], 1), (A, B, C), 1),
    "stack of vectors below one another": (lambda a, b, c: np.stack([a * b, b * c, c * a]), (A, B, C), 1),
    "flat matrices": (lambda m: np.concatenate([np.reshape(m * m, (-1,)), np.reshape(m + m, (-1,))]), (M,), 1),
    "transposed": (lambda m: np.concatenate([np.reshape((m * m).T, (-1,)), np.reshape(m, (-1,))]), (M,), 3),
    "concatenation of a concatenation": (nested, (A, B, C), 3),
    "keepdims": (lambda m: np.concatenate([m * 2, np.max(m, 1, keepdims=True)], 1), (M,), 3),
    "numbers": (lambda a, _b, _c: np.stack([a[0], a[1] * a[2], 3.0]), (A, B, C), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_number_of_nests(name):
    python, arguments, most = CASES[name]
    compiled = tp.function(python)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(*arguments), python(*arguments))
    assert compiled.inspect(*arguments).kernels <= most


def test_an_inner_one_that_is_read_elsewhere_is_kept():
    def python(a, b):
        inner = np.concatenate([a, b])
        return np.concatenate([inner, a]), inner * 2

    compiled = tp.function(python)
    for _ in range(2):
        for found, expected in zip(compiled(A, B), python(A, B), strict=True):
            np.testing.assert_array_equal(found, expected)


def trees(parts):
    return st.one_of(
        st.integers(0, 2),
        st.tuples(st.sampled_from(["rows", "columns", "flat"]), st.lists(parts, min_size=1, max_size=3)),
    )


def build(tree, arrays):
    """A (k, 4) array."""
    if isinstance(tree, int):
        return arrays[tree] * 1.5
    how, parts = tree
    made = [build(part, arrays) for part in parts]
    if how == "rows":
        return np.concatenate(made)
    if how == "flat":
        return np.reshape(np.concatenate([np.reshape(m, (-1,)) for m in made]), (-1, 4))
    rows = min(len(m) for m in made)
    return np.concatenate([m[:rows, 1::2] for m in made] * 2, 1)[:, -4:] if len(made) == 1 else made[0]


@settings(max_examples=25, deadline=None)
@given(st.recursive(st.integers(0, 2), trees, max_leaves=6))
def test_any_nesting(tree):
    arrays = [RNG.normal(size=(k + 1, 4)) for k in range(3)]
    compiled = tp.function(lambda *xs: build(tree, xs))
    for _ in range(2):
        np.testing.assert_array_equal(compiled(*arrays), build(tree, arrays))
