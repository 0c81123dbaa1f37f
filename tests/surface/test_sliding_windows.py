"""`sliding_window_view` on tensors is NumPy's, eager and compiled."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import tapec as tp
from tapec.errors import ShapeError

X = np.arange(60.0).reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((2, 3, 1), None), ((3, 4, 5), None), (2, 1), (4, -2), ((2, 3), (0, 2)), ((3, 2), (2, 0)),
        ((2, 3, 2), (1, 2, 0)), ((2, 2), (1, 1)), ((2, 2, 2, 2), (2, 0, 2, 0)),
    ],
)  # fmt: skip
def test_as_numpy(shape, axis):
    program = tp.function(lambda x: sliding_window_view(x, shape, axis), strict=True)
    expected = sliding_window_view(X, shape, axis)
    for _ in range(2):
        found = program(X)
        assert found.shape == expected.shape and np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("shape", "axis", "message"),
    [
        ((2, 2), None, "one extent for each"),
        (5, 1, "larger than axis 1"),
        ((3, 3), (1, 1), "larger than axis 1"),
        (-1, 0, "negative"),
    ],
)
def test_what_numpy_refuses(shape, axis, message):
    with pytest.raises(ShapeError, match=message):
        tp.function(lambda x: sliding_window_view(x, shape, axis))(X)
    with pytest.raises(ValueError):
        sliding_window_view(X, shape, axis)


def test_windows_are_not_written_to():
    with pytest.raises(ValueError, match="writeable"):
        tp.function(lambda x: sliding_window_view(x, 2, 0, writeable=True))(X)


def test_a_convolution_makes_no_windows():
    """Of 62 x 62 windows of 9 elements only the sums are in memory."""

    def convolved(x, kernel):
        return np.sum(np.tanh(np.einsum("ijkl,kl->ij", sliding_window_view(x, (3, 3)), kernel)))

    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(64, 64)), rng.normal(size=(3, 3))
    tp.testing.check_grads(convolved, (x[:6, :7], kernel), order=2)
    f = tp.function(convolved)
    assert np.isclose(f(x, kernel), convolved(x, kernel))
    assert int(re.search(r"arena: (\d+) bytes", f.inspect(x, kernel).loops)[1]) == 62 * 62 * 8 + 32
